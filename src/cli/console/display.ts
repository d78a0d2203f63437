/** Where a node's output goes at a bare terminal: as cells of an emulator, or, asked for knowingly, as it comes. */
import type { WriteStream } from 'node:tty';
import type { ConsoleJoined } from '../../api/protocol.ts';
import { shown } from '../output.ts';
import { Emulator } from './emulator.ts';
import { Painter, type Screen } from './painter.ts';

export interface Display {
  data(bytes: Uint8Array): void | Promise<void>;
  /** Some of what the node printed was left out, as `gap` says: its screen as it is now. */
  resync(gap: string, cols: number, rows: number, screen: Uint8Array): void | Promise<void>;
  /** A word about the console. */
  status(text: string): void;
  /** The operator's terminal has another size. */
  resized(): void;
  /** The node was told another size. */
  resizeNode(cols: number, rows: number): void;
  /** The terminal is as it was, until {@link resume}. */
  suspend(): void;
  resume(): void;
  /** The node's program wants to know what is pasted. */
  readonly bracketedPaste: boolean;
  /** The terminal is as it was. */
  end(): void;
}

export class PaintedDisplay implements Display {
  readonly #emulator: Emulator;
  readonly #painter: Painter;
  readonly #stdout: WriteStream;

  constructor({ cols, rows }: ConsoleJoined, stdout: WriteStream) {
    this.#stdout = stdout;
    this.#emulator = new Emulator(cols, rows);
    this.#painter = new Painter(this.#emulator, sizeOf(stdout), (text) => stdout.write(text));
    this.#painter.begin();
  }

  data(bytes: Uint8Array): Promise<void> {
    return this.#emulator.write(bytes, () => this.#painter.paint());
  }

  async resync(gap: string, cols: number, rows: number, screen: Uint8Array): Promise<void> {
    this.#painter.restart(`[rackui: ${gap}]`);
    this.#emulator.restart(cols, rows);
    await this.data(screen);
    this.resized();
    this.status(gap);
  }

  status(text: string): void {
    this.#painter.status(text);
  }

  resized(): void {
    this.#painter.resize(sizeOf(this.#stdout));
  }

  resizeNode(cols: number, rows: number): void {
    this.#emulator.terminal.resize(cols, rows);
    this.resized();
  }

  get bracketedPaste(): boolean {
    return this.#emulator.terminal.modes.bracketedPasteMode;
  }

  suspend(): void {
    this.#painter.end();
  }

  resume(): void {
    this.#painter.begin();
    this.#painter.paint();
  }

  end(): void {
    this.#painter.end();
    this.#emulator.dispose();
  }
}

/** The node's bytes reach the terminal and may do with it what they like; our words stand on lines of their own. */
export class RawDisplay implements Display {
  readonly #stdout: WriteStream;

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
  }

  data(bytes: Uint8Array): void {
    this.#stdout.write(bytes);
  }

  /** A sequence that was cut off is cancelled, and the terminal is as the screen's sequences expect it. */
  resync(gap: string, _cols: number, _rows: number, screen: Uint8Array): void {
    this.#stdout.write('\x18\x1b[!p\x1b[H\x1b[2J');
    this.#stdout.write(screen);
    this.status(gap);
  }

  status(text: string): void {
    this.#stdout.write(`\r\n[rackui: ${shown(text)}]\r\n`);
  }

  resized(): void {
    // The node's output knows no size.
  }

  resizeNode(): void {
    // Nor is there a screen of ours.
  }

  /** Pastes are bracketed only where the node's program has asked this very terminal for it. */
  readonly bracketedPaste = true;

  suspend(): void {
    this.end();
  }

  resume(): void {
    // What stood there is the node's affair.
  }

  end(): void {
    this.#stdout.write('\r\n');
  }
}

function sizeOf(stdout: WriteStream): Screen {
  return { cols: stdout.columns || 80, rows: stdout.rows || 24 };
}
