/**
 * Decides whether a console is proven. Pure.
 *
 * A console that was opened but did not come up hands every key to the slave's BIOS, where `\` cuts power
 * (bus-protocol section 5). The echo of `~` proves only that a BIOS read it; a second copy of a status line, echoed
 * keys and noise prove nothing. So a console counts as proven when text came that only a node prints, or the same
 * answer to Enter twice; until then only control characters go out, which no BIOS command is made of, but which wake a
 * getty (CR) or stop a program (^C).
 */
import { consoleEcho, ENTER } from '../codec.ts';
import type { ConsoleBaud } from '../types.ts';
import { NodeSpeech } from './node-speech.ts';

/**
 * Visible characters without another explanation that prove a node: `login:` has them; noise of so many readable
 * bytes is rare.
 */
const SPEECH = 6;
/** Time within which a BIOS that echoes `~` has done so, ms: the exchange time. */
export const CONSOLE_ECHO_MS = 100;

export class ConsoleProof {
  readonly #baud: ConsoleBaud;
  readonly #openedAt: number;
  readonly #speech = new NodeSpeech();
  #echo: { state: 'expected'; held: string } | { state: 'over'; seen: boolean } = { state: 'expected', held: '' };
  /**
   * Answers to the last Enter and to the one before: a prompt of one or two characters is proof when it comes twice.
   */
  #answer: NodeSpeech | null = null;
  #answered = '';
  #before = '';
  #proven: boolean;

  /** The console was proven a moment ago, and the BMC has answered since. */
  readonly carried: boolean;

  constructor(baud: ConsoleBaud, openedAt: number, carried = false) {
    this.#baud = baud;
    this.#openedAt = openedAt;
    this.carried = this.#proven = carried;
  }

  get proven(): boolean {
    return this.#proven;
  }

  /** True when a BIOS echoed `[bb]~`; null: it still may. */
  echoed(now: number): boolean | null {
    if (this.#echo.state === 'over') return this.#echo.seen;
    return now - this.#openedAt > CONSOLE_ECHO_MS ? false : null;
  }

  sent(byte: number, now: number): void {
    if (this.#proven) return;
    this.#speech.sent(byte, now);
    if (byte !== ENTER) return;
    this.#before = this.#answered;
    this.#answered = '';
    this.#answer = new NodeSpeech();
  }

  /** Takes bytes from the line (latin1); returns the node's part of them, without the BIOS's echo of `[bb]~`. */
  feed(text: string, now: number): string {
    const own = this.#withoutEcho(text, now);
    if (this.#proven || own === '') return own;
    this.#speech.onOutput(own, now);
    this.#answer?.onOutput(own, now);
    if (this.#answer) this.#answered = (this.#answered + own).slice(0, 256);
    this.#proven = this.#speech.letters >= SPEECH || this.#answeredTwice;
    return own;
  }

  get #answeredTwice(): boolean {
    const same = this.#answered === this.#before && this.#answered.includes('\n');
    return same && (this.#answer?.letters ?? 0) > 0;
  }

  #withoutEcho(text: string, now: number): string {
    if (this.#echo.state === 'over') return text;
    const held = this.#echo.held + text;
    const echo = consoleEcho(held, this.#baud);
    if (echo.complete) {
      this.#echo = { state: 'over', seen: true };
      return held.slice(echo.end);
    }
    if (echo.matches && now - this.#openedAt <= CONSOLE_ECHO_MS) {
      this.#echo = { state: 'expected', held };
      return '';
    }
    this.#echo = { state: 'over', seen: false };
    return held;
  }
}

/**
 * True for bytes that may go out before the proof: control characters except 0x07, of which no known BIOS command is
 * made.
 */
export function harmlessUnproven(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x07) || byte === 0x7f;
}
