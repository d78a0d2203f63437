/**
 * One node's console on the bus. The bus decides when the lease is on the wire; the lease knows how to get on and off
 * it, paces what goes to the node, and holds back what a BIOS could execute until the console has proven to be the
 * node's.
 */
import { formatAddress, type Address } from '../rack/address.ts';
import { CLOSE_PIPE, openConsole } from './codec.ts';
import { ConsoleProof, harmlessUnproven } from './console-proof.ts';
import { ConsolePulse } from './console-pulse.ts';
import { Pacer } from './pacer.ts';
import type { ConsoleBaud, ConsoleHandlers, ConsoleLease, ConsolePhase } from './types.ts';
import type { Wire } from './wire.ts';

/** After ^G the bridge stops; what is still in the buffers of this machine comes within a few milliseconds. */
const QUIET_MS = 4;
const QUIET_CAP_MS = 60;
/** Keys that were typed right before leaving still go out, where that takes no longer; the rest of a paste does not. */
const LAST_WORDS_MS = 300;

export class Lease implements ConsoleLease {
  readonly addr: Address;
  readonly baud: ConsoleBaud;
  readonly #handlers: ConsoleHandlers;
  readonly #pacer: Pacer;
  readonly #now: () => number;
  readonly #pacingMs: number;
  readonly #release: (lease: Lease) => Promise<void>;
  #phase: ConsolePhase = { phase: 'waiting', why: 'waiting for the bus' };
  #proof: ConsoleProof | null = null;
  #wire: Wire | null = null;
  #gap: { from: number; why: string } | null = null;
  readonly #pulse = new ConsolePulse(performance.now());
  /** Tells the bus that {@link doubtful} may have changed. */
  readonly #doubt: () => void;
  /** Until when what was typed before the end may still go out (performance.now). */
  #lastWordsUntil = 0;
  /** Not before this time (performance.now) is opening tried again. */
  retryAt = 0;
  failures = 0;

  constructor(
    addr: Address,
    baud: ConsoleBaud,
    handlers: ConsoleHandlers,
    options: { pacingMs: number; now: () => number; release: (lease: Lease) => Promise<void>; doubt: () => void },
  ) {
    this.addr = addr;
    this.baud = baud;
    this.#handlers = handlers;
    this.#now = options.now;
    this.#pacingMs = options.pacingMs;
    this.#release = options.release;
    this.#doubt = options.doubt;
    this.#pacer = new Pacer(options.pacingMs, (byte, taken) => {
      if (this.#wire) this.#wire.send(Uint8Array.of(byte), taken);
      else taken();
      this.#pulse.sent(byte, performance.now());
      // Not before all is sent: looking into it would drop the rest of a paste.
      if (this.doubtful !== null) options.doubt();
    });
  }

  get phase(): ConsolePhase {
    return this.#phase;
  }

  get onWire(): boolean {
    return this.#wire !== null;
  }

  /** When to ask the BMC whether the pipe still leads to it (performance.now), and why; null: there is no reason to. */
  get doubtful(): { at: number; why: string } | null {
    return this.pending > 0 ? null : this.#pulse.due;
  }

  /** It is being asked. */
  lookedInto(): void {
    this.#pulse.lookedInto(performance.now());
  }

  get pending(): number {
    return this.#pacer.pending;
  }

  /** It has ended, and keys typed before that are still going out: for how long, ms, as it looks; 0: they are not. */
  get lastWordsMs(): number {
    if (this.pending === 0 || this.#wire === null) return 0;
    return Math.max(0, Math.min(this.pending * this.#pacingMs + 1, this.#lastWordsUntil - performance.now()));
  }

  passed(): Promise<'sent' | 'dropped'> {
    return this.#pacer.passed();
  }

  write(bytes: Uint8Array): { taken: number; refused: string | null } {
    const phase = this.#phase;
    if (phase.phase !== 'open') return { taken: 0, refused: phase.why };
    if (!phase.proven && !bytes.every((byte) => harmlessUnproven(byte)))
      return {
        taken: 0,
        refused: `console ${formatAddress(this.addr)} has not answered yet: press Enter to wake it; until the node itself has spoken, keys could reach its BMC`,
      };
    const doubt = this.#pulse.holdsBack(bytes, performance.now());
    if (doubt !== null) {
      this.#doubt();
      return { taken: 0, refused: `not sent: ${doubt}; press Enter, then type it again` };
    }
    const safe = bytes.filter((byte) => byte !== CLOSE_PIPE);
    this.#pacer.push(safe);
    const refused =
      safe.length === bytes.length
        ? null
        : '^G was not sent: it would close the pipe, and the next keys would reach the master’s BIOS';
    return { taken: safe.length, refused };
  }

  async close(): Promise<void> {
    await this.#release(this);
  }

  /** The pipe to this node is open and its identity proven: switch to the console. Called by the bus only. */
  enter(wire: Wire): void {
    this.#proof = new ConsoleProof(this.baud, performance.now());
    this.#pulse.entered(performance.now());
    this.#wire = wire;
    this.failures = 0;
    wire.console = (bytes) => this.#hear(bytes);
    wire.send(openConsole(this.baud));
    if (this.#gap) this.#handlers.onGap({ from: this.#gap.from, ms: this.#now() - this.#gap.from, why: this.#gap.why });
    this.#gap = null;
    this.#become({ phase: 'open', proven: false });
  }

  /** Off the wire: ^G, then whatever is still under way is heard to its end. Called by the bus only. */
  async leave(why: string, final: boolean): Promise<void> {
    const wire = this.#wire;
    const unsent = this.#pacer.clear();
    this.#wire = null;
    if (!final) this.#interrupted(why, unsent);
    if (!wire) return;
    wire.closePipe();
    try {
      await wire.quiet(QUIET_MS, QUIET_CAP_MS);
    } finally {
      wire.console = null;
    }
  }

  /** The line is gone, there is nothing to close. Called by the bus only. */
  drop(why: string): void {
    this.#wire = null;
    this.#interrupted(why, this.#pacer.clear());
  }

  /** Not on the wire, and why. */
  wait(why: string): void {
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'waiting', why });
  }

  end(why: string): void {
    // A timer comes up to a millisecond late: a byte takes one more than its pace.
    if (this.pending * (this.#pacingMs + 1) <= LAST_WORDS_MS) this.#lastWordsUntil = performance.now() + LAST_WORDS_MS;
    if (this.#phase.phase !== 'closed') this.#become({ phase: 'closed', why });
  }

  #interrupted(why: string, unsent: number): void {
    const told = unsent === 0 ? why : `${why}; ${unsent} typed bytes were not sent`;
    if (this.#phase.phase === 'open') this.#gap = { from: this.#now(), why: told };
    this.wait(told);
  }

  #hear(bytes: Uint8Array): void {
    const proof = this.#proof;
    if (!proof) return;
    const text = proof.feed(Buffer.from(bytes).toString('latin1'), performance.now());
    this.#pulse.heard(text, performance.now());
    if (this.#pulse.due !== null) this.#doubt();
    if (text.length > 0) this.#handlers.onData(Buffer.from(text, 'latin1'));
    if (this.#wire && proof.proven && this.#phase.phase === 'open' && !this.#phase.proven)
      this.#become({ phase: 'open', proven: true });
  }

  #become(phase: ConsolePhase): void {
    this.#phase = phase;
    this.#handlers.onPhase(phase);
  }
}
