/**
 * Alarms as they stand: raised, cleared, acknowledged. One that is over stays to be seen until somebody acknowledges it;
 * one that lasts goes on standing after that, but asks for nobody any more. Pure: times and names come in as values.
 *
 * When a node's values are an alarm. Each rule has a level, a time for which it must hold, and a wider level at which it
 * is over again, so that a value that trembles at the edge rings once. Counts, since nobody knows the scale. Pure.
 */
import type { Address } from './address.ts';
import type { Sample } from './reading.ts';

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

export class AlarmStore {
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

export interface AlarmLimits {
  /** A running node whose fan is at or below so many counts has a fan that stands still; null: never. */
  fanStopped: number | null;
  /** Current at or above so many counts; null: never, which is the default: every rack draws its own. */
  currentHigh: number | null;
  /** Current below this share of the lowest that the node usually draws while on, 0..1; null: never. */
  currentCollapsed: number | null;
  /** Seconds for which it must last. */
  after: number;
  /** Seconds since it came on, before fan and collapse are judged: a start's fan spins up, its current leaps. */
  settle: number;
}

type LimitKind = Extract<AlarmKind, 'fan-stopped' | 'current-high' | 'current-collapsed'>;

/** What is remembered of a node between two samples. */
export interface LimitMemory {
  /** When it was first seen on, without a break; null: it is not on. */
  onSince: number | null;
  /** The lowest usual current: falls at once, rises within {@link USUAL_MS}. */
  usual: number | null;
  at: number;
  /** Since when a rule's level is passed. */
  passedSince: Partial<Record<LimitKind, number>>;
  ringing: readonly LimitKind[];
}

export const BLANK_MEMORY: LimitMemory = { onSince: null, usual: null, at: 0, passedSince: {}, ringing: [] };

/** A load that ends is no collapse: the usual current is a minimum, which forgets within ten minutes. */
const USUAL_MS = 600_000;
/** How far back a value must come, as a share of its limit, for its alarm to end. */
const BACK = { fan: 2, high: 0.9, collapsed: 1.3 } as const;

export interface Judged {
  memory: LimitMemory;
  /** The sentence of each rule that rings, null for each that does not. */
  verdicts: Record<LimitKind, string | null>;
}

/** Judges one sample after another, as they come. */
export function judge(limits: AlarmLimits, before: LimitMemory, sample: Sample): Judged {
  if (sample.power !== 'on')
    return {
      memory: BLANK_MEMORY,
      verdicts: { 'fan-stopped': null, 'current-high': null, 'current-collapsed': null },
    };
  const { at, current, fan } = sample;
  const onSince = before.onSince ?? at;
  const { fanStopped, currentHigh, currentCollapsed, after, settle } = limits;
  const settled = at - onSince >= settle * 1000;
  const floor = currentCollapsed === null || before.usual === null ? null : before.usual * currentCollapsed;
  const passes = (kind: LimitKind, enters: boolean, stays: boolean): boolean =>
    before.ringing.includes(kind) || before.passedSince[kind] !== undefined ? stays : enters;
  const passed: Record<LimitKind, boolean> = {
    'fan-stopped':
      fanStopped !== null && settled && passes('fan-stopped', fan <= fanStopped, fan <= fanStopped * BACK.fan),
    'current-high':
      currentHigh !== null && passes('current-high', current >= currentHigh, current >= currentHigh * BACK.high),
    'current-collapsed':
      floor !== null && settled && passes('current-collapsed', current < floor, current < floor * BACK.collapsed),
  };
  const texts: Record<LimitKind, string> = {
    'fan-stopped': `its fan stands still (${fan} counts)`,
    'current-high': `draws ${current} counts; the limit is ${currentHigh ?? 0}`,
    'current-collapsed': `draws ${current} counts where it usually draws ${Math.round(before.usual ?? 0)} or more, though it is on`,
  };
  const passedSince: Partial<Record<LimitKind, number>> = {};
  const ringing: LimitKind[] = [];
  const verdicts = {} as Record<LimitKind, string | null>;
  for (const kind of Object.keys(passed) as LimitKind[]) {
    verdicts[kind] = null;
    if (!passed[kind]) continue;
    const since = before.passedSince[kind] ?? at;
    passedSince[kind] = since;
    if (at - since < after * 1000) continue;
    ringing.push(kind);
    verdicts[kind] = texts[kind];
  }
  // What is low now is not usual: the level is not learned from the trouble itself.
  const usual = passed['current-collapsed'] ? before.usual : learned(before, sample);
  return { memory: { onSince, usual, at, passedSince, ringing }, verdicts };
}

function learned({ usual, at }: LimitMemory, sample: Sample): number {
  if (usual === null || sample.current < usual) return sample.current;
  const share = Math.min(1, Math.max(0, sample.at - at) / USUAL_MS);
  return usual + (sample.current - usual) * share;
}
