/**
 * Is it the node that speaks, or still a BIOS? A console that was opened but did not come up hands every key to the
 * slave's BIOS, where `\` cuts power (PROTOCOL section 5). The echo of `~` proves only that a BIOS read it. So a console
 * counts as proven when something came back that no echo explains; until then only control characters go out, which
 * no BIOS command is made of, but which wake a getty (CR) or stop a program (^C). Pure.
 */
import { consoleEcho } from './codec.ts';
import type { ConsoleBaud } from './types.ts';

/** So many printable characters close together are speech; fewer may be noise on the line. */
const SPEECH = 3;
const SPEECH_WITHIN_MS = 250;
/** A `~` that is echoed at all is echoed within the exchange time. */
const ECHO_WITHIN_MS = 100;

export class ConsoleProof {
  readonly #baud: ConsoleBaud;
  readonly #openedAt: number;
  #echo: { state: 'expected'; held: string } | { state: 'over' } = { state: 'expected', held: '' };
  #printables: number[] = [];
  #proven = false;

  constructor(baud: ConsoleBaud, openedAt: number) {
    this.#baud = baud;
    this.#openedAt = openedAt;
  }

  get proven(): boolean {
    return this.#proven;
  }

  /** Takes what came from the line; returns what of it is the node's (the BIOS's echo of `[bb]~` left out). */
  feed(text: string, now: number): string {
    const own = this.#withoutEcho(text, now);
    if (!this.#proven) {
      for (const char of own) if (char > ' ' && char !== '\x7f') this.#printables.push(now);
      this.#printables = this.#printables.filter((at) => now - at <= SPEECH_WITHIN_MS);
      this.#proven = this.#printables.length >= SPEECH;
    }
    return own;
  }

  #withoutEcho(text: string, now: number): string {
    if (this.#echo.state === 'over') return text;
    const held = this.#echo.held + text;
    const echo = consoleEcho(held, this.#baud);
    if (echo.complete) {
      this.#echo = { state: 'over' };
      return held.slice(echo.end);
    }
    if (echo.matches && now - this.#openedAt <= ECHO_WITHIN_MS) {
      this.#echo = { state: 'expected', held };
      return '';
    }
    this.#echo = { state: 'over' };
    return held;
  }
}

/** What may go out before the proof: control characters, of which no known BIOS command is made, but for 0x07. */
export function harmlessUnproven(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x07) || byte === 0x7f;
}
