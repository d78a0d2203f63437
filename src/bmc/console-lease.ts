/**
 * One node's console on the bus. The bus decides when the lease is on the wire; the lease knows how to get on and off
 * it, paces what goes to the node, and holds back what a BIOS could execute until the console has proven to be the
 * node's.
 */
import { formatAddress, type Address } from '../rack/address.ts';
import { CLOSE_PIPE, openConsole } from './codec.ts';
import { ConsoleProof, harmlessUnproven } from './console-proof.ts';
import { Pacer } from './pacer.ts';
import type { ConsoleBaud, ConsoleHandlers, ConsoleLease, ConsolePhase } from './types.ts';
import type { Wire } from './wire.ts';

/** After ^G the bridge stops; what is still in the buffers of this machine comes within a few milliseconds. */
const QUIET_MS = 4;
const QUIET_CAP_MS = 60;
/** A node answers Enter with something (a prompt, an echo, a line end) well within this; one that does not may not be there. */
const DEAF_MS = 3_000;
const ENTER = 0x0d;

export class Lease implements ConsoleLease {
  readonly addr: Address;
  readonly baud: ConsoleBaud;
  readonly #handlers: ConsoleHandlers;
  readonly #pacer: Pacer;
  readonly #now: () => number;
  readonly #release: (lease: Lease) => Promise<void>;
  #phase: ConsolePhase = { phase: 'waiting', why: 'waiting for the bus' };
  #proof: ConsoleProof | null = null;
  #wire: Wire | null = null;
  #gap: { from: number; why: string } | null = null;
  /** When the last byte went out since an Enter that nothing has answered yet (performance.now); `told`: the bus has looked into that. */
  #unheard: { since: number; told: boolean } | null = null;
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
    this.#release = options.release;
    this.#pacer = new Pacer(options.pacingMs, (byte, taken) => {
      if (this.#wire) this.#wire.send(Uint8Array.of(byte), taken);
      else taken();
      // What is still being typed (a paste into a program that prints nothing) is not torn apart for the question.
      if (this.#unheard?.told === false) this.#unheard.since = performance.now();
      if (byte === ENTER) this.#unheard ??= { since: performance.now(), told: false };
      // Not before all is sent: looking into it would drop the rest of a paste.
      if (this.#unheard !== null && !this.#unheard.told && this.#pacer.pending === 0) options.doubt();
    });
  }

  get phase(): ConsolePhase {
    return this.#phase;
  }

  get onWire(): boolean {
    return this.#wire !== null;
  }

  /** When to ask the BMC whether it is still there, because the node does not answer Enter (performance.now); else null. */
  get deafAt(): number | null {
    return this.#unheard === null || this.#unheard.told || this.pending > 0 ? null : this.#unheard.since + DEAF_MS;
  }

  /** It is being asked: not again before the node has spoken. */
  lookedInto(): void {
    if (this.#unheard) this.#unheard.told = true;
  }

  get pending(): number {
    return this.#pacer.pending;
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
    this.#unheard = null;
    const text = proof.feed(Buffer.from(bytes).toString('latin1'), performance.now());
    if (text.length > 0) this.#handlers.onData(Buffer.from(text, 'latin1'));
    if (this.#wire && proof.proven && this.#phase.phase === 'open' && !this.#phase.proven)
      this.#become({ phase: 'open', proven: true });
  }

  #become(phase: ConsolePhase): void {
    this.#phase = phase;
    this.#handlers.onPhase(phase);
  }
}
