/**
 * Alarms: raised, cleared, acknowledged. A cleared alarm stays listed until it is acknowledged; an active one stays
 * listed after that too, without asking for attention. Times and names come in as values. Pure.
 *
 * Judges a node's values against limits. Each rule has a level, a time for which it must hold, and a wider level at
 * which it is over again, so that a value that varies at the edge raises one alarm. Values are in counts, since the
 * scale is not known.
 */
import type { Address } from './address.ts';
import type { Sample } from './reading.ts';

/** The sentence of an alarm that is active by this sample, else null. */
type SampleRule = (sample: Sample) => string | null;

/** Alarms of a node that each of its samples alone raises or clears: an entry is all that one takes. */
export const SAMPLE_RULES = {
  disabled: ({ power }) => (power === 'disabled' ? 'its BMC reports disabled' : null),
} satisfies Record<string, SampleRule>;

export type AlarmKind =
  | keyof typeof SAMPLE_RULES
  | keyof typeof LIMIT_RULES
  | 'lost'
  /** Power went on or off without a verb of this server. */
  | 'power-changed'
  | 'chassis-fan'
  /** Powered, with its system halted or going down, and no operation to cut it. */
  | 'halted'
  /** Powered, with its system at a rescue or emergency shell, or panicked. */
  | 'system-failed'
  /** The board in the slot is not the configured one. */
  | 'board'
  /** The board in the slot was replaced. */
  | 'board-changed'
  /** The bus is managed from another address than the configured one. */
  | 'master'
  | 'bus'
  /** A UPS is on battery. */
  | 'on-battery'
  | 'battery-low'
  /** A UPS gives no valid answer. */
  | 'ups-unknown'
  | 'replace-battery'
  /** The UPS's upsd does not list this machine among those that it feeds. */
  | 'ups-login'
  /** The last plan takes longer than the battery lasts. */
  | 'outage'
  /** The server's state directory cannot be written. */
  | 'state'
  /** The server's disk is full, or nearly. */
  | 'disk'
  /** The server cannot read a configured secret. */
  | 'secret'
  /** The server cannot provide its metrics as configured. */
  | 'metrics'
  /** A hook that gets messages failed. */
  | 'message'
  /** The MQTT broker cannot be reached. */
  | 'mqtt'
  /** The HTTP interface does not listen, or a token cannot be used. */
  | 'http'
  /** Events cannot be written to the system's log. */
  | 'system-log'
  /** The nodes of the Kubernetes cluster cannot be read, or are none of this rack. */
  | 'kubernetes'
  /** A configured pattern appeared on a console. */
  | 'console';

export interface Alarm {
  id: number;
  kind: AlarmKind;
  /** Null: an alarm of the bus, the server or the supply. */
  addr: Address | null;
  /** Distinguishes several of one kind without a node: the UPS's name, or the policy's nodes. */
  subject?: string;
  text: string;
  /** Time when it was raised, epoch milliseconds. */
  since: number;
  /** Time when its cause ended, epoch milliseconds; null while it lasts. */
  clearedAt: number | null;
  acknowledged: { by: string; at: number } | null;
}

/** Alarms of the server's own machine. */
const SERVERS_OWN: ReadonlySet<AlarmKind> = new Set([
  'state',
  'disk',
  'secret',
  'metrics',
  'message',
  'mqtt',
  'http',
  'system-log',
  'kubernetes',
]);

const OF_THE_SUPPLY: ReadonlySet<AlarmKind> = new Set([
  'on-battery',
  'battery-low',
  'ups-unknown',
  'replace-battery',
  'ups-login',
  'outage',
]);

/** Returns the owner of an alarm without a node. */
export function alarmOwner(kind: AlarmKind): 'bus' | 'server' | 'supply' {
  if (OF_THE_SUPPLY.has(kind)) return 'supply';
  return SERVERS_OWN.has(kind) ? 'server' : 'bus';
}

/** Alarms whose texts may quote a node: its console, or a program that was given its words. */
const QUOTING: ReadonlySet<AlarmKind> = new Set(['console', 'halted', 'system-failed', 'message']);

