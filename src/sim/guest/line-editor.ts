/**
 * Line input as a terminal offers it: `LineEditor` is a shell's command line with readline's common keys and a history;
 * `LineInput` is the kernel's canonical mode, a whole line at a time with little editing, as getty, password prompts
 * and running programs use it. Both print their own echo.
 */
import { StringDecoder } from 'node:string_decoder';
import type { Reader } from './machine.ts';

export interface LineEditorOptions {
  print: (text: string) => void;
  prompt: () => string;
  line: (text: string) => void;
  endOfFile: () => void;
  /** Returns words that Tab can complete to, for the text left of the cursor. */
  complete: (left: string) => string[];
  /** Oldest first; the editor only reads it. */
  history: readonly string[];
}

const BELL = '\x07';
/** Bracketed paste, which bash enables while a line is edited. */
const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l\r';

export class LineEditor implements Reader {
  private readonly options: LineEditorOptions;
  private readonly decoder = new StringDecoder('utf8');
  private chars: string[] = [];
  private cursor = 0;
  private escape = '';
  /** Index in the history; its length: the line that is being typed. */
  private place = 0;
  private typed: string[] = [];

  constructor(options: LineEditorOptions) {
    this.options = options;
  }

  /** Prints the prompt and awaits a new line. */
  start(): void {
    this.chars = [];
    this.cursor = 0;
    this.place = this.options.history.length;
    this.options.print(PASTE_ON + this.options.prompt());
  }

  receive(byte: number): void {
    if (this.escape !== '') {
      this.escaped(String.fromCharCode(byte));
      return;
    }
    if (byte === 0x1b) this.escape = '\x1b';
    else if (byte < 0x20 || byte === 0x7f) this.control(byte);
    else for (const char of this.decoder.write(Buffer.of(byte))) this.insert(char);
  }

  private control(byte: number): void {
    const key = byte === 0x7f ? 'H' : String.fromCharCode(byte + 0x40);
    const keys: Record<string, () => void> = {
      A: () => this.move(0),
      B: () => this.move(this.cursor - 1),
      C: () => this.abandon(),
      D: () => this.deleteOrEnd(),
      E: () => this.move(this.chars.length),
      F: () => this.move(this.cursor + 1),
      H: () => this.remove(this.cursor - 1, this.cursor),
      I: () => this.complete(),
      J: () => this.accept(),
      K: () => this.remove(this.cursor, this.chars.length),
      L: () => this.redraw(),
      M: () => this.accept(),
      N: () => this.recall(this.place + 1),
      P: () => this.recall(this.place - 1),
      U: () => this.remove(0, this.cursor),
      W: () => this.remove(this.wordStart(), this.cursor),
    };
    keys[key]?.();
  }

