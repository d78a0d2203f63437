/**
 * The bus's operations, each one exchange or several: status, verbs, UIDs, consoles, raw commands. {@link Scheduler}
 * decides their order, {@link BmcClient} carries them out.
 */
import type { Address } from '../rack/address.ts';
import { BmcClient } from './bmc-client.ts';
import { BIOS_COMMANDS, DEFAULT_UNLOCK } from './codec.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { VerbExchange } from './exchange.ts';
import { Poll } from './poll.ts';
import { verifiedVerb } from './power-command.ts';
import { checkRawCommand, readUid, replyTo, surveyForms } from './raw-commands.ts';
import { Scheduler } from './scheduler.ts';
import {
  type BmcVerb,
  type Bus,
  type BusCounters,
  type BusHealth,
  type ConsoleBaud,
  type ConsoleHandlers,
  type ConsoleSession,
  type Polled,
  PRIORITY,
  type Priority,
  type RawOutcome,
  type Recovery,
  type StatusOutcome,
  type UidOutcome,
  type VerbOutcome,
  type Forms,
} from './types.ts';

export interface BusOptions extends Partial<Omit<ConnectionOptions, 'port'>> {
  port: string;
  /** Milliseconds between console bytes to a node; 2 were seen to be safe. */
  pacingMs?: number;
  /** Milliseconds between exchanges on a clean bus; damaged replies increase it for a while. */
  gapMs?: number;
}

/** Creates the bus, closed. Throws when the unlock string could harm an unlocked bus. */
export function createBus(options: BusOptions): Bus {
  const unlock = options.unlock ?? DEFAULT_UNLOCK;
  if (BIOS_COMMANDS.test(unlock))
    throw new Error('the unlock string holds a BIOS command character: on an unlocked bus it would be executed');
  return new SerialBus({ ...options, unlock }, options.pacingMs ?? 2, options.gapMs ?? 0);
}

class SerialBus implements Bus {
  readonly #connection: Connection;
  readonly #bmcClient: BmcClient;
  readonly #owner: Scheduler;

  constructor(options: BusOptions & { unlock: string }, pacingMs: number, gapMs: number) {
    this.#connection = new Connection(options, () => this.#owner.wake());
    this.#bmcClient = new BmcClient(this.#connection, gapMs);
    this.#owner = new Scheduler(this.#connection, this.#bmcClient, pacingMs);
  }

  get health(): BusHealth {
    return this.#connection.health;
  }

  get counters(): BusCounters {
    return this.#bmcClient.counters;
  }

  get recovery(): Recovery | null {
    return this.#connection.recovery;
  }

  get consoleAddr(): Address | null {
    return this.#owner.consoleAddr;
  }

  start(): void {
    this.#owner.start();
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    return this.#connection.onHealth(listener);
  }

  retry(): void {
    this.#connection.retryNow();
    this.#owner.wake();
  }

  catchUp(): void {
    this.#connection.catchUp();
  }

  async status(addr: Address, priority: Priority, patience: 'patient' | 'brief' = 'patient'): Promise<StatusOutcome> {
    const outcomes: Polled[] = [];
    const take = (some: readonly Polled[]): void => void outcomes.push(...some);
    const poll = new Poll(this.#bmcClient, { addrs: [addr], patience, wanted: () => true, take });
    const refused = await this.#owner.poll(priority, poll);
    return outcomes[0]?.outcome ?? { ok: false, failure: 'bus', detail: refused ?? '' };
  }

  async poll(
    priority: Priority,
    addrs: readonly Address[],
    wanted: (addr: Address) => boolean,
    take: (outcomes: readonly Polled[]) => void,
  ): Promise<boolean> {
    const poll = new Poll(this.#bmcClient, { addrs, patience: 'patient', wanted, take });
    return (await this.#owner.poll(priority, poll)) === null;
  }

  async verb(
    addr: Address,
    verb: BmcVerb,
    options: { priority: Priority; signal?: AbortSignal; listened?: boolean },
  ): Promise<VerbOutcome> {
    const release = this.hold();
    try {
      return await verifiedVerb(
        addr,
        verb,
        {
          isMaster: () => addr === this.health.master,
          status: () => this.status(addr, options.priority),
          exchange: (mayStill) => this.#verbExchange(addr, verb, { ...options, mayStill }),
          catchUp: () => this.catchUp(),
        },
        options,
      );
    } finally {
      release();
    }
  }

  async uid(addr: Address, priority: Priority): Promise<UidOutcome> {
    const outcome = await this.#owner.exchange(priority, (wire) =>
      this.#bmcClient.proven(wire, addr, () => readUid(wire)),
    );
    if (typeof outcome === 'string') return { ok: false, detail: outcome };
    return outcome.ok ? { ok: true, uid: outcome.value } : outcome;
  }

  async diagnose(node: Address | null): Promise<Forms | string> {
    return this.#owner.exchange(PRIORITY.operator, (wire) => surveyForms(wire, node));
  }

  async raw(target: Address | null, text: string): Promise<RawOutcome> {
    const outcome = await this.#owner.exchange(PRIORITY.operator, async (wire) => {
      const { master } = this.health;
      const { refused } = checkRawCommand(text, target, master);
      const addr = target ?? master;
      if (refused !== null || addr === null)
        return { ok: false as const, detail: refused ?? 'the master is not known yet' };
      try {
        return await this.#bmcClient.proven(wire, addr, () => replyTo(wire, text));
      } finally {
        // No pipe stays open after raw bytes, and the master must answer before any other exchange.
        await this.#connection.probe();
      }
    });
    if (typeof outcome === 'string') return { sent: false, detail: outcome };
    return outcome.ok
      ? { sent: true, reply: outcome.value, after: this.health }
      : { sent: false, detail: outcome.detail };
  }

  hold(): () => void {
    return this.#owner.hold();
  }

  openConsole(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers): ConsoleSession {
    return this.#owner.openConsole(addr, baud, handlers);
  }

  close(): Promise<void> {
    return this.#owner.close();
  }

  async #verbExchange(
    addr: Address,
    verb: BmcVerb,
    { priority, mayStill }: { priority: Priority; mayStill: () => boolean },
  ): Promise<VerbExchange | { sent: boolean; bus: string }> {
    let sent = false;
    const outcome = await this.#owner.exchange(priority, (wire) =>
      this.#bmcClient.verb(wire, addr, verb, {
        mayStill,
        onSent: () => {
          sent = true;
          this.#owner.switched(addr);
        },
      }),
    );
    return typeof outcome === 'string' ? { sent, bus: outcome } : outcome;
  }
}
