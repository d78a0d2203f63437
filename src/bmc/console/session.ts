/**
 * One node's console on the bus. The scheduler decides when it is on the wire; the session gets on and off it, paces
 * the bytes to the node, and sends a key only where {@link ConsoleGuard} finds that the pipe still leads there. Keys
 * go in their order or not at all: a key that waits holds everything behind it, and a dropped one takes it along.
 */
import { type Address, formatAddress } from '../../rack/address.ts';
import { CLOSE_PIPE, ENTER, latin1, openConsole } from '../codec.ts';
import type { Transport } from '../transport.ts';
import type { ConsoleBaud, ConsoleHandlers, ConsoleSession, ConsolePhase } from '../types.ts';
import { ConsoleGuard } from './guard.ts';
import { KeyQueue } from './key-queue.ts';
import { CONSOLE_ECHO_MS, ConsoleProof, harmlessUnproven } from './proof.ts';

/** Time for keys typed right before leaving to go out, ms; the rest of a paste does not. */
const LAST_WORDS_MS = 300;
/**
 * The longest gap after which a console is still proven, ms: its node is on before and after, and no power cycle fits
 * in.
 */
const SHORT_GAP_MS = 1_500;
/** A question to the BMC is shown as a gap only when it takes longer, ms. */
const UNSEEN_GAP_MS = 200;
/** Maximum of bytes held while the console is off the wire. */
const HELD_MOST = 4_096;
/** Pause after which keys of a session whose keys were dropped are taken again, ms. */
const TOLD_MS = 1_000;
/** Number of times a console is opened again that should echo its `~` and did not. */
const OPENINGS = 2;

export interface ConsoleSessionOptions {
  pacingMs: number;
  now: () => number;
  release: (session: BusConsoleSession) => Promise<void>;
  /** Called when {@link BusConsoleSession.doubtful} may have changed. */
  doubt: () => void;
}

export class BusConsoleSession implements ConsoleSession {
  readonly addr: Address;
  readonly baud: ConsoleBaud;
  readonly #handlers: ConsoleHandlers;
  readonly #o: ConsoleSessionOptions;
  readonly #pacer: KeyQueue;
  readonly #guard = new ConsoleGuard(performance.now());
  #phase: ConsolePhase = { phase: 'waiting', why: 'waiting for the bus' };
  #proof: ConsoleProof | null = null;
  #wire: Transport | null = null;
  #gap: { from: number; why: string; asked: boolean } | null = null;
  /** Time until which the console was proven (performance.now), its power untouched since; null: it was not proven. */
  #provenUntil: number | null = null;
  /** Reason to ask the BMC before the next byte; null: none. */
  #ask: { why: string; unanswered: boolean } | null = null;
  /** The BIOS echoes `[bb]~`; then that echo is demanded before a key goes behind a gap. */
  #echoes = false;
  /** Consecutive openings without that echo. */
  #openings = 0;
  #timer: NodeJS.Timeout | null = null;
  #away: NodeJS.Timeout | null = null;
  /** Source of the dropped keys, time of the last of them (performance.now), and whether all of them were Enter. */
  #dropped: { by: object; at: number; enters: boolean } | null = null;
  #typist: object | null = null;
  /** Time until which keys typed before the end may still go out (performance.now). */
  #lastWordsUntil = 0;
  /** Earliest time of the next try to open (performance.now). */
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

  /**
   * Time (performance.now) and reason of the next question to the BMC whether the pipe still leads to its node; null:
   * there is no reason.
   */
  get doubtful(): { at: number; why: string } | null {
    if (this.#ask !== null) return { at: -Infinity, why: this.#ask.why };
    // Not before everything is sent: a node that prints nothing during a paste is not silent.
    if (this.pending > 0) return null;
    return this.#guard.due ?? (this.#proof?.proven ? this.#guard.dueBetweenKeys : null);
  }

  get pending(): number {
    return this.#pacer.pending;
  }

  /** True while output of the node may still be under way. */
  get speaking(): boolean {
    return this.#guard.speaking(performance.now());
  }

  /** Estimated time for which keys typed before the end still go out, ms; 0: none do. */
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

  /**
   * Notes that keys of `by` were refused for a reason outside this session: keys right behind them are refused too.
   * Returns `why`.
   */
  refuse(by: object, why: string, enters = false): string {
    this.#dropped = { by, at: performance.now(), enters: enters && (this.#droppedOf(by)?.enters ?? true) };
    return why;
  }

  /** The dropped keys of this source, while keys behind them are refused too; null: none. */
  #droppedOf(by: object | null): { enters: boolean } | null {
    const dropped = this.#dropped;
    return dropped !== null && dropped.by === by && performance.now() - dropped.at < TOLD_MS ? dropped : null;
  }

