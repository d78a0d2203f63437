/** Raises, clears and keeps alarms: from readings, from the bus, and from console lines. */
import type { Address } from '../../rack/address.ts';
import {
  type Alarm,
  AlarmStore,
  type AlarmKind,
  type AlarmLimits,
  alarmOwner,
  BLANK_MEMORY,
  evaluate,
  type LimitMemory,
  quotesNode,
  SAMPLE_RULES,
} from '../../rack/alarms.ts';
import { FanRatio } from '../../rack/calibration.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { Power, Reading, Sample } from '../../rack/reading.ts';
import type { EventLog } from '../events.ts';

const BY_SAMPLE = Object.entries(SAMPLE_RULES) as [AlarmKind, (sample: Sample) => string | null][];

/** Time without the bus before an alarm, ms: a shorter one is a plug being moved, and a start takes about as long. */
const BUS_AWAY_MS = 3_000;

export interface AlarmServicePorts {
  now(): number;
  events: EventLog;
  inventory(): Inventory;
  label(addr: Address): string;
  /** Called when an alarm was raised or cleared. */
  turned(alarm: Alarm): void;
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

  /** No fan alarm is raised before ZZ has shown that the value is more than the drive. */
  get #usedLimits(): AlarmLimits {
    const limits = this.#limits();
    return this.#fans.meaning === 'speed' ? limits : { ...limits, fanStopped: null };
  }

  past(limit: number): Alarm[] {
    return this.#book.past(limit);
  }

  /** Returns the kinds of a node's active alarms; those not acknowledged first. */
  wordsFor(addr: Address): string[] {
    const lasting = this.#book.standing.filter((alarm) => alarm.addr === addr && alarm.clearedAt === null);
    return [...lasting.filter((a) => a.acknowledged === null), ...lasting.filter((a) => a.acknowledged !== null)].map(
      ({ kind }) => kind,
    );
  }

  /** Updates the alarms after a node's reading changed. */
  read(addr: Address, reading: Reading): void {
    if (reading.state === 'unasked') return;
    const last = reading.state === 'failed' ? reading.last : null;
    const lost = reading.state === 'failed' && last !== null;
    this.set('lost', addr, lost ? `does not answer (${reading.failure}); it was ${last.power}` : null, 'quiet');
    if (reading.state !== 'ok') return;
    const { sample } = reading;
    for (const [kind, rule] of BY_SAMPLE) this.set(kind, addr, rule(sample));
    this.#chassisFan(addr, sample.power);
    this.#fans.add(sample);
    const { memory, verdicts } = evaluate(this.#usedLimits, this.#memories.get(addr) ?? BLANK_MEMORY, sample);
    this.#memories.set(addr, memory);
    for (const [kind, text] of Object.entries(verdicts)) this.set(kind as AlarmKind, addr, text);
  }

  /**
   * Handles a change of power. One that was not made here is an alarm until it is acknowledged; coming on with the
   * rack's power is none.
   */
  powerChanged(addr: Address, from: Power, to: Power, here: boolean, byItself: string | null): void {
    if (here || (byItself !== null && to === 'on')) return;
    this.set('power-changed', addr, powerChange(from, to, byItself), 'quiet');
  }

  /** Updates the bus alarm. `detail`: the problem; null: none. A short absence raises no alarm. */
  bus(detail: string | null): void {
    if (this.#busTimer !== null) clearTimeout(this.#busTimer);
    this.#busTimer = null;
    if (detail === null) this.set('bus', null, null, 'quiet');
    else this.#busTimer = setTimeout(() => this.set('bus', null, detail, 'quiet'), BUS_AWAY_MS);
  }

  /** Raises (text) or clears (null) an alarm. `quiet`: another line of the event log reports it. */
  set(kind: AlarmKind, addr: Address | null, text: string | null, announce: 'aloud' | 'quiet' = 'aloud'): void {
    const alarm = this.#book.set(kind, addr, text, this.#ports.now());
    if (alarm === null) return;
    this.#ports.turned(alarm);
    this.#ports.changed();
    if (addr !== null) this.#ports.nodeChanged(addr);
    if (announce === 'quiet') return;
    const owner = alarmOwner(kind);
    const who = addr === null ? `The ${owner}` : this.#ports.label(addr);
    const topic = addr === null && owner === 'server' && !quotesNode(kind) ? 'server' : 'node';
    if (alarm.clearedAt === null) this.#ports.events.add('alarm', topic, addr, `${who} ${alarm.text}`);
    else this.#ports.events.add('info', topic, addr, `${who}: over: ${alarm.text}`);
  }

  /** Raises or clears an alarm of the supply for this UPS or policy; another line of the event log reports it. */
  setSupply(kind: AlarmKind, subject: string, text: string | null): void {
    const alarm = this.#book.set(kind, null, text, this.#ports.now(), subject);
    if (alarm === null) return;
    this.#ports.turned(alarm);
    this.#ports.changed();
  }

  /** Acknowledges alarms; null: all. Returns the number that were not acknowledged before. */
  acknowledge(ids: readonly number[] | null, by: string): number {
    const seen = this.#book.acknowledge(ids, by, this.#ports.now());
    if (seen.length === 0) return 0;
    this.#ports.changed();
    for (const { addr, kind } of seen) {
      // The event is over; no later state would clear it.
      if (kind === 'power-changed' || kind === 'board-changed') this.set(kind, addr, null, 'quiet');
      if (addr !== null) this.#ports.nodeChanged(addr);
    }
    return seen.length;
  }

  /** Clears the alarms of a node that was removed from the configuration. */
  removed(addr: Address): void {
    this.#memories.delete(addr);
    for (const alarm of this.#book.standing) if (alarm.addr === addr) this.set(alarm.kind, addr, null, 'quiet');
  }

  close(): void {
    if (this.#busTimer !== null) clearTimeout(this.#busTimer);
  }

  /** A chassis fan powered by a node stops while that node is off. */
  #chassisFan(addr: Address, power: Power): void {
    const fan = this.#ports.inventory().nodes.find((node) => node.addr === addr)?.chassisFan ?? null;
    if (fan === null) return;
    this.set('chassis-fan', addr, power === 'on' ? null : `is ${power}: chassis fan ${fan} has no power`);
  }
}

/**
 * Describes a change of power that was not made here. @param byItself the reason if no person made it; otherwise
 * null
 */
export function powerChange(from: Power, to: Power, byItself: string | null): string {
  return `went from ${from} to ${to}, ${byItself === null ? 'not switched by this server' : `it ${byItself}`}`;
}
