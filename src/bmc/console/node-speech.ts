/**
 * Separates output that only a node can have printed from what a BIOS, an echo or noise explains. A BIOS echoes its
 * input and answers with status lines, perhaps twice; noise is a few bytes of any value; a node prints text of its
 * own. Pure.
 */

/** Pause that ends a run of text, ms. */
const RUN_MS = 250;
/** Characters kept of a run; longer runs prove nothing more. */
const RUN_MOST = 256;
/** Keys whose echo may still come: their number, and the time behind the last of them, ms. */
const ECHO_MOST = 128;
const ECHO_MS = 2_000;
/** Matches a status line, whole or torn at either end, and the echo ahead of one. */
const BIOS_LINE = /^[0-9a-f \t=|~[\]]*$/i;
/** Matches a reply within a line: `0505 ff 1 20 6e` is the end of one status line and all of the next. */
const STATUS = /[0-9a-f]{2}[ \t]+(?:00|ff)[ \t]+0?[012][ \t]+[0-9a-f]{2}[ \t]+[0-9a-f]{2}/gi;
/** Matches text: printable ASCII, line ends, tabs, backspaces, escape sequences, the bell, and UTF-8. */
const TEXT = /^(?:[\t\n\r\b\x07\x0e\x0f\x1b\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3})*$/;
/**
 * Matches a whole control sequence that ends with a letter: no BIOS prints any, `[00]` behind a stray ESC is none,
 * and noise hardly makes one. A program may query its terminal before it draws.
 */
const SEQUENCE = /\x1b\[[\x30-\x3f]*[\x20-\x2f]*[@A-Za-z]/g;
/** Visible characters that a control sequence counts as. */
const SEQUENCE_LETTERS = 6;
/** Matches a UTF-8 character torn by the end of the text. */
const TORN_UTF8 = /[\xc2-\xf4][\x80-\xbf]{0,2}$/;

export class NodeSpeech {
  #run = '';
  #at = -Infinity;
  #awaited: number[] = [];
  #sentAt = -Infinity;

  /** Notes a sent byte, whose echo is not the node's own output. */
  sent(byte: number, now: number): void {
    this.#sentAt = now;
    this.#awaited.push(byte);
    if (this.#awaited.length > ECHO_MOST) this.#awaited.shift();
  }

  /** Adds output (latin1). */
  onOutput(text: string, now: number): void {
    if (now - this.#at > RUN_MS) this.#run = '';
    this.#at = now;
    if (now - this.#sentAt > ECHO_MS) this.#awaited = [];
    for (const char of text) if (!this.#isEcho(char.charCodeAt(0))) this.#run += char;
    this.#run = this.#run.slice(-RUN_MOST);
  }

  /** Ends the run after it was counted: new output must come to count again. */
  counted(): void {
    this.#run = '';
  }

  /** Discards the run and the awaited echoes. */
  reset(): void {
    this.#run = '';
    this.#awaited = [];
  }

  /** Number of visible characters in the current run that only a node can have printed; 0 where the run is not text. */
  get letters(): number {
    const run = this.#run.replace(TORN_UTF8, '');
    if (!TEXT.test(run)) return 0;
    const own = run
      .replace(STATUS, ' ')
      .split(/[\r\n]+/)
      .filter((line) => !BIOS_LINE.test(line));
    const printed = own.join('').replace(SEQUENCE, 'x'.repeat(SEQUENCE_LETTERS));
    return printed.replace(/[\x00-\x20\x7f]/g, '').length;
  }

  /**
   * True for the echo of an awaited key. Echoes come in the order of the keys; keys that were not echoed are passed
   * over.
   */
  #isEcho(byte: number): boolean {
    const at = this.#awaited.indexOf(byte);
    if (at < 0) return false;
    this.#awaited.splice(0, at + 1);
    return true;
  }
}
