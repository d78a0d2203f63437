/**
 * Decides whether the next key may go to a proven console. Pure.
 *
 * A proven console can be lost again: a pipe that fell shut, or that another program led elsewhere, looks like a node
 * that prints nothing, and keys then reach a BIOS. {@link ConsoleGuard} decides when to ask the BMC whether the pipe
 * still leads to its node. The question interrupts the console for a few milliseconds, so it needs a reason: 0x07 in
 * the node's output, which may have closed the pipe; unanswered keys; a key after a while in which the node itself
 * printed nothing, a much shorter one for keys that do harm at a BIOS; unanswered Enter; output that stops in the
 * middle of a line. While keys are typed that the node only echoes, the question is asked between two of them.
 */
import { CLOSE_PIPE, ENTER } from '../codec.ts';
import { NodeSpeech } from './node-speech.ts';

/** Time within which keys must be answered, ms. A tty echoes within milliseconds, a busy node later. */
const ECHO_MS = 250;
/** Maximum of unanswered keys; behind a pause the first key goes alone. */
const WINDOW = 8;
/** After the BMC answered because of unanswered keys, the node does not echo: this many keys go, within this time. */
const MUTE_KEYS = 48;
const MUTE_MS = 10_000;
/**
 * Questions because of unanswered keys since the node last printed, after which, without an echo of `~`, the console
 * may not have come up.
 */
const MUTE_OPENINGS = 2;
/** Time for which the node's own output proves the pipe, ms; an echo proves nothing, for a BIOS echoes too. */
const FRESH_MS = 10_000;
/** Time before the end of that proof from which the BMC is asked between two keys, and the silence behind an echo, ms. */
const AHEAD_MS = 2_000;
const ECHOED_MS = 2;
/** The same for `\`, which cuts power at a BIOS, `|`, which leads the pipe elsewhere, and `/`, which switches on. */
const HARMFUL = new Map([
  [0x5c, 20],
  [0x7c, 20],
  [0x2f, 2_000],
]);
/** Visible characters of a node's own that prove again a node that was proven before. */
const ALIVE = 3;
/** Visible characters behind a bell that show that it did not close the pipe. */
const BELL_SURVIVED = 8;
/** Wait for these characters where no key waits, and where one does, ms. */
const BELL_MS = 250;
const BELL_KEY_MS = 10;
/** Bells that the pipe outlived, after which this bus counts as one that passes bells on. */
const BELLS_PASSED = 3;
/** Time within which a node answers Enter (prompt, echo, line end), ms; one that does not may not be there. */
const DEAF_MS = 3_000;
/** Time after which the BMC is asked again while Enter stays unanswered, ms: the pipe may fall shut again. */
const STILL_DEAF_MS = 30_000;
/** Consecutive Enters that show an operator waiting for an answer; fewer may be blank lines of a paste. */
const INSISTING = 3;
/** Bytes without an echo's explanation that make output a flow, and the longest pause within one, ms. */
const FLOW_BYTES = 256;
const FLOW_PAUSE_MS = 1_000;
/**
 * Silence behind a flow is a stop when it lasts this long, ms, and longer than the flow's own pauses by this factor.
 */
const STOPPED_MS = 1_500;
const RHYTHM = 4;
/** Silence after which nothing of an output is under way any more, ms. */
const SPEAKING_MS = 300;
const ESCAPE = 0x1b;
/**
 * Matches the end of complete output: a line end, the end of prompts and questions, a drawn screen, a line behind a
 * prompt.
 */