/** True where the text of the alarm may quote a node. */
export function quotesNode(kind: AlarmKind): boolean {
  return QUOTING.has(kind);
}

/** Number of cleared and acknowledged alarms kept as history. */
const KEPT = 500;

export class AlarmStore {
  readonly #standing = new Map<AlarmKind, Map<string, Alarm>>();
  readonly #past: Alarm[] = [];
  #lastId = 0;

  /** Sets the cause (`text`) or its end (null). Returns the alarm that this raised or cleared, else null. */
  set(kind: AlarmKind, addr: Address | null, text: string | null, now: number, subject?: string): Alarm | null {
    const alarms = this.#standing.get(kind);
    // At each sample of each node; of most kinds none stands.
    if (text === null && (alarms === undefined || alarms.size === 0)) return null;
    const before = alarms?.get(keyOf(addr, subject));
    if (text === null) {
      if (before === undefined || before.clearedAt !== null) return null;
      const cleared = { ...before, clearedAt: now };
      this.#put(cleared);
      return cleared;
    }
    if (before?.clearedAt === null) {
      // The same cause in other words (an age, a count) is no new alarm.
      if (before.text !== text) this.#put({ ...before, text });
      return null;
    }
    if (before !== undefined) this.#retire(before);
    const raised: Alarm = {
      id: ++this.#lastId,
      kind,
      addr,
      text,
      since: now,
      clearedAt: null,
      acknowledged: null,
      ...(subject === undefined ? {} : { subject }),
    };
    this.#put(raised);
    return raised;
  }

  /** Acknowledges alarms; null: all. Returns those that were not acknowledged before. */
  acknowledge(ids: readonly number[] | null, by: string, now: number): Alarm[] {
    const seen: Alarm[] = [];
    for (const alarm of this.standing) {
      if (alarm.acknowledged !== null || (ids !== null && !ids.includes(alarm.id))) continue;
      const acknowledged = { ...alarm, acknowledged: { by, at: now } };
      this.#put(acknowledged);
      seen.push(acknowledged);
    }
    return seen;
  }

  /** Alarms that are active or not acknowledged, oldest first. */
  get standing(): Alarm[] {
    const alarms = [...this.#standing.values()].flatMap((ofKind) => [...ofKind.values()]);
    return alarms.sort((a, b) => a.since - b.since || a.id - b.id);
  }

  /** Returns the latest `limit` cleared and acknowledged alarms, oldest first. */
  past(limit: number): Alarm[] {
    return limit > 0 ? this.#past.slice(-limit) : [];
  }

  #put(alarm: Alarm): void {
    const key = keyOf(alarm.addr, alarm.subject);
    const alarms = this.#standing.get(alarm.kind) ?? new Map<string, Alarm>();
    this.#standing.set(alarm.kind, alarms);
    if (alarm.clearedAt !== null && alarm.acknowledged !== null) {
      alarms.delete(key);
      this.#retire(alarm);
    } else alarms.set(key, alarm);
  }

  #retire(alarm: Alarm): void {
    this.#past.push(alarm);
    if (this.#past.length > KEPT) this.#past.shift();
  }
}

const keyOf = (addr: Address | null, subject = ''): string => `${String(addr)} ${subject}`;

export interface AlarmLimits {
  /** Counts at or below which the fan of a running node has stopped; null: never. */
  fanStopped: number | null;
  /** Counts of current from which an alarm is raised; null: never, the default, because every rack draws its own. */
  currentHigh: number | null;
  /**
   * Share of the lowest current that the node usually draws while on, 0..1, below which an alarm is raised; null:
   * never.
   */
  currentCollapsed: number | null;
  /** Time for which a value must be beyond its limit, s. */
  after: number;
  /** Time after power-on before fan and collapse are evaluated, s: a starting fan spins up, and current leaps. */
  settle: number;
}