  private escaped(char: string): void {
    this.escape += char;
    if (/^\x1b(?:[[O][0-9;]*)?$/.test(this.escape)) return;
    const sequence = this.escape;
    this.escape = '';
    const keys: Record<string, () => void> = {
      A: () => this.recall(this.place - 1),
      B: () => this.recall(this.place + 1),
      C: () => this.move(this.cursor + 1),
      D: () => this.move(this.cursor - 1),
      H: () => this.move(0),
      F: () => this.move(this.chars.length),
    };
    if (sequence === '\x1b[3~') this.remove(this.cursor, this.cursor + 1);
    else if (/^\x1b[[O][A-FH]$/.test(sequence)) keys[char]?.();
    // Pasted text between ESC[200~ and ESC[201~ is handled as typed text.
  }

  private insert(char: string): void {
    this.chars.splice(this.cursor, 0, char);
    this.cursor += 1;
    const tail = this.chars.slice(this.cursor);
    this.options.print(char + tail.join('') + '\b'.repeat(tail.length));
  }

  private remove(from: number, to: number): void {
    const start = Math.max(0, from);
    const gone = Math.min(to, this.chars.length) - start;
    if (gone <= 0) {
      this.options.print(BELL);
      return;
    }
    this.move(start);
    this.chars.splice(start, gone);
    const tail = this.chars.slice(start).join('') + ' '.repeat(gone);
    this.options.print(tail + '\b'.repeat(Array.from(tail).length));
  }

  private move(to: number): void {
    if (to < 0 || to > this.chars.length) {
      this.options.print(BELL);
      return;
    }
    if (to < this.cursor) this.options.print('\b'.repeat(this.cursor - to));
    else this.options.print(this.chars.slice(this.cursor, to).join(''));
    this.cursor = to;
  }

  private recall(place: number): void {
    const { history } = this.options;
    if (place < 0 || place > history.length) {
      this.options.print(BELL);
      return;
    }
    if (this.place === history.length) this.typed = this.chars;
    this.place = place;
    const next = place === history.length ? this.typed : Array.from(history[place] ?? '');
    this.move(0);
    this.options.print('\x1b[K' + next.join(''));
    this.chars = [...next];
    this.cursor = next.length;
  }

  private complete(): void {
    const left = this.chars.slice(0, this.cursor).join('');
    const candidates = this.options.complete(left);
    const [only] = candidates;
    const word = left.slice(left.lastIndexOf(' ') + 1);
    if (only === undefined || candidates.length > 1) this.options.print(BELL);
    else for (const char of `${only.slice(word.length)} `) this.insert(char);
  }

  private wordStart(): number {
    const left = this.chars.slice(0, this.cursor).join('');
    return Array.from(left.replace(/\S+\s*$/, '')).length;
  }

  private redraw(): void {
    this.options.print(`\x1b[H\x1b[2J${this.options.prompt()}${this.chars.join('')}`);
    this.options.print('\b'.repeat(this.chars.length - this.cursor));
  }

  private accept(): void {
    this.move(this.chars.length);
    this.options.print(`\n${PASTE_OFF}`);
    this.options.line(this.chars.join(''));
  }

  private abandon(): void {
    this.options.print(`^C\n${PASTE_OFF}`);
    this.start();
  }

  private deleteOrEnd(): void {
    if (this.chars.length > 0) {
      this.remove(this.cursor, this.cursor + 1);
      return;
    }
    this.options.print(`\n${PASTE_OFF}`);
    this.options.endOfFile();
  }
}

const ETX = 0x03;
const EOT = 0x04;
const BACKSPACE = 0x08;
const LF = 0x0a;
const CR = 0x0d;
const KILL = 0x15;
const WORD = 0x17;
const DEL = 0x7f;

export interface LineInputOptions {
  print: (text: string) => void;
  /** Whether keys are echoed; a password's are not. */
  echo: boolean;
  line: (text: string) => void;
  interrupt?: () => void;
  endOfFile?: () => void;
}

export class LineInput implements Reader {
  private bytes: number[] = [];
  private readonly options: LineInputOptions;

  constructor(options: LineInputOptions) {
    this.options = options;
  }

  receive(byte: number): void {
    switch (byte) {
      case CR:
      case LF:
        this.options.print('\n');
        this.finish();
        return;
      case ETX:
        this.show('^C');
        this.bytes = [];
        this.options.interrupt?.();
        return;
      case EOT:
        if (this.bytes.length > 0) this.finish();
        else this.options.endOfFile?.();
        return;
      case BACKSPACE:
      case DEL:
        this.erase();
        return;
      case KILL:
        while (this.bytes.length > 0) this.erase();
        return;
      case WORD:
        while (this.bytes.at(-1) === 0x20) this.erase();
        while (this.bytes.length > 0 && this.bytes.at(-1) !== 0x20) this.erase();
        return;
      default:
        this.bytes.push(byte);
        if (byte < 0x20) this.show(`^${String.fromCharCode(byte + 0x40)}`);
        else if (byte < 0x80) this.show(String.fromCharCode(byte));
        // A character of several bytes is echoed when it is complete.
        else if (this.lastCharacterIsWhole()) this.show(this.lastCharacter());
    }
  }

  private finish(): void {
    const text = Buffer.from(this.bytes).toString('utf8');
    this.bytes = [];
    this.options.line(text);
  }

  private erase(): void {
    const last = this.bytes.at(-1);
    if (last === undefined) return;
    while ((this.bytes.at(-1) ?? 0) >> 6 === 0b10) this.bytes.pop();
    this.bytes.pop();
    // A control character was echoed as two.
    this.show(last < 0x20 ? '\b \b\b \b' : '\b \b');
  }

  private show(text: string): void {
    if (this.options.echo) this.options.print(text);
  }

  private lastCharacter(): string {
    return Array.from(Buffer.from(this.bytes).toString('utf8')).at(-1) ?? '';
  }

  private lastCharacterIsWhole(): boolean {
    return this.lastCharacter() !== '\ufffd';
  }
}
