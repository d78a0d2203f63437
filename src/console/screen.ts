/**
 * What a node's console shows: a terminal emulator without a display. Operators see a node's output only as this
 * screen's cells, or as sequences that {@link NodeScreen.serialize} made from them; never as the node's own bytes.
 *
 * A console's last screen as far as the end of its log of bytes tells it, for a server that has not seen it itself.
 */
import { open } from 'node:fs/promises';
import serializeAddon from '@xterm/addon-serialize';
import { NodeTerminal, type TerminalSize } from './emulator.ts';
import { completeCopy } from './screen-copy.ts';
import type { ScreenText } from './screen-state.ts';

export interface ScreenOptions extends TerminalSize {
  /** Lines kept above the visible ones. */
  scrollback: number;
}

/**
 * Parsing is asynchronous: output shows in `text` and `serialize` once {@link flush} resolved. The emulator keeps up
 * with 34 MB/s and more, the line brings 11 KB/s, so its queue stays short without a bound of our own.
 */
export class NodeScreen {
  readonly #terminal: NodeTerminal;
  readonly #serializer: InstanceType<typeof serializeAddon.SerializeAddon>;

  constructor(options: ScreenOptions) {
    this.#terminal = new NodeTerminal(options);
    this.#serializer = new serializeAddon.SerializeAddon();
    this.#terminal.loadAddon(this.#serializer);
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  /** Bytes from the node. They are copied: the caller may reuse its buffer. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(bytes);
  }

  /** Resolves when everything written so far is on the screen. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  /** What the terminal answers to the node's questions (device attributes, cursor position, modes). */
  onReply(listener: (bytes: Uint8Array) => void): () => void {
    const encoder = new TextEncoder();
    const subscription = this.#terminal.onData((text) => listener(encoder.encode(text)));
    return () => subscription.dispose();
  }

  /** The node's tty was told another size. Text wraps anew; nothing is lost. */
  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /** Escape sequences that rebuild screen, modes and the last `scrollbackLines` lines above it in an empty emulator. */
  serialize(scrollbackLines: number): string {
    return completeCopy(this.#terminal, this.#serializer.serialize({ scrollback: scrollbackLines }));
  }

  /** The same with what came of an unfinished sequence: whoever gets it goes on with the node's next byte. */
  copy(scrollbackLines: number): Buffer {
    // Bytes, because the serializer's string is a tree of single characters: some thirty times as large.
    return Buffer.concat([Buffer.from(this.serialize(scrollbackLines)), this.#terminal.pending]);
  }

  /** The visible rows as plain text, trailing blanks removed, joined by newlines. */
  text(): string {
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < this.#terminal.rows; row++)
      lines.push(buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '');
    return lines.join('\n');
  }

  /** What stands around the cursor, rows joined where a line wraps. */
  around(): ScreenText {
    const { active } = this.#terminal.buffer;
    const lines: { text: string; cursor: number | null }[] = [];
    for (let row = 0; row < this.#terminal.rows; row++) {
      const cells = active.getLine(active.baseY + row);
      const here = row === active.cursorY;
      const text = (cells?.translateToString(!here) ?? '').padEnd(here ? active.cursorX : 0);
      const last = cells?.isWrapped === true ? lines.at(-1) : undefined;
      const at = (last?.text.length ?? 0) + active.cursorX;
      if (last) {
        last.text += text;
        if (here) last.cursor = at;
      } else lines.push({ text, cursor: here ? at : null });
    }
    const index = lines.findIndex(({ cursor }) => cursor !== null);
    const { text = '', cursor = 0 } = lines[index] ?? {};
    return {
      above: lines.slice(0, Math.max(0, index)).map((line) => line.text.trimEnd()),
      line: text,
      before: cursor ?? 0,
      below: lines.slice(index + 1).map((line) => line.text.trimEnd()),
      alternate: active.type === 'alternate',
    };
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

/** A full-screen program draws all of its screen in some 8 KB. */
const TAIL = 16 * 1024;
/** A serial line has no window size; this is what a getty assumes. */
const SIZE = { cols: 80, rows: 24, scrollback: 0 };

export interface LoggedScreen {
  /** When the node last said something. */
  at: number;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild it in an empty emulator. */
  screen: Buffer;
  /** What stands around its cursor. */
  around: ScreenText;
}

/** Null: nothing is logged. @throws an error of the file system, but for no file */
export async function loggedScreen(rawPath: string): Promise<LoggedScreen | null> {
  const file = await open(rawPath, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { size, mtimeMs } = await file.stat();
    if (size === 0) return null;
    const from = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const bytes = buffer.subarray(0, bytesRead);
    const screen = new NodeScreen(SIZE);
    // The first line may begin in the midst of a sequence.
    screen.write(from === 0 ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1));
    await screen.flush();
    const { cols, rows } = SIZE;
    const logged = { at: mtimeMs, cols, rows, screen: screen.copy(0), around: screen.around() };
    screen.dispose();
    return logged;
  } finally {
    await file.close();
  }
}
