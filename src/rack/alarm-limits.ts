/**
 * When a node's values are an alarm. Each rule has a level, a time for which it must hold, and a wider level at which it
 * is over again, so that a value that trembles at the edge rings once. Counts, since nobody knows the scale. Pure.
 */
import type { AlarmKind } from './alarm-book.ts';
import type { Sample } from './reading.ts';

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
