/**
 * Is it the node that speaks, or still a BIOS? A console that was opened but did not come up hands every key to the
 * slave's BIOS, where `\` cuts power (bus-protocol section 5). The echo of `~` proves only that a BIOS read it; a second copy of
 * a status line, echoed keys and noise prove nothing. So a console counts as proven when text came that only a node says, or
 * the same answer to Enter twice; until then only control characters go out, which no BIOS command is made of, but which
 * wake a getty (CR) or stop a program (^C). Pure.
 *
 * May the next key go, or must the BMC be asked first whether the pipe still leads to its node? A pipe that fell shut, or
 * that another program led elsewhere, sounds like a node that has nothing to say, and keys then reach a BIOS. To ask is a
 * gap of a few milliseconds in the console, so it is asked only for a reason: 0x07 in the node's output, which may have
 * closed the pipe; keys that nothing answers; a key after a while in which the node itself said nothing, a much shorter one
 * for keys that do harm at a BIOS; Enter that nothing answers; output that stops in the middle of a line. Pure.
 */
import { CLOSE_PIPE, consoleEcho } from './codec.ts';
import { NodeSpeech } from './node-speech.ts';
import type { ConsoleBaud } from './types.ts';

/** So many visible characters that nothing else explains are speech: `login:` has them; noise of so many readable bytes is rare. */
const SPEECH = 6;
/** A `~` that is echoed at all is echoed within the exchange time. */
export const CONSOLE_ECHO_MS = 100;
const ENTER = 0x0d;

export class ConsoleProof {
  readonly #baud: ConsoleBaud;
  readonly #openedAt: number;
  readonly #speech = new NodeSpeech();
  #echo: { state: 'expected'; held: string } | { state: 'over'; seen: boolean } = { state: 'expected', held: '' };
  /** What came behind the last Enter, and behind the one before: a prompt of one or two characters is proof when it comes twice. */
  #answer: NodeSpeech | null = null;
  #answered = '';
  #before = '';
  #proven: boolean;

  /** It was the node's a moment ago, and its BMC has answered since. */
  readonly carried: boolean;

  constructor(baud: ConsoleBaud, openedAt: number, carried = false) {
    this.#baud = baud;
    this.#openedAt = openedAt;
    this.carried = this.#proven = carried;
  }

  get proven(): boolean {
    return this.#proven;
  }

  /** Whether a BIOS echoed `[bb]~`; null: it still may. */
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

