/** A client that looks, over restarts of the server, and holds every reading it is shown against what the rack really said. */
import type { Snapshot } from '../../src/api/methods.ts';
import type { RackClient } from '../../src/client/client.ts';
import { formatAddress } from '../../src/rack/address.ts';
import type { Reading } from '../../src/rack/reading.ts';
import type { Stand } from '../support/stand.ts';
import type { Witness } from '../support/witness.ts';

export class Picture {
  /** Readings that no BMC bears out, in words. */
  readonly lies: string[] = [];
  readings = 0;
  /** Exchanges and errors of all servers so far. */
  exchanges = 0;
  errors = 0;
  bus: Snapshot['bus'] | null = null;
  readonly #rack: Stand;
  readonly #witness: Witness;
  readonly #checked = new Map<number, number>();
  #client: RackClient | null = null;

  constructor(rack: Stand, witness: Witness) {
    this.#rack = rack;
    this.#witness = witness;
  }

  /** Looks on (again). @throws when no server can be reached. */
  async connect(): Promise<void> {
    const client = await this.#rack.client('soak');
    this.#client = client;
    this.#see(client.welcome.snapshot);
    client.on('update', ({ bus, nodes }) => {
      if (bus) this.#busIs(bus);
      for (const node of nodes ?? []) this.#check(node.addr, node.reading);
    });
    client.onClose(() => {
      if (this.#client === client) this.#client = null;
    });
  }

  /** The client, connected anew where the last server is gone. */
  async client(): Promise<RackClient> {
    if (this.#client === null) await this.connect();
    if (this.#client === null) throw new Error('no server');
    return this.#client;
  }

  /** Every node was read after `since`, or the bus is in use by a console and answers. */
  async well(since: number): Promise<boolean> {
    const snapshot = await (await this.client()).request('sweep', { addrs: null, interrupt: false });
    this.#see(snapshot);
    if (snapshot.bus.state === 'paused') return snapshot.console?.state === 'open';
    return (
      snapshot.bus.state === 'ready' &&
      snapshot.nodes.every(({ reading }) => reading.state === 'ok' && reading.sample.at > since)
    );
  }

  #see(snapshot: Snapshot): void {
    this.#busIs(snapshot.bus);
    for (const node of snapshot.nodes) this.#check(node.addr, node.reading);
  }

  #busIs(bus: Snapshot['bus']): void {
    // Counters begin anew with each server.
    const before = this.bus !== null && this.bus.exchanges <= bus.exchanges ? this.bus : { exchanges: 0, errors: 0 };
    this.exchanges += bus.exchanges - before.exchanges;
    this.errors += Math.max(0, bus.errors - before.errors);
    this.bus = bus;
  }

  #check(addr: number, reading: Reading): void {
    if (reading.state !== 'ok' || this.#checked.get(addr) === reading.sample.at) return;
    this.#checked.set(addr, reading.sample.at);
    this.readings++;
    if (this.#witness.bearsOut(addr, reading.sample)) return;
    const { power, current, fan, at, rttMs } = reading.sample;
    this.lies.push(
      `${formatAddress(addr)}: ${power} ${current} ${fan}, read ${new Date(at).toISOString()} in ${rttMs.toFixed(1)} ms`,
    );
  }
}
