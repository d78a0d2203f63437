/**
 * Alarms as they stand: raised, cleared, acknowledged. One that is over stays to be seen until somebody acknowledges it;
 * one that lasts goes on standing after that, but asks for nobody any more. Pure: times and names come in as values.
 */
import type { Address } from './address.ts';

export type AlarmKind =
  | 'lost'
  | 'disabled'
  | 'fan-stopped'
  | 'current-high'
  | 'current-collapsed'
  /** Power went on or off, and nobody here did it. */
  | 'power-changed'
  | 'chassis-fan'
  /** It has power, and its system has halted or goes down with nobody to cut it. */
  | 'halted'
  /** It has power, and its system stands at a rescue or emergency shell, or panicked. */
  | 'system-failed'
  /** The board in the slot is not the one that the configuration names. */
  | 'board'
  /** Another board was put into the slot. */
  | 'board-changed'
  /** The bus is managed from another address than the configuration says. */
  | 'master'
  | 'bus'
  /** A UPS is on battery. */
  | 'on-battery'
  | 'battery-low'
  /** It gives no answer that counts. */
  | 'ups-unknown'
  | 'replace-battery'
  /** Its upsd does not count this machine among those that it feeds. */
  | 'ups-login'
  /** The last plan takes longer than the battery lasts. */
  | 'outage'
  /** The server's state directory cannot be written. */
  | 'state'
  /** Its disk is full, or nearly. */
  | 'disk'
  /** It cannot read a secret that its configuration names. */
  | 'secret'
  /** A pattern was seen on a console. */
  | 'console';

export interface Alarm {
  id: number;
  kind: AlarmKind;
  /** Null: the bus's own. */
  addr: Address | null;
  /** Of several of one kind without a node: the UPS's name, or the policy's nodes. */
  subject?: string;
  text: string;
  /** When it was raised, epoch milliseconds. */
  since: number;
  /** When its cause was gone, or null while it lasts. */
  clearedAt: number | null;
  acknowledged: { by: string; at: number } | null;
}

/** What the server needs of its own machine. */
const SERVERS_OWN: ReadonlySet<AlarmKind> = new Set(['state', 'disk', 'secret']);

const OF_THE_SUPPLY: ReadonlySet<AlarmKind> = new Set([
  'on-battery',
  'battery-low',
  'ups-unknown',
  'replace-battery',
  'ups-login',
  'outage',
]);

/** Whose alarm one without a node is. */
export function alarmOwner(kind: AlarmKind): 'bus' | 'server' | 'supply' {
  if (OF_THE_SUPPLY.has(kind)) return 'supply';
  return SERVERS_OWN.has(kind) ? 'server' : 'bus';
}

/** Alarms that are over and acknowledged, kept as history. */
const KEPT = 500;

export class AlarmBook {
  readonly #standing = new Map<string, Alarm>();
  readonly #past: Alarm[] = [];
  #lastId = 0;

  /** The cause is there (`text`) or not (null). Returns the alarm if it was raised or cleared by this, else null. */
  set(kind: AlarmKind, addr: Address | null, text: string | null, now: number, subject?: string): Alarm | null {
    const key = `${kind} ${String(addr)} ${subject ?? ''}`;
    const before = this.#standing.get(key);
    if (text === null) {
      if (before === undefined || before.clearedAt !== null) return null;
      const cleared = { ...before, clearedAt: now };
      this.#put(key, cleared);
      return cleared;
    }
    if (before?.clearedAt === null) {
      // The same trouble in other words (an age, a count) is no new one.
      if (before.text !== text) this.#standing.set(key, { ...before, text });
      return null;
    }
    if (before !== undefined) this.#retire(before);
    const raised: Alarm = {
      ...{ id: ++this.#lastId, kind, addr, text, since: now, clearedAt: null, acknowledged: null },
      ...(subject === undefined ? {} : { subject }),
    };
    this.#standing.set(key, raised);
    return raised;
  }

  /** Somebody has seen them; null: all. Returns those that had not been. */
  acknowledge(ids: readonly number[] | null, by: string, now: number): Alarm[] {
    const seen: Alarm[] = [];
    for (const [key, alarm] of this.#standing) {
      if (alarm.acknowledged !== null || (ids !== null && !ids.includes(alarm.id))) continue;
      const acknowledged = { ...alarm, acknowledged: { by, at: now } };
      this.#put(key, acknowledged);
      seen.push(acknowledged);
    }
    return seen;
  }

  /** Those that last, or that nobody has seen; oldest first. */
  get standing(): Alarm[] {
    return [...this.#standing.values()].sort((a, b) => a.since - b.since || a.id - b.id);
  }

  /** The latest of those that are over and seen, oldest first. */
  past(limit: number): Alarm[] {
    return limit > 0 ? this.#past.slice(-limit) : [];
  }

  #put(key: string, alarm: Alarm): void {
    if (alarm.clearedAt !== null && alarm.acknowledged !== null) {
      this.#standing.delete(key);
      this.#retire(alarm);
    } else this.#standing.set(key, alarm);
  }

  #retire(alarm: Alarm): void {
    this.#past.push(alarm);
    if (this.#past.length > KEPT) this.#past.shift();
  }
}