  /** Takes what came from the line; returns what of it is the node's (the BIOS's echo of `[bb]~` left out). */
  feed(text: string, now: number): string {
    const own = this.#withoutEcho(text, now);
    if (this.#proven || own === '') return own;
    this.#speech.heard(own, now);
    this.#answer?.heard(own, now);
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

/** What may go out before the proof: control characters, of which no known BIOS command is made, but for 0x07. */
export function harmlessUnproven(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x07) || byte === 0x7f;
}

/** A tty echoes within milliseconds, a busy node later, ms. */
const ECHO_MS = 250;
/** So many keys may be on their way without an answer: the first behind a pause goes alone. */
const WINDOW = 8;
/** Where the BMC was asked because nothing answered, the node does not echo: so many keys go, within so long. */
const MUTE_KEYS = 48;
const MUTE_MS = 10_000;
/** Asked so often for that reason since the node last spoke, and no echo of `~` told otherwise, it may not have come up. */
const MUTE_OPENINGS = 2;
/** What the node itself said proves the pipe for so long, ms; an echo proves nothing, for a BIOS echoes too. */
const FRESH_MS = 10_000;
/** The same for `\`, which cuts power at a BIOS, `|`, which leads the pipe elsewhere, and `/`, which switches on. */
const HARMFUL = new Map([
  [0x5c, 20],
  [0x7c, 20],
  [0x2f, 2_000],
]);
/** So many characters of its own show a node to be there that was there before. */
const ALIVE = 3;
/** Behind a bell: so many characters show that it did not close the pipe. */
const BELL_SURVIVED = 8;
/** So long is waited for them where no key waits, and where one does, ms. */
const BELL_MS = 250;
const BELL_KEY_MS = 10;
/** A bus on which the pipe outlived so many bells, as this node rang them, passes them on. */
const BELLS_PASSED = 3;
/** A node answers Enter with something (a prompt, an echo, a line end) well within this; one that does not may not be there. */
const DEAF_MS = 3_000;
/** And once more if it goes on saying nothing: the pipe may fall shut again. */
const STILL_DEAF_MS = 30_000;
/** Who presses Enter so often in a row waits for an answer; fewer may be blank lines of a paste. */
const INSISTING = 3;
/** So many bytes that no echo explains, none later than this after the one before, are output that flows, not a word or two. */
const FLOW_BYTES = 256;
const FLOW_PAUSE_MS = 1_000;
/** Silence behind a flow is a stop when it lasts this long, and longer than the flow's own pauses by this factor. */
const STOPPED_MS = 1_500;
const RHYTHM = 4;
/** Silence after which nothing of a sentence is under way any more, ms. */
const SPEAKING_MS = 300;
const ESCAPE = 0x1b;
/** How output ends that is complete: a line end, what prompts and questions end with, a drawn screen, a line behind a prompt. */
const COMPLETE =
  /[\r\n\b]$|[:>$#%?\])] ?$|\.\.\.$|\x1b\[[0-9;?]*[@-~]$|\x1b[()][0-9A-Z]$|\x1b[=>78M]$|[$#%>] [^\r\n]*$|\x1b\[\d*;?\d*H[^\n]*$/;
/** The end of the output that is looked at. */
const TAIL = 160;

/** `ask`: the BMC first, for this reason; `wait`: until then (the pulse's clock, ms), or until something came. */
export type Verdict = { key: 'go' } | { key: 'wait'; until: number } | { key: 'ask'; why: string; unanswered: boolean };

const GO: Verdict = { key: 'go' };
const BELL_WHY = 'the node rang its bell, which may close the pipe: its BMC was asked';

export class ConsoleGuard {
  readonly #speech = new NodeSpeech();
  /** When the node last said something that only a node says, or its BMC led to it. */
  #provenAt: number;
  /** Keys since anything came. */
  #unanswered = { keys: 0, since: 0 };
  #window = 1;
  /** The last key. */
  #last = 0;
  /** Openings since the node spoke, before each of which keys had no answer. */
  #openings = 0;
  /** The bus was needed for something else, and the node has not spoken since. */
  #strange = false;
  #mute: { keys: number; until: number } | null = null;
  #bell: { at: number; after: NodeSpeech } | null = null;
  #bellsPassed = 0;
  /** It rang, and it is not known yet that its bells pass. */
  #rings = false;
  /** Enter that nothing has answered yet: when the last byte went out since. */
  #unheard: { since: number; enters: number; limitMs: number } | null = null;
  #flow: { bytes: number; longestMs: number } = { bytes: 0, longestMs: 0 };
  #tail = '';
  #heardAt = -Infinity;

  /** Times are of one clock, ms. */
  constructor(now: number) {
    this.#provenAt = now;
  }

  /** Its BMC answered, and the console is on the wire (again): asked for this, or come back from elsewhere. */
  entered(now: number, asked: 'unanswered' | 'otherwise' | null): void {
    if (asked === 'unanswered') this.#openings++;
    this.#strange ||= asked === null;
    this.#provenAt = now;
    this.#unanswered = { keys: 0, since: now };
    this.#window = 1;
    this.#mute = asked === 'unanswered' ? { keys: MUTE_KEYS, until: now + MUTE_MS } : null;
    this.#bell = null;
    this.#speech.forget();
    this.#flow = { bytes: 0, longestMs: 0 };
    this.#tail = '';
  }

  /** What was typed had no answer, and the node has not said a word since its console was opened: it may be a BIOS that reads. */
  mayBeBios(echoes: boolean): boolean {
    return this.#strange || (!echoes && this.#openings >= MUTE_OPENINGS);
  }

  /** When the last byte came. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** It is in the middle of saying something. */
  speaking(now: number): boolean {
    return now - this.#heardAt < SPEAKING_MS;
  }

  /** The node said this: the echo of a BIOS's `~` is not its word. */
  heard(text: string, now: number): void {
    if (text === '') return;
    const pause = now - this.#heardAt;
    if (pause > FLOW_PAUSE_MS) this.#flow = { bytes: text.length, longestMs: 0 };
    else this.#flow = { bytes: this.#flow.bytes + text.length, longestMs: Math.max(this.#flow.longestMs, pause) };
    this.#tail = (this.#tail + text).slice(-TAIL);
    this.#heardAt = now;
    this.#unheard = null;
    const { keys } = this.#unanswered;
    if (keys > 0) this.#window = WINDOW;
    // Where just the one key comes back, it echoes again; all else is what it makes of a line.
    const echo = keys === 1 && text === String.fromCharCode(this.#last);
    if (this.#mute) this.#mute = echo ? null : { keys: MUTE_KEYS, until: now + MUTE_MS };
    this.#unanswered = { keys: 0, since: now };
    this.#speech.heard(text, now);
    if (this.#speech.letters >= ALIVE) {
      this.#speech.counted();
      this.spoke(now);
    }
    this.#listenForBell(text, now);
  }

  /** What came is known to be its own word. */
  spoke(now: number): void {
    this.#provenAt = now;
    this.#openings = 0;
    this.#strange = false;
  }

  sent(byte: number, now: number): void {
    this.#last = byte;
    this.#speech.sent(byte, now);
    this.#bell?.after.sent(byte, now);
    // Its echo: a tty shows a control character as two.
    this.#flow.bytes = Math.max(0, this.#flow.bytes - 2);
    if (this.#unanswered.keys++ === 0) this.#unanswered.since = now;
    if (this.#mute) this.#mute.keys--;
    const unheard = this.#unheard;
    if (unheard === null) {
      if (byte === ENTER) this.#unheard = { since: now, enters: 1, limitMs: DEAF_MS };
      return;
    }
    unheard.enters = byte === ENTER ? unheard.enters + 1 : 0;
    // What is still being typed (a paste into a program that prints nothing) is not torn apart for the question.
    if (unheard.enters < INSISTING) unheard.since = now;
  }

  /** When to ask the BMC whether the pipe still leads to it, and why; null: there is no reason. */
  get due(): { at: number; why: string } | null {
    if (this.#bell !== null) return { at: Math.max(this.#bell.at, this.#heardAt) + BELL_MS, why: BELL_WHY };
    if (this.#unheard !== null)
      return { at: this.#unheard.since + this.#unheard.limitMs, why: 'nothing answered Enter: its BMC was asked' };
    if (!this.#torn) return null;
    return {
      at: this.#heardAt + Math.max(STOPPED_MS, RHYTHM * this.#flow.longestMs),
      why: 'its output stopped in the middle of a line: its BMC was asked',
    };
  }

  /** It is being asked: not soon again before the node has spoken. */
  lookedInto(now: number): void {
    if (this.#unheard) this.#unheard = { since: now, enters: INSISTING, limitMs: STILL_DEAF_MS };
    this.#flow.bytes = 0;
  }

  /** What becomes of the next key; `proven`: the console is known to be the node's. */
  judge(byte: number, now: number, proven: boolean): Verdict {
    if (this.#bell !== null) {
      const until = Math.max(this.#bell.at, this.#heardAt) + BELL_KEY_MS;
      return now < until ? { key: 'wait', until } : { key: 'ask', why: BELL_WHY, unanswered: false };
    }
    // Only what no BIOS executes is accepted before; it wakes a node that has not spoken yet.
    if (!proven) return GO;
    const { keys, since } = this.#unanswered;
    const mute = this.#mute !== null && this.#mute.keys > 0 && now < this.#mute.until;
    if (keys > 0 && !mute) {
      if (this.#mute !== null || now - since >= ECHO_MS)
        return {
          key: 'ask',
          why: 'nothing answered the last keys: its BMC was asked before the next',
          unanswered: true,
        };
      if (keys >= this.#limit || HARMFUL.has(byte)) return { key: 'wait', until: since + ECHO_MS };
    }
    const silentMs = now - this.#provenAt;
    const control = byte < 0x20 || byte === 0x7f;
    if (control || silentMs <= (HARMFUL.get(byte) ?? FRESH_MS)) return GO;
    const what = HARMFUL.has(byte) ? `before '${String.fromCharCode(byte)}'` : 'before a key';
    const why = `it said nothing of its own for ${(silentMs / 1_000).toFixed(1)} s: its BMC was asked ${what}`;
    return { key: 'ask', why, unanswered: false };
  }

  /** How many keys may be on their way: one where the last, or this node as a rule, may be answered by a bell. */
  get #limit(): number {
    const mayRing = (this.#last < 0x20 && this.#last !== ESCAPE) || this.#last === 0x7f;
    return this.#rings || mayRing ? 1 : this.#window;
  }

  #listenForBell(text: string, now: number): void {
    const at = text.lastIndexOf(String.fromCharCode(CLOSE_PIPE));
    if (this.#bell !== null) {
      const first = text.indexOf(String.fromCharCode(CLOSE_PIPE));
      this.#bell.after.heard(first < 0 ? text : text.slice(0, first), now);
      if (this.#bell.after.letters >= BELL_SURVIVED) {
        this.#bellsPassed++;
        if (this.#bellsPassed >= BELLS_PASSED) this.#rings = false;
        this.#bell = null;
      }
    }
    if (at < 0 || this.#bellsPassed >= BELLS_PASSED) return;
    this.#bell = { at: now, after: new NodeSpeech() };
    this.#rings = true;
    const rest = text.slice(at + 1);
    if (rest !== '') this.#listenForBell(rest, now);
  }

  get #torn(): boolean {
    return this.#flow.bytes >= FLOW_BYTES && !COMPLETE.test(this.#tail);
  }
}
