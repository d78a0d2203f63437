/**
 * One node's console on the bus. The bus decides when the lease is on the wire; the lease knows how to get on and off it,
 * paces what goes to the node, and lets a key go only where {@link ConsoleGuard} says that the pipe still leads there. Keys
 * go in their order or not at all: what must wait holds everything behind it, and what is dropped takes it along.
 */
import { type Address, formatAddress } from '../rack/address.ts';
import { CLOSE_PIPE, openConsole } from './codec.ts';
import { CONSOLE_ECHO_MS, ConsoleProof, ConsoleGuard, harmlessUnproven } from './console-guard.ts';
import { KeyQueue } from './key-queue.ts';
import type { Transport } from './transport.ts';
import type { ConsoleBaud, ConsoleHandlers, ConsoleSession, ConsolePhase } from './types.ts';

/** Keys that were typed right before leaving still go out, where that takes no longer; the rest of a paste does not. */
const LAST_WORDS_MS = 300;
/** A gap no longer than this changes nothing: its node is on before and after, and no power cycle fits in. */
const SHORT_GAP_MS = 1_500;
/** An own question to the BMC is shown as such only when it takes longer, ms. */
const UNSEEN_GAP_MS = 200;
/** Bytes held while the console is away. */
const HELD_MOST = 4_096;
/** Who is told that keys did not go starts anew after so long without one, ms. */
const TOLD_MS = 1_000;
const ENTER = 0x0d;
/** A console that should echo its `~` and did not is opened again so often. */
const OPENINGS = 2;

export interface ConsoleSessionOptions {
  pacingMs: number;
  now: () => number;
  release: (lease: BusConsoleSession) => Promise<void>;
  /** Tells the bus that {@link BusConsoleSession.doubtful} may have changed. */
  doubt: () => void;
}

export class BusConsoleSession implements ConsoleSession {
  readonly addr: Address;
  readonly baud: ConsoleBaud;
  readonly #handlers: ConsoleHandlers;
  readonly #o: ConsoleSessionOptions;
  readonly #pacer: KeyQueue;
  readonly #pulse = new ConsoleGuard(performance.now());
  #phase: ConsolePhase = { phase: 'waiting', why: 'waiting for the bus' };
  #proof: ConsoleProof | null = null;
  #wire: Transport | null = null;
  #gap: { from: number; why: string; asked: boolean } | null = null;
  /** It was the node's console until then (performance.now), and its power was not touched since; null: it was not. */
  #provenUntil: number | null = null;
  /** The BMC is to be asked before the next byte. */
  #ask: { why: string; unanswered: boolean } | null = null;
  /** Its BIOS echoes `[bb]~`; where it does, that echo is demanded before a key goes behind a gap. */
  #echoes = false;
  /** How often in a row it did not come. */
  #openings = 0;
  #timer: NodeJS.Timeout | null = null;
  #away: NodeJS.Timeout | null = null;
  /** Whose keys did not go, when the last of them came (performance.now), and whether Enter was all that they were. */
  #dropped: { by: object; at: number; enters: boolean } | null = null;
  #typist: object | null = null;
  /** Until when what was typed before the end may still go out (performance.now). */
  #lastWordsUntil = 0;
  /** Not before this time (performance.now) is opening tried again. */
  retryAt = 0;
  failures = 0;

