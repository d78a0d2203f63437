/**
 * Recognises that power returned to the rack or to a blade: every node then boots by itself, which is not a change
 * of power by a person. A rack without power answers nothing, and its BMCs are locked afterwards; of a blade that
 * was taken out all nodes fall silent, and return together.
 */
import { type Address, formatPosition, rowOf } from '../../rack/address.ts';
import type { Power } from '../../rack/reading.ts';
import type { EventLog } from '../events.ts';

/**
 * Time within which the nodes of a blade return, ms: one sweep or two, more for a BMC that is asked rarely because
 * it is silent.
 */
const TOGETHER_MS = 35_000;

export interface PowerReturnPorts {
  now(): number;
  events: EventLog;
  addresses(): readonly Address[];
  power(addr: Address): Power | null;
}

export class PowerReturn {
  readonly #ports: PowerReturnPorts;
  /** Nodes without a reading since the rack's power returned. */
  readonly #unread = new Set<Address>();
  #awaited = false;
  /** Silent nodes; for those that answer again, since when. */
  readonly #silent = new Set<Address>();
  readonly #returnedAt = new Map<Address, number>();
  #awayMs: number | null = null;

  constructor(ports: PowerReturnPorts) {
    this.#ports = ports;
  }

  /** Notes that the bus answers again after `awayMs` and needed the unlock string. */
  unlocked(awayMs: number): void {
    this.#awayMs = awayMs;
    this.#awaited = true;
    for (const addr of this.#ports.addresses()) this.#unread.add(addr);
  }

  lost(addr: Address): void {
    this.#silent.add(addr);
    this.#returnedAt.delete(addr);
  }

  returned(addr: Address): void {
    this.#silent.delete(addr);
    this.#returnedAt.set(addr, this.#ports.now());
  }

  /** Returns the reason why the change of power just read was not made by a person; null: it may have been. */
  explain(addr: Address, to: Power): string | null {
    if (this.#unread.has(addr)) return to === 'on' ? "came on with the rack's power" : "was without the rack's power";
    if (to === 'on' && this.#bladeReturned(addr)) return `came on with the power of blade ${bladeOf(addr)}`;
    return null;
  }

  /** Notes that a reading of the node was applied, after its changes were logged. */
  read(addr: Address): void {
    this.#unread.delete(addr);
    if (this.#awaited && this.#unread.size === 0) this.#announce();
  }

  /** Notes the end of a whole sweep: nodes that have not answered by now are silent. */
  swept(): void {
    if (this.#awaited) this.#announce();
  }

  #announce(): void {
    this.#awaited = false;
    const powers = this.#ports.addresses().map((addr) => this.#ports.power(addr));
    const on = powers.filter((power) => power === 'on').length;
    const off = powers.filter((power) => power === 'off').length;
    const away = Math.max(1, Math.round((this.#awayMs ?? 0) / 1000));
    this.#ports.events.add(
      'warning',
      'power',
      null,
      `The rack lost power: no BMC answered for ${away} s, and the BMCs are locked again; ${on} ${on === 1 ? 'node powered on automatically' : 'nodes powered on automatically'}, ${off} ${off === 1 ? 'is' : 'are'} off`,
    );
  }

  #bladeReturned(addr: Address): boolean {
    const peers = this.#ports.addresses().filter((one) => one !== addr && rowOf(one) === rowOf(addr));
    const limit = this.#ports.now() - TOGETHER_MS;
    const same = (one: Address): boolean => this.#silent.has(one) || (this.#returnedAt.get(one) ?? -Infinity) >= limit;
    return peers.length > 0 && this.#returnedAt.has(addr) && same(addr) && peers.every(same);
  }
}

function bladeOf(addr: Address): string {
  return formatPosition(addr).split('-')[0] ?? '';
}
