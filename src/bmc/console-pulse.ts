/**
 * When is the silence of an open console news? No sweep runs beside it, and a pipe that fell shut, or that another program
 * led elsewhere, sounds like a node that has nothing to say; the next keys would reach a BIOS. To ask the BMC is a gap in
 * the console, so it is asked only for a reason: Enter that nothing answers, output that stops in the middle of a line, and
 * ahead of a key that could cut power where nothing went either way for a while. Never while bytes are flowing. Pure.
 */

/** A node answers Enter with something (a prompt, an echo, a line end) well within this; one that does not may not be there. */
const DEAF_MS = 3_000;
/** And once more if it goes on saying nothing: the pipe may fall shut again. */
const STILL_DEAF_MS = 30_000;
/** A tty echoes Enter within milliseconds, a busy node later; after this a key behind a bare Enter waits for the proof. */
const ECHO_MS = 400;
/** Who presses Enter so often in a row waits for an answer; fewer may be blank lines of a paste. */
const INSISTING = 3;
/** So many bytes that no echo explains, none later than this after the one before, are output that flows, not a word or two. */
const FLOW_BYTES = 256;
const FLOW_PAUSE_MS = 1_000;
/** Silence behind a flow is a stop when it lasts this long, and longer than the flow's own pauses by this factor. */
const STOPPED_MS = 1_500;
const RHYTHM = 4;
/** After so long without a byte either way a backslash is not sent before the pipe is proven: at a BIOS it cuts power. */
const STALE_MS = 10_000;
const ENTER = 0x0d;
const BACKSLASH = 0x5c;
/** How output ends that is complete: a line end, what prompts and questions end with, an escape sequence (a drawn screen). */
const COMPLETE = /[\r\n]$|[:>$#%?\])] ?$|\.\.\.$|\x1b\[[0-9;?]*[@-~]$|\x1b[()][0-9A-Z]$|\x1b[=>78M]$|\x07$/;
/** An escape sequence is no longer than this. */
const TAIL = 24;

export class ConsolePulse {
  /**
   * When the last byte went out since an Enter that nothing has answered yet, and how long that may last; `bareAt`: when the
   * Enter itself went, if nothing was typed before it (behind a line without echo its silence would be no news).
   */
  #unheard: { since: number; enters: number; limitMs: number; bareAt: number | null } | null = null;
  #typedUnheard = false;
  #flow: { bytes: number; longestMs: number } = { bytes: 0, longestMs: 0 };
  #tail = '';
  #heardAt = -Infinity;
  #activeAt: number;
  /** Somebody typed what must not go out before the pipe is proven. */
  #doubt: string | null = null;

  /** Times are of one clock, ms. */
  constructor(now: number) {
    this.#activeAt = now;
  }

  /** The console is on the wire (again): what was before a gap says nothing about what comes. */
  entered(now: number): void {
    this.#flow = { bytes: 0, longestMs: 0 };
    this.#tail = '';
    this.#activeAt = now;
    this.#doubt = null;
  }

  /** The node said this: the echo of a BIOS is not its word. */
  heard(text: string, now: number): void {
    if (text === '') return;
    const pause = now - this.#heardAt;
    if (pause > FLOW_PAUSE_MS) this.#flow = { bytes: text.length, longestMs: 0 };
    else this.#flow = { bytes: this.#flow.bytes + text.length, longestMs: Math.max(this.#flow.longestMs, pause) };
    this.#tail = (this.#tail + text).slice(-TAIL);
    this.#heardAt = this.#activeAt = now;
    this.#unheard = null;
    this.#typedUnheard = false;
    this.#doubt = null;
  }

  sent(byte: number, now: number): void {
    this.#activeAt = now;
    // Its echo: a tty shows a control character as two.
    this.#flow.bytes = Math.max(0, this.#flow.bytes - 2);
    const unheard = this.#unheard;
    if (unheard === null) {
      const bareAt = this.#typedUnheard ? null : now;
      if (byte === ENTER) this.#unheard = { since: now, enters: 1, limitMs: DEAF_MS, bareAt };
      else this.#typedUnheard = true;
      return;
    }
    unheard.enters = byte === ENTER ? unheard.enters + 1 : 0;
    // What is still being typed (a paste into a program that prints nothing) is not torn apart for the question.
    if (unheard.enters < INSISTING) unheard.since = now;
  }

  /** When to ask the BMC whether the pipe still leads to it, and why; null: there is no reason. */
  get due(): { at: number; why: string } | null {
    if (this.#doubt !== null) return { at: -Infinity, why: this.#doubt };
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
    if (this.#unheard) this.#unheard = { since: now, enters: INSISTING, limitMs: STILL_DEAF_MS, bareAt: null };
    this.#flow.bytes = 0;
    this.#doubt = null;
  }

  /** Why these keys must wait until the pipe is proven, or null: they may go. From then on that proof is due. */
  holdsBack(bytes: Uint8Array, now: number): string | null {
    const stopped = this.#torn && now - this.#heardAt > Math.max(FLOW_PAUSE_MS / 2, RHYTHM * this.#flow.longestMs);
    const printable = bytes.some((byte) => byte >= 0x20 && byte !== 0x7f);
    const bareAt = this.#unheard?.bareAt ?? null;
    if (printable && bareAt !== null && now - bareAt > ECHO_MS)
      this.#doubt = 'nothing answered Enter, then a key came: its BMC was asked first';
    else if (stopped && printable)
      this.#doubt = 'its output stopped in the middle of a line, then a key came: its BMC was asked first';
    else if (bytes.includes(BACKSLASH) && now - this.#activeAt >= STALE_MS)
      this.#doubt = `a backslash came after ${Math.round((now - this.#activeAt) / 1_000)} s of silence: its BMC was asked first`;
    return this.#doubt;
  }

  get #torn(): boolean {
    return this.#flow.bytes >= FLOW_BYTES && !COMPLETE.test(this.#tail);
  }
}