  async close(): Promise<void> {
    await this.#o.release(this);
  }

  /** Discards the proof, and off the wire the waiting keys, after the node's power was switched. */
  resetProof(why: string): void {
    this.#provenUntil = null;
    if (this.#wire === null) this.#drop(why);
  }

  /**
   * Switches to the console; the pipe to the node is open and its identity proven. `on`: its BMC reports it as on.
   * Called by the scheduler only.
   */
  enter(wire: Transport, on: boolean): void {
    const now = performance.now();
    const carried = on && this.#provenUntil !== null && now - this.#provenUntil <= SHORT_GAP_MS;
    this.#proof = new ConsoleProof(this.baud, now, carried);
    this.#guard.entered(now, this.#ask && (this.#ask.unanswered ? 'unanswered' : 'otherwise'));
    this.#ask = null;
    this.#provenUntil = null;
    this.#stopTimers();
    this.#wire = wire;
    this.failures = 0;
    if (!carried) this.#drop('the console was reopened, and its node has printed nothing yet');
    wire.console = (bytes) => this.#receive(bytes);
    wire.send(openConsole(this.baud));
    if (this.#gap) this.#handlers.onGap({ ...this.#gap, ms: this.#o.now() - this.#gap.from });
    this.#gap = null;
    if (this.#phase.phase !== 'open' || this.#phase.proven !== carried)
      this.#become({ phase: 'open', proven: carried });
    this.#pacer.resume();
  }

  /**
   * Leaves the wire: ^G, then output that is still under way is read to its end. `ask`: to ask the BMC and come back
   * at once. Called by the scheduler only. Rejects LineLost.
   */
  async leave(why: string, reason: 'ask' | 'needed' | 'final', quiet: { ms: number; capMs: number }): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    if (reason === 'final') this.#drop(null);
    else this.#interrupted(why, reason === 'ask');
    if (!wire) return;
    if (reason === 'ask') {
      this.#ask ??= { why, unanswered: false };
      this.#guard.lookedInto(performance.now());
    }
    wire.closePipe();
    try {
      await wire.quiet(quiet.ms, quiet.capMs);
    } finally {
      wire.console = null;
    }
  }

  /** Handles the loss of the line, without closing a pipe. Called by the scheduler only. */
  drop(why: string): void {
    this.#wire = null;
    this.#interrupted(why, false);
    this.resetProof(why);
  }

  /** Sets the phase `waiting` with its reason. */
  wait(why: string): void {
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'waiting', why });
  }

  end(why: string): void {
    // A timer fires up to a millisecond late: a byte takes one more than its pace.
    if (this.pending * (this.#o.pacingMs + 1) <= LAST_WORDS_MS)
      this.#lastWordsUntil = performance.now() + LAST_WORDS_MS;
    if (this.#wire === null) {
      this.#drop(null);
      this.#stopTimers();
    }
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'closed', why });
  }

