/**
 * A terminal in canonical mode: a whole line at a time, with the little editing that the kernel itself does. Getty, password
 * prompts and running programs read like this.
 */
import type { Reader } from './machine.ts';

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
  /** Whether keys are seen; a password's are not. */
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
        // A character of several bytes is shown when it is whole.
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
    // A control character was shown as two.
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