const COMPLETE =
  /[\r\n\b]$|[:>$#%?\])] ?$|\.\.\.$|\x1b\[[0-9;?]*[@-~]$|\x1b[()][0-9A-Z]$|\x1b[=>78M]$|[$#%>] [^\r\n]*$|\x1b\[\d*;?\d*H[^\n]*$/;
/** Characters of the output's end that are examined. */
const TAIL = 160;

/**
 * `go`: the key may go. `wait`: until then (the guard's clock, ms), or until something came. `ask`: the BMC must be
 * asked first, for this reason.
 */
export type Verdict = { key: 'go' } | { key: 'wait'; until: number } | { key: 'ask'; why: string; unanswered: boolean };

const GO: Verdict = { key: 'go' };
const BELL_WHY = 'the node sent 0x07, which may close the pipe: its BMC was queried';

export class ConsoleGuard {
  readonly #speech = new NodeSpeech();
  /** Time when the node last printed something that only a node prints, or its BMC led to it, ms. */
  #provenAt: number;
  /** Keys sent since the last byte came, and the time of the first of them. */
  #unanswered = { keys: 0, since: 0 };
  #window = 1;
  /** The last byte sent. */
  #last = 0;
  /** Openings of the console after unanswered keys, since the node last printed. */
  #openings = 0;
  /** The bus was needed for something else, and the node has not printed since. */
  #strange = false;
  #mute: { keys: number; until: number } | null = null;
  #bell: { at: number; after: NodeSpeech } | null = null;
  #bellsPassed = 0;
  /** The node rang its bell, and it is not known yet that its bells pass. */
  #rings = false;
  /** Unanswered Enter: time of the last byte sent since, number of Enters in a row, limit. Null: none. */
  #unheard: { since: number; enters: number; limitMs: number } | null = null;
  #flow: { bytes: number; longestMs: number } = { bytes: 0, longestMs: 0 };
  #tail = '';
  #lastOutputAt = -Infinity;
  /** Time of the last output behind a key, ms; -Infinity before the first. */
  #answeredAt = -Infinity;

  /** All times are of one clock, ms. */
  constructor(now: number) {
    this.#provenAt = now;
  }

  /**
   * Notes that the console is on the wire (again) after its BMC answered. `asked`: the reason of the question; null:
   * the console comes back from elsewhere.
   */
  entered(now: number, asked: 'unanswered' | 'otherwise' | null): void {
    if (asked === 'unanswered') this.#openings++;
    this.#strange ||= asked === null;
    this.#provenAt = now;
    this.#unanswered = { keys: 0, since: now };
    this.#window = 1;
    this.#mute = asked === 'unanswered' ? { keys: MUTE_KEYS, until: now + MUTE_MS } : null;
    this.#bell = null;
    this.#speech.reset();
    this.#flow = { bytes: 0, longestMs: 0 };
    this.#tail = '';
  }

  /**
   * True when keys had no answer and the node has printed nothing since its console was opened: a BIOS may be
   * reading.
   */
  mayBeBios(echoes: boolean): boolean {
    return this.#strange || (!echoes && this.#openings >= MUTE_OPENINGS);
  }

  /** Time of the last byte from the node, ms; -Infinity before the first. */
  get lastOutputAt(): number {
    return this.#lastOutputAt;
  }

  /** True while the node's output may continue. */
  speaking(now: number): boolean {
    return now - this.#lastOutputAt < SPEAKING_MS;
  }

  /** Notes output of the node, without the echo of a BIOS's `~`. */
  onOutput(text: string, now: number): void {
    if (text === '') return;
    const pause = now - this.#lastOutputAt;
    if (pause > FLOW_PAUSE_MS) this.#flow = { bytes: text.length, longestMs: 0 };
    else this.#flow = { bytes: this.#flow.bytes + text.length, longestMs: Math.max(this.#flow.longestMs, pause) };
    this.#tail = (this.#tail + text).slice(-TAIL);
    this.#lastOutputAt = now;
    this.#unheard = null;
    const { keys } = this.#unanswered;
    if (keys > 0) {
      this.#window = WINDOW;
      this.#answeredAt = now;
    }
    // One key that comes back alone is an echo: the node echoes again. Anything else is its answer to a line.
    const echo = keys === 1 && text === String.fromCharCode(this.#last);
    if (this.#mute) this.#mute = echo ? null : { keys: MUTE_KEYS, until: now + MUTE_MS };
    this.#unanswered = { keys: 0, since: now };
    this.#speech.onOutput(text, now);
    if (this.#speech.letters >= ALIVE) {
      this.#speech.counted();
      this.spoke(now);
    }
    this.#listenForBell(text, now);
  }

  /** Notes that output is known to be the node's own. */
  spoke(now: number): void {
    this.#provenAt = now;
    this.#openings = 0;
    this.#strange = false;
  }

  sent(byte: number, now: number): void {
    this.#last = byte;
    this.#speech.sent(byte, now);
    this.#bell?.after.sent(byte, now);
    // Leaves room for the echo: a tty shows a control character as two.
    this.#flow.bytes = Math.max(0, this.#flow.bytes - 2);
    if (this.#unanswered.keys++ === 0) this.#unanswered.since = now;
    if (this.#mute) this.#mute.keys--;
    const unheard = this.#unheard;
    if (unheard === null) {
      if (byte === ENTER) this.#unheard = { since: now, enters: 1, limitMs: DEAF_MS };
      return;
    }
    unheard.enters = byte === ENTER ? unheard.enters + 1 : 0;
    // Input that still continues (a paste into a program that prints nothing) is not interrupted by the question.
    if (unheard.enters < INSISTING) unheard.since = now;
  }

  /**
   * Time and reason of the next question to the BMC whether the pipe still leads to its node; null: there is no
   * reason.
   */
  get due(): { at: number; why: string } | null {
    if (this.#bell !== null) return { at: Math.max(this.#bell.at, this.#lastOutputAt) + BELL_MS, why: BELL_WHY };
    if (this.#unheard !== null)
      return { at: this.#unheard.since + this.#unheard.limitMs, why: 'no reply to Enter: its BMC was queried' };
    if (!this.#torn) return null;
    return {
      at: this.#lastOutputAt + Math.max(STOPPED_MS, RHYTHM * this.#flow.longestMs),
      why: 'its output stopped within a line: its BMC was queried',
    };
  }

  /** The same for a proof that ends while keys are typed: a question behind the last key's echo delays none of them. */
  get dueBetweenKeys(): { at: number; why: string } | null {
    const silentMs = this.#answeredAt - this.#provenAt;
    if (this.#unanswered.keys > 0 || silentMs < FRESH_MS - AHEAD_MS) return null;
    return { at: this.#lastOutputAt + ECHOED_MS, why: silentWhy(silentMs, 'between two keys') };
  }

  /** Notes that the BMC is being asked; the question is not soon repeated before the node has printed. */
  lookedInto(now: number): void {
    if (this.#unheard) this.#unheard = { since: now, enters: INSISTING, limitMs: STILL_DEAF_MS };
    this.#flow.bytes = 0;
  }

  /** Decides about the next key. `proven`: the console is proven. */
  checkKey(byte: number, now: number, proven: boolean): Verdict {
    if (this.#bell !== null) {
      const until = Math.max(this.#bell.at, this.#lastOutputAt) + BELL_KEY_MS;
      return now < until ? { key: 'wait', until } : { key: 'ask', why: BELL_WHY, unanswered: false };
    }
    // Before the proof only bytes are accepted that no BIOS executes; they wake a node that has not printed yet.
    if (!proven) return GO;
    const { keys, since } = this.#unanswered;
    const mute = this.#mute !== null && this.#mute.keys > 0 && now < this.#mute.until;
    if (keys > 0 && !mute) {
      if (this.#mute !== null || now - since >= ECHO_MS)
        return {
          key: 'ask',
          why: 'no reply to the last keys: its BMC was queried before the next',
          unanswered: true,
        };
      if (keys >= this.#limit || HARMFUL.has(byte)) return { key: 'wait', until: since + ECHO_MS };
    }
    const silentMs = now - this.#provenAt;
    const control = byte < 0x20 || byte === 0x7f;
    if (control || silentMs <= (HARMFUL.get(byte) ?? FRESH_MS)) return GO;
    const what = HARMFUL.has(byte) ? `before '${String.fromCharCode(byte)}'` : 'before a key';
    return { key: 'ask', why: silentWhy(silentMs, what), unanswered: false };
  }

  /** Maximum of unanswered keys: one where the last key, or this node as a rule, may be answered by a bell. */
  get #limit(): number {
    const mayRing = (this.#last < 0x20 && this.#last !== ESCAPE) || this.#last === 0x7f;
    return this.#rings || mayRing ? 1 : this.#window;
  }

  #listenForBell(text: string, now: number): void {
    const at = text.lastIndexOf(String.fromCharCode(CLOSE_PIPE));
    if (this.#bell !== null) {
      const first = text.indexOf(String.fromCharCode(CLOSE_PIPE));
      this.#bell.after.onOutput(first < 0 ? text : text.slice(0, first), now);
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

function silentWhy(ms: number, when: string): string {
  return `it printed nothing for ${(ms / 1_000).toFixed(1)} s: its BMC was queried ${when}`;
}
