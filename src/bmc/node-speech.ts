/**
 * Tells what only a node can have said from what a BIOS, an echo or noise explains. A BIOS echoes what it is given and
 * answers with status lines, perhaps twice; noise is a few bytes of any value. A node answers with text of its own. Pure.
 */

/** A run of text ends where nothing came for so long, ms. */
const RUN_MS = 250;
/** Longer runs tell nothing more. */
const RUN_MOST = 256;
/** Keys whose echo may still come: so many, for so long behind the last of them, ms. */
const ECHO_MOST = 128;
const ECHO_MS = 2_000;
/** A status line, whole or torn at either end, and what is echoed ahead of one. */
const BIOS_LINE = /^[0-9a-f \t=|~[\]]*$/i;
/** The same with a reply inside it: `0505 ff 1 20 6e` is the end of one line and all of the next. */
const STATUS = /[0-9a-f]{2}[ \t]+(?:00|ff)[ \t]+0?[012][ \t]+[0-9a-f]{2}[ \t]+[0-9a-f]{2}/gi;
/** What text is made of: printable ASCII, line ends, tabs, backspaces, escape sequences, the bell, and UTF-8. */
const TEXT = /^(?:[\t\n\r\b\x07\x0e\x0f\x1b\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3})*$/;
/**
 * A whole control sequence that ends with a letter: no BIOS has any, `[00]` behind a stray ESC is none, and noise hardly
 * makes one. A program may ask its terminal before it draws.
 */
const SEQUENCE = /\x1b\[[\x30-\x3f]*[\x20-\x2f]*[@A-Za-z]/g;
/** It counts as so many characters. */
const SEQUENCE_LETTERS = 6;
/** UTF-8 that the end of what has come so far tore. */
const TORN_UTF8 = /[\xc2-\xf4][\x80-\xbf]{0,2}$/;

export class NodeSpeech {
  #run = '';
  #at = -Infinity;
  #awaited: number[] = [];
  #sentAt = -Infinity;

  /** A key went out whose echo is no speech. */
  sent(byte: number, now: number): void {
    this.#sentAt = now;
    this.#awaited.push(byte);
    if (this.#awaited.length > ECHO_MOST) this.#awaited.shift();
  }

  /** Adds what came, latin1. */
  heard(text: string, now: number): void {
    if (now - this.#at > RUN_MS) this.#run = '';
    this.#at = now;
    if (now - this.#sentAt > ECHO_MS) this.#awaited = [];
    for (const char of text) if (!this.#isEcho(char.charCodeAt(0))) this.#run += char;
    this.#run = this.#run.slice(-RUN_MOST);
  }

  /** What came so far was counted: more must come to count again. */
  counted(): void {
    this.#run = '';
  }

  /** What came before says nothing any more. */
  forget(): void {
    this.#run = '';
    this.#awaited = [];
  }

  /** How many visible characters of the run at hand only a node can have said; 0 where it holds what no text is made of. */
  get letters(): number {
    const run = this.#run.replace(TORN_UTF8, '');
    if (!TEXT.test(run)) return 0;
    const own = run
      .replace(STATUS, ' ')
      .split(/[\r\n]+/)
      .filter((line) => !BIOS_LINE.test(line));
    const said = own.join('').replace(SEQUENCE, 'x'.repeat(SEQUENCE_LETTERS));
    return said.replace(/[\x00-\x20\x7f]/g, '').length;
  }

  /** An echo comes in the order of the keys; keys that were not echoed are passed over. */
  #isEcho(byte: number): boolean {
    const at = this.#awaited.indexOf(byte);
    if (at < 0) return false;
    this.#awaited.splice(0, at + 1);
    return true;
  }
}