interface LimitRule {
  /** The level in counts; null: never. `usual`: the lowest that the node usually draws. */
  level(limits: AlarmLimits, usual: number | null): number | null;
  passes(sample: Sample, level: number): boolean;
  /** How far back a value must come, as a share of the level, for the alarm to end. */
  back: number;
  /** Only evaluated `settle` seconds after it came on. */
  settled: boolean;
  text(sample: Sample, level: number, usual: number | null): string;
}

/** Alarms of a node that is on, by a level that is passed for {@link AlarmLimits.after}. */
const LIMIT_RULES = {
  'fan-stopped': {
    level: ({ fanStopped }) => fanStopped,
    passes: ({ fan }, level) => fan <= level,
    back: 2,
    settled: true,
    text: ({ fan }) => `its fan has stopped (${fan} counts)`,
  },
  'current-high': {
    level: ({ currentHigh }) => currentHigh,
    passes: ({ current }, level) => current >= level,
    back: 0.9,
    settled: false,
    text: ({ current }, level) => `draws ${current} counts; the limit is ${level}`,
  },
  'current-collapsed': {
    level: ({ currentCollapsed }, usual) =>
      currentCollapsed === null || usual === null ? null : usual * currentCollapsed,
    passes: ({ current }, level) => current < level,
    back: 1.3,
    settled: true,
    text: ({ current }, _, usual) =>
      `draws ${current} counts but usually draws ${Math.round(usual ?? 0)} or more when on`,
  },
} satisfies Record<string, LimitRule>;

type LimitKind = keyof typeof LIMIT_RULES;
const LIMITS = Object.entries(LIMIT_RULES) as [LimitKind, LimitRule][];
const NO_VERDICT = Object.fromEntries(LIMITS.map(([kind]) => [kind, null])) as Evaluation['verdicts'];

/** State of a node's limits between two samples. */
export interface LimitMemory {
  /** Time since which the node is on without a break; null: it is not on. */
  onSince: number | null;
  /** The lowest usual current, counts: falls at once, rises within {@link USUAL_MS}; null: none yet. */
  usual: number | null;
  at: number;
  /** Times since which each rule's level is passed. */
  passedSince: Partial<Record<LimitKind, number>>;
  active: readonly LimitKind[];
}

export const BLANK_MEMORY: LimitMemory = { onSince: null, usual: null, at: 0, passedSince: {}, active: [] };

/** Time in which the usual current, a minimum, adapts upwards, ms: the end of a load is no collapse. */
const USUAL_MS = 600_000;

export interface Evaluation {
  memory: LimitMemory;
  /** The sentence of each rule whose alarm is active, null for the others. */
  verdicts: Record<LimitKind, string | null>;
}

/** Evaluates one sample after another, in order. */
export function evaluate(limits: AlarmLimits, before: LimitMemory, sample: Sample): Evaluation {
  const verdicts: Evaluation['verdicts'] = { ...NO_VERDICT };
  if (sample.power !== 'on') return { memory: BLANK_MEMORY, verdicts };
  const { at } = sample;
  const { usual: lowest, passedSince: since } = before;
  const onSince = before.onSince ?? at;
  const settled = at - onSince >= limits.settle * 1000;
  const passedSince: LimitMemory['passedSince'] = {};
  const active: LimitKind[] = [];
  for (const [kind, rule] of LIMITS) {
    const level = rule.level(limits, lowest);
    if (level === null || (rule.settled && !settled)) continue;
    const passed = before.active.includes(kind) || since[kind] !== undefined;
    if (!rule.passes(sample, passed ? level * rule.back : level)) continue;
    const from = (passedSince[kind] = since[kind] ?? at);
    if (at - from < limits.after * 1000) continue;
    active.push(kind);
    verdicts[kind] = rule.text(sample, level, lowest);
  }
  // A current below the limit is not learned as the usual one.
  const usual = passedSince['current-collapsed'] === undefined ? learned(before, sample) : lowest;
  return { memory: { onSince, usual, at, passedSince, active }, verdicts };
}

function learned({ usual, at }: LimitMemory, sample: Sample): number {
  if (usual === null || sample.current < usual) return sample.current;
  const share = Math.min(1, Math.max(0, sample.at - at) / USUAL_MS);
  return usual + (sample.current - usual) * share;
}
