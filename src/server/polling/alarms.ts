/** Raises, clears and keeps alarms: from readings, from the bus, and from what was seen on consoles. */
import type { Address } from '../../rack/address.ts';
import {
  type Alarm,
  AlarmStore,
  type AlarmKind,
  type AlarmLimits,
  alarmOwner,
  BLANK_MEMORY,
  judge,
  type LimitMemory,
} from '../../rack/alarms.ts';
import { FanRatio } from '../../rack/calibration.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { Power, Reading } from '../../rack/reading.ts';
import type { EventLog } from '../events.ts';

/** A bus that is away for less is a plug being moved; a start takes about so long, too. */
const BUS_AWAY_MS = 3_000;

export interface AlarmServicePorts {
  now(): number;
  events: EventLog;
  inventory(): Inventory;
  label(addr: Address): string;
  changed(): void;
  nodeChanged(addr: Address): void;
}

export class AlarmService {
  readonly #limits: () => AlarmLimits;
  readonly #ports: AlarmServicePorts;
  readonly #book = new AlarmStore();
  readonly #fans = new FanRatio();
  readonly #memories = new Map<Address, LimitMemory>();
  #busTimer: NodeJS.Timeout | null = null;

  constructor(limits: () => AlarmLimits, ports: AlarmServicePorts) {
    this.#limits = limits;
    this.#ports = ports;
  }

  get standing(): Alarm[] {
    return this.#book.standing;
  }

  /** Nothing is claimed of a fan before ZZ has shown that it is more than the drive. */
  get #judged(): AlarmLimits {
    const limits = this.#limits();
    return this.#fans.meaning === 'speed' ? limits : { ...limits, fanStopped: null };
  }

  past(limit: number): Alarm[] {
    return this.#book.past(limit);
  }

  /** What is wrong with a node now, as kinds; those that nobody has seen first. */
  wordsFor(addr: Address): string[] {
    const lasting = this.#book.standing.filter((alarm) => alarm.addr === addr && alarm.clearedAt === null);
    return [...lasting.filter((a) => a.acknowledged === null), ...lasting.filter((a) => a.acknowledged !== null)].map(
      ({ kind }) => kind,
    );
  }

  /** A node's reading changed. */
  read(addr: Address, reading: Reading): void {
    if (reading.state === 'unasked') return;
    const last = reading.state === 'failed' ? reading.last : null;
    const lost = reading.state === 'failed' && last !== null;
    this.set('lost', addr, lost ? `does not answer (${reading.failure}); it was ${last.power}` : null, 'quiet');
    if (reading.state !== 'ok') return;
    const { sample } = reading;
    this.set('disabled', addr, sample.power === 'disabled' ? 'its BMC says disabled' : null);
    this.#chassisFan(addr, sample.power);
    this.#fans.add(sample);
    const { memory, verdicts } = judge(this.#judged, this.#memories.get(addr) ?? BLANK_MEMORY, sample);
    this.#memories.set(addr, memory);
    for (const [kind, text] of Object.entries(verdicts)) this.set(kind as AlarmKind, addr, text);
  }

  /** Power changed. By nobody here, that is an alarm until somebody has seen it; coming on with the rack's power is none. */
  powerChanged(addr: Address, from: Power, to: Power, here: boolean, byItself: string | null): void {
    if (here || (byItself !== null && to === 'on')) return;
    this.set('power-changed', addr, powerChange(from, to, byItself), 'quiet');
  }

  /** `detail` says what is wrong with the bus; null: nothing. A short absence is none. */
  bus(detail: string | null): void {
    if (this.#busTimer !== null) clearTimeout(this.#busTimer);
    this.#busTimer = null;
    if (detail === null) this.set('bus', null, null, 'quiet');
    else this.#busTimer = setTimeout(() => this.set('bus', null, detail, 'quiet'), BUS_AWAY_MS);
  }

  /** `quiet`: the event log has its own line about it. */
  set(kind: AlarmKind, addr: Address | null, text: string | null, told: 'told' | 'quiet' = 'told'): void {
    const alarm = this.#book.set(kind, addr, text, this.#ports.now());
    if (alarm === null) return;
    this.#ports.changed();
    if (addr !== null) this.#ports.nodeChanged(addr);
    if (told === 'quiet') return;
    const owner = alarmOwner(kind);
    const who = addr === null ? `The ${owner}` : this.#ports.label(addr);
    const topic = addr === null && owner === 'server' ? 'server' : 'node';
    if (alarm.clearedAt === null) this.#ports.events.add('alarm', topic, addr, `${who} ${alarm.text}`);
    else this.#ports.events.add('info', topic, addr, `${who}: over: ${alarm.text}`);
  }

  /** One of the supply's, about this UPS or policy; the event log has its own line about it. */
  setSupply(kind: AlarmKind, subject: string, text: string | null): void {
    if (this.#book.set(kind, null, text, this.#ports.now(), subject) !== null) this.#ports.changed();
  }

  /** Null: all. Returns how many had not been seen. */
  acknowledge(ids: readonly number[] | null, by: string): number {
    const seen = this.#book.acknowledge(ids, by, this.#ports.now());
    if (seen.length === 0) return 0;
    this.#ports.changed();
    for (const { addr, kind } of seen) {
      // It happened and is over; there is no state that could clear it.
      if (kind === 'power-changed' || kind === 'board-changed') this.set(kind, addr, null, 'quiet');
      if (addr !== null) this.#ports.nodeChanged(addr);
    }
    return seen.length;
  }

  /** The node is in the configuration no longer. */
  removed(addr: Address): void {
    this.#memories.delete(addr);
    for (const alarm of this.#book.standing) if (alarm.addr === addr) this.set(alarm.kind, addr, null, 'quiet');
  }

  close(): void {
    if (this.#busTimer !== null) clearTimeout(this.#busTimer);
  }

  /** The fan that hangs on a node's power has none while the node is off. */
  #chassisFan(addr: Address, power: Power): void {
    const fan = this.#ports.inventory().nodes.find((node) => node.addr === addr)?.chassisFan ?? null;
    if (fan === null) return;
    this.set('chassis-fan', addr, power === 'on' ? null : `is ${power}: chassis fan ${fan} has no power`);
  }
}

/** How a power changed that nobody here changed. @param byItself why it may be nobody's work at all */
export function powerChange(from: Power, to: Power, byItself: string | null): string {
  return `went from ${from} to ${to}, ${byItself === null ? 'changed by nobody here' : `it ${byItself}`}`;
}