  constructor(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers, options: ConsoleSessionOptions) {
    this.addr = addr;
    this.baud = baud;
    this.#handlers = handlers;
    this.#o = options;
    this.#pacer = new KeyQueue(
      options.pacingMs,
      (byte, taken) => this.#send(byte, taken),
      (byte) => this.#may(byte),
    );
  }

  get phase(): ConsolePhase {
    return this.#phase;
  }

  get onWire(): boolean {
    return this.#wire !== null;
  }

  /** When to ask the BMC whether the pipe still leads to it (performance.now), and why; null: there is no reason to. */
  get doubtful(): { at: number; why: string } | null {
    if (this.#ask !== null) return { at: -Infinity, why: this.#ask.why };
    // Not before all is sent: what comes of a paste is no silence.
    return this.pending > 0 ? null : this.#pulse.due;
  }

  get pending(): number {
    return this.#pacer.pending;
  }

  /** Bytes of it may still be under way. */
  get speaking(): boolean {
    return this.#pulse.speaking(performance.now());
  }

  /** It has ended, and keys typed before that are still going out: for how long, ms, as it looks; 0: they are not. */
  get lastWordsMs(): number {
    if (this.pending === 0 || this.#wire === null || this.#ask !== null) return 0;
    const each = Math.max(this.#o.pacingMs + 1, 5);
    return Math.max(0, Math.min(this.pending * each, this.#lastWordsUntil - performance.now()));
  }

  get sentAt(): number {
    return this.#pacer.sentAt;
  }

  passed(): Promise<'sent' | 'dropped'> {
    return this.#pacer.passed();
  }

  write(bytes: Uint8Array, by?: object): { taken: number; refused: string | null } {
    const refused = this.#refuses(bytes, by ?? null);
    if (refused !== null) return { taken: 0, refused: by ? this.refuse(by, refused, isEnter(bytes)) : refused };
    this.#dropped = null;
    if (by) this.#typist = by;
    const safe = bytes.filter((byte) => byte !== CLOSE_PIPE);
    this.#pacer.push(safe);
    const taken = safe.length === bytes.length;
    const why = '^G was not sent: it would close the pipe, and the next keys would reach the master’s BIOS';
    return { taken: safe.length, refused: taken ? null : why };
  }

  /** These keys did not go, for another reason than the lease's own: what comes right behind them does not either. */
  refuse(by: object, why: string, enters = false): string {
    this.#dropped = { by, at: performance.now(), enters: enters && (this.#droppedOf(by)?.enters ?? true) };
    return why;
  }

  /** What was dropped of this typist's keys, as long as it takes along what comes behind. */
  #droppedOf(by: object | null): { enters: boolean } | null {
    const dropped = this.#dropped;
    return dropped !== null && dropped.by === by && performance.now() - dropped.at < TOLD_MS ? dropped : null;
  }

  async close(): Promise<void> {
    await this.#o.release(this);
  }

  /** Its node's power was switched: what was known of its console, and keys that wait, belong to another life. */
  forget(why: string): void {
    this.#provenUntil = null;
    if (this.#wire === null) this.#drop(why);
  }

  /**
   * The pipe to this node is open and its identity proven: switch to the console. `on`: its BMC calls it on. Called by the
   * bus only.
   */
  enter(wire: Transport, on: boolean): void {
    const now = performance.now();
    const carried = on && this.#provenUntil !== null && now - this.#provenUntil <= SHORT_GAP_MS;
    this.#proof = new ConsoleProof(this.baud, now, carried);
    this.#pulse.entered(now, this.#ask && (this.#ask.unanswered ? 'unanswered' : 'otherwise'));
    this.#ask = null;
    this.#provenUntil = null;
    this.#stopTimers();
    this.#wire = wire;
    this.failures = 0;
    if (!carried) this.#drop('the console was opened anew, and its node has not spoken yet');
    wire.console = (bytes) => this.#hear(bytes);
    wire.send(openConsole(this.baud));
    if (this.#gap) this.#handlers.onGap({ ...this.#gap, ms: this.#o.now() - this.#gap.from });
    this.#gap = null;
    if (this.#phase.phase !== 'open' || this.#phase.proven !== carried)
      this.#become({ phase: 'open', proven: carried });
    this.#pacer.resume();
  }

  /**
   * Off the wire: ^G, then whatever is still under way is heard to its end. `ask`: to ask its BMC and come back at once.
   * Called by the bus only.
   */
  async leave(why: string, reason: 'ask' | 'needed' | 'final', quiet: { ms: number; capMs: number }): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    if (reason === 'final') this.#drop(null);
    else this.#interrupted(why, reason === 'ask');
    if (!wire) return;
    if (reason === 'ask') {
      this.#ask ??= { why, unanswered: false };
      this.#pulse.lookedInto(performance.now());
    }
    wire.closePipe();
    try {
      await wire.quiet(quiet.ms, quiet.capMs);
    } finally {
      wire.console = null;
    }
  }

  /** The line is gone, there is nothing to close. Called by the bus only. */
  drop(why: string): void {
    this.#wire = null;
    this.#interrupted(why, false);
    this.forget(why);
  }

  /** Not on the wire, and why. */
  wait(why: string): void {
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'waiting', why });
  }

  end(why: string): void {
    // A timer comes up to a millisecond late: a byte takes one more than its pace.
    if (this.pending * (this.#o.pacingMs + 1) <= LAST_WORDS_MS)
      this.#lastWordsUntil = performance.now() + LAST_WORDS_MS;
    if (this.#wire === null) {
      this.#drop(null);
      this.#stopTimers();
    }
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'closed', why });
  }

  /** Why these keys are not taken; null: they are. */
  #refuses(bytes: Uint8Array, by: object | null): string | null {
    const phase = this.#phase;
    if (phase.phase === 'closed') return phase.why;
    const dropped = this.#droppedOf(by);
    // Enter behind nothing but Enter is no half of anything: it wakes the console again.
    if (dropped !== null && !(dropped.enters && isEnter(bytes)))
      return 'not sent: keys before it were not sent either; wait a moment, then type it anew';
    const held = this.#wire === null && this.#provenUntil !== null;
    if (held && this.pending + bytes.length <= HELD_MOST) return null;
    if (held) return this.#drop('more keys waited for the console than are kept') ?? 'not sent: too many keys wait';
    if (phase.phase === 'waiting') return phase.why;
    if (phase.proven || bytes.every((byte) => harmlessUnproven(byte))) return null;
    return `not sent: console ${formatAddress(this.addr)} has not answered yet; press Enter to wake it: until the node itself has spoken, keys could reach its BMC`;
  }

  #send(byte: number, taken: () => void): void {
    const now = performance.now();
    this.#proof?.sent(byte, now);
    this.#pulse.sent(byte, now);
    if (this.#wire) this.#wire.send(Uint8Array.of(byte), taken);
    else taken();
    if (this.doubtful !== null) this.#o.doubt();
  }

  /** Whether the next byte may go now; where not, it is tried again. */
  #may(byte: number): boolean {
    if (this.#wire === null || this.#ask !== null) return false;
    const now = performance.now();
    if (!this.#cameUp(now)) return false;
    const verdict = this.#pulse.judge(byte, now, this.#proof?.proven ?? false);
    if (verdict.key === 'go') return true;
    if (verdict.key === 'wait') {
      this.#again(verdict.until - now);
      return false;
    }
    if (verdict.unanswered && this.#pulse.mayBeBios(this.#echoes)) {
      this.#unprove('nothing answers the keys: it may be its BMC that reads them');
      return false;
    }
    // Timers come before reading: what this process has not read yet may be the answer.
    const heardAt = this.#pulse.heardAt;
    setImmediate(() => {
      if (this.#pulse.heardAt !== heardAt) {
        this.#pacer.resume();
        return;
      }
      if (this.#wire === null || this.#ask !== null) return;
      this.#askFirst(verdict.why, verdict.unanswered);
    });
    return false;
  }

  /** Behind a gap: its BIOS has taken `~`, where it echoes what it takes; where it does not come, the console is opened anew. */
  #cameUp(now: number): boolean {
    const proof = this.#proof;
    if (!proof?.carried || !this.#echoes) return true;
    const echoed = proof.echoed(now);
    if (echoed === true) return true;
    if (echoed === null) this.#again(CONSOLE_ECHO_MS);
    else if (this.#openings++ < OPENINGS) this.#askFirst('its console did not come up: its BMC was asked', false);
    else this.#unprove('its console did not come up');
    return false;
  }

  #askFirst(why: string, unanswered: boolean): void {
    this.#ask = { why, unanswered };
    this.#o.doubt();
  }

  #again(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pacer.resume(), Math.max(1, Math.ceil(ms)));
  }

  #interrupted(why: string, ask: boolean): void {
    const now = performance.now();
    if (this.#phase.phase === 'open') {
      this.#provenUntil = this.#phase.proven ? now : null;
      this.#gap = { from: this.#o.now(), why, asked: ask };
    }
    if (this.#timer) clearTimeout(this.#timer);
    const wait = (): void => this.wait(this.pending === 0 ? why : `${why}; ${this.pending} typed bytes wait`);
    if (this.#away) clearTimeout(this.#away);
    this.#away = setTimeout(() => {
      if (this.#wire !== null || this.#phase.phase === 'closed') return;
      wait();
      this.#away = setTimeout(() => this.forget(`the console was away: ${why}`), SHORT_GAP_MS - UNSEEN_GAP_MS);
    }, UNSEEN_GAP_MS);
    if (!ask) wait();
  }

  /** It is not known any more whether the node reads: what waits is dropped, and only what wakes a node goes. */
  #unprove(why: string): void {
    this.#proof = new ConsoleProof(this.baud, performance.now() - CONSOLE_ECHO_MS - 1);
    this.#become({ phase: 'open', proven: false });
    this.#drop(why);
  }

  /** Keys that wait are dropped, and their typist is told why; null: there is nobody to tell. */
  #drop(why: string | null): string | null {
    const enters = this.#pacer.holdsOnly(ENTER);
    const unsent = this.#pacer.clear();
    this.#ask = null;
    if (unsent === 0 || why === null) return null;
    const text = `${unsent} typed bytes were not sent: ${why}; type them anew`;
    if (this.#typist) this.refuse(this.#typist, why, enters);
    if (this.#gap) this.#gap.why = `${this.#gap.why}; ${unsent} typed bytes were not sent`;
    this.#handlers.onDropped?.(text);
    return text;
  }

  #hear(bytes: Uint8Array): void {
    const proof = this.#proof;
    if (!proof) return;
    const now = performance.now();
    const text = proof.feed(Buffer.from(bytes).toString('latin1'), now);
    if (proof.echoed(now) === true) {
      this.#echoes = true;
      this.#openings = 0;
    }
    this.#pulse.heard(text, now);
    if (this.#pulse.due !== null) this.#o.doubt();
    if (text.length > 0) this.#handlers.onData(Buffer.from(text, 'latin1'));
    if (this.#wire && proof.proven && this.#phase.phase === 'open' && !this.#phase.proven) {
      this.#pulse.spoke(now);
      this.#become({ phase: 'open', proven: true });
    }
    this.#pacer.resume();
  }

  #stopTimers(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#away) clearTimeout(this.#away);
    this.#timer = this.#away = null;
  }

  #become(phase: ConsolePhase): void {
    this.#phase = phase;
    this.#handlers.onPhase(phase);
  }
}

function isEnter(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === ENTER);
}
