/** Counts what the server does, from the start of its metrics on: each counter only goes up. */
import type { Operation, Outcome, Verb } from '../../api/power.ts';
import type { EventRecord } from '../../api/methods.ts';
import type { Address } from '../../rack/address.ts';
import type { Failure, Reading } from '../../rack/reading.ts';
import type { ChangeEvents, Changes } from '../changes.ts';

/** Counts by a key; a key that was never counted is absent. */
export type Counts<K> = Map<K, number>;

function count<K>(counts: Counts<K>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

export class Tallies {
  readonly reads: Counts<Address> = new Map();
  readonly readsFailed: Record<Failure, Counts<Address>> = {
    silent: new Map(),
    garbled: new Map(),
    foreign: new Map(),
  };
  readonly consoleBytes: Counts<Address> = new Map();
  readonly consoleGaps: Counts<Address> = new Map();
  /** Nodes of ended operations, by `VERB OUTCOME`. */
  readonly outcomes: Counts<`${Verb} ${Outcome}`> = new Map();
  readonly events: Counts<EventRecord['level']> = new Map();
  readonly #running = new Set<string>();
  readonly #forget: () => void;

  constructor(changes: Changes) {
    const listeners: { [E in keyof ChangeEvents]?: (...values: ChangeEvents[E]) => void } = {
      read: (addr, reading) => this.#read(addr, reading),
      output: (addr, bytes) => count(this.consoleBytes, addr, bytes),
      gap: (addr) => count(this.consoleGaps, addr),
      event: ({ level }) => count(this.events, level),
      changed: (change) => {
        if (typeof change === 'object' && 'operation' in change) this.#operation(change.operation);
      },
    };
    const names = Object.keys(listeners) as (keyof ChangeEvents)[];
    for (const name of names) changes.on(name, listeners[name] as () => void);
    this.#forget = () => {
      for (const name of names) changes.off(name, listeners[name] as () => void);
    };
  }

  close(): void {
    this.#forget();
  }

  #read(addr: Address, reading: Reading): void {
    count(this.reads, addr);
    if (reading.state === 'failed') count(this.readsFailed[reading.failure], addr);
  }

  /** Counts an operation once, when it has ended. */
  #operation({ id, verb, endedAt, nodes }: Operation): void {
    if (endedAt === null) this.#running.add(id);
    else if (this.#running.delete(id))
      for (const { outcome } of nodes) if (outcome !== null) count(this.outcomes, `${verb} ${outcome}` as const);
  }
}