  /** Returns the reason to refuse these keys; null: they are taken. */
  #refuses(bytes: Uint8Array, by: object | null): string | null {
    const phase = this.#phase;
    if (phase.phase === 'closed') return phase.why;
    const dropped = this.#droppedOf(by);
    // Enter behind nothing but Enter is no half of a command: it wakes the console again.
    if (dropped !== null && !(dropped.enters && isEnter(bytes)))
      return 'not sent: keys before it were not sent either; wait a moment, then type it again';
    const held = this.#wire === null && this.#provenUntil !== null;
    if (held && this.pending + bytes.length <= HELD_MOST) return null;
    if (held) return this.#drop('the queue of keys for the console is full') ?? 'not sent: the queue of keys is full';
    if (phase.phase === 'waiting') return phase.why;
    if (phase.proven || bytes.every((byte) => harmlessUnproven(byte))) return null;
    return `not sent: console ${formatAddress(this.addr)} has not answered yet; press Enter to wake it: until the node itself has spoken, keys could reach its BMC`;
  }

  #send(byte: number, taken: () => void): void {
    const now = performance.now();
    this.#proof?.sent(byte, now);
    this.#guard.sent(byte, now);
    if (this.#wire) this.#wire.send(Uint8Array.of(byte), taken);
    else taken();
    if (this.doubtful !== null) this.#o.doubt();
  }

  /** True when the next byte may go now; else it is tried again. */
  #may(byte: number): boolean {
    if (this.#wire === null || this.#ask !== null) return false;
    const now = performance.now();
    if (!this.#cameUp(now)) return false;
    const verdict = this.#guard.checkKey(byte, now, this.#proof?.proven ?? false);
    if (verdict.key === 'go') return true;
    if (verdict.key === 'wait') {
      this.#again(verdict.until - now);
      return false;
    }
    if (verdict.unanswered && this.#guard.mayBeBios(this.#echoes)) {
      this.#unprove('no reply to the keys: its BMC may be reading them');
      return false;
    }
    // Timers fire before reads: a byte that this process has not read yet may be the answer.
    const lastOutputAt = this.#guard.lastOutputAt;
    setImmediate(() => {
      if (this.#guard.lastOutputAt !== lastOutputAt) {
        this.#pacer.resume();
        return;
      }
      if (this.#wire === null || this.#ask !== null) return;
      this.#askFirst(verdict.why, verdict.unanswered);
    });
    return false;
  }

  /**
   * True when the console came up behind a gap: a BIOS that echoes has echoed `~`. Where the echo does not come, the
   * console is reopened.
   */
  #cameUp(now: number): boolean {
    const proof = this.#proof;
    if (!proof?.carried || !this.#echoes) return true;
    const echoed = proof.echoed(now);
    if (echoed === true) return true;
    if (echoed === null) this.#again(CONSOLE_ECHO_MS);
    else if (this.#openings++ < OPENINGS) this.#askFirst('its console did not come up: its BMC was queried', false);
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
      this.#away = setTimeout(
        () => this.resetProof(`the console was off the wire: ${why}`),
        SHORT_GAP_MS - UNSEEN_GAP_MS,
      );
    }, UNSEEN_GAP_MS);
    if (!ask) wait();
  }

  /** Withdraws the proof: waiting keys are dropped, and only keys that wake a node go. */
  #unprove(why: string): void {
    this.#proof = new ConsoleProof(this.baud, performance.now() - CONSOLE_ECHO_MS - 1);
    this.#become({ phase: 'open', proven: false });
    this.#drop(why);
  }

  /**
   * Drops the waiting keys and reports the reason to their source; null: no report is wanted. Returns the message;
   * null: none.
   */
  #drop(why: string | null): string | null {
    const enters = this.#pacer.holdsOnly(ENTER);
    const unsent = this.#pacer.clear();
    this.#ask = null;
    if (unsent === 0 || why === null) return null;
    const text = `${unsent} typed bytes were not sent: ${why}; type them again`;
    if (this.#typist) this.refuse(this.#typist, why, enters);
    if (this.#gap) this.#gap.why = `${this.#gap.why}; ${unsent} typed bytes were not sent`;
    this.#handlers.onDropped?.(text);
    return text;
  }

  #receive(bytes: Uint8Array): void {
    const proof = this.#proof;
    if (!proof) return;
    const now = performance.now();
    const text = proof.feed(latin1(bytes), now);
    if (proof.echoed(now) === true) {
      this.#echoes = true;
      this.#openings = 0;
    }
    this.#guard.onOutput(text, now);
    if (this.doubtful !== null) this.#o.doubt();
    if (text.length > 0) this.#handlers.onData(Buffer.from(text, 'latin1'));
    if (this.#wire && proof.proven && this.#phase.phase === 'open' && !this.#phase.proven) {
      this.#guard.spoke(now);
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
