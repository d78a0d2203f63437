/**
 * A node's screen: a terminal emulator without a display. Operators see a node's output only as this screen's cells,
 * or as sequences that {@link NodeScreen.serialize} made from them; never as the node's own bytes.
 *
 * {@link loggedScreen} rebuilds a console's last screen from the end of its log of bytes, for a server that has not
 * seen it itself.
 */
import { open } from 'node:fs/promises';
import { NodeTerminal, type TerminalSize } from './emulator.ts';
import { LineTimes, type LineTime } from './line-times.ts';
import { copyOf, otherModes } from './screen-copy.ts';
import type { ScreenText } from './screen-state.ts';

export interface ScreenOptions extends TerminalSize {
  /** Lines kept above the visible ones. */
  scrollback: number;
}

/**
 * Parsing is asynchronous: output appears in `text` and `serialize` after {@link flush} resolved. The emulator parses
 * 34 MB/s and more, the line brings 11 KB/s, so its queue stays short without a bound.
 */
export class NodeScreen {
  readonly #terminal: NodeTerminal;
  readonly #times: LineTimes;

  constructor(options: ScreenOptions) {
    this.#terminal = new NodeTerminal(options);
    this.#times = new LineTimes(this.#terminal);
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  /** Writes a copy of bytes from the node, which came at `at`; null: not known. */
  write(bytes: Uint8Array, at: LineTime = null): void {
    this.#terminal.write(bytes, () => this.#times.stamp(at));
  }

  /** Writes a copy of another screen, with the times of its lines. */
  restore(screen: Uint8Array, times: readonly LineTime[]): void {
    this.#terminal.write(screen, () => this.#times.restore(times));
  }

  /** Returns the times of the lines that {@link copy} returns. */
  times(scrollbackLines: number): LineTime[] {
    return this.#times.last(scrollbackLines);
  }

  /** Resolves when everything written so far is on the screen. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  /**
   * Adds a listener for the terminal's replies to the node's queries (device attributes, cursor position, modes).
   * Returns the function that removes it.
   */
  onReply(listener: (bytes: Uint8Array) => void): () => void {
    const encoder = new TextEncoder();
    const subscription = this.#terminal.onData((text) => listener(encoder.encode(text)));
    return () => subscription.dispose();
  }

  /** Sets another size, as of the node's tty. Text is wrapped again; nothing is lost. */
  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /**
   * Returns escape sequences that rebuild the screen, modes and the last `scrollbackLines` lines above it in an empty
   * emulator.
   */
  serialize(scrollbackLines: number): string {
    return copyOf(this.#terminal, scrollbackLines);
  }

  /**
   * Returns the same with the beginning of an unfinished sequence, so that the copy continues with the node's next
   * byte.
   */
  copy(scrollbackLines: number): Buffer {
    // Bytes, because the string is a tree of small pieces, many times as large.
    return Buffer.concat([Buffer.from(this.serialize(scrollbackLines)), this.#terminal.pending]);
  }

  /** Returns the visible rows as plain text, trailing blanks removed, joined by newlines. */
  text(): string {
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < this.#terminal.rows; row++)
      lines.push(buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '');
    return lines.join('\n');
  }

  /** Returns the text around the cursor, wrapped rows joined. */
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

  /** Returns the names of the modes that a program has set and another one would not expect. */
  setModes(): string[] {
    const { modes, nodeModes, buffer } = this.#terminal;
    const set: [boolean, string][] = [
      [buffer.active.type === 'alternate', 'alternate screen'],
      [modes.mouseTrackingMode !== 'none', 'mouse'],
      [modes.sendFocusMode, 'focus reports'],
      [modes.bracketedPasteMode, 'bracketed paste'],
      [modes.applicationCursorKeysMode, 'cursor keys'],
      [modes.applicationKeypadMode, 'keypad'],
      [modes.insertMode, 'insert mode'],
      [modes.originMode, 'origin mode'],
      [!modes.wraparoundMode, 'no wrap'],
      [!nodeModes.cursorVisible || nodeModes.cursorShape > 0, 'cursor'],
      ...otherModes(this.#terminal),
    ];
    return set.filter(([on]) => on).map(([, name]) => name);
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

/** Bytes of the log's end that are replayed: a full-screen program draws its whole screen in some 8 KB. */
const TAIL = 16 * 1024;
/** A serial line has no window size; a getty assumes this one. */
const SIZE = { cols: 80, rows: 24, scrollback: 0 };

export interface LoggedScreen {
  /** Time of the node's last output, epoch ms. */
  at: number;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator. */
  screen: Buffer;
  /** Its rows as text, and the text around its cursor. */
  text: string;
  around: ScreenText;
}

/**
 * Resolves the last logged screen; null: nothing is logged. @throws an error of the file system, except for a missing
 * file
 */
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
    // The first line may begin in the middle of a sequence.
    screen.write(from === 0 ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1));
    await screen.flush();
    const { cols, rows } = SIZE;
    const logged = { at: mtimeMs, cols, rows, screen: screen.copy(0), text: screen.text(), around: screen.around() };
    screen.dispose();
    return logged;
  } finally {
    await file.close();
  }
}
