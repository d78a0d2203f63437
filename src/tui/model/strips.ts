/**
 * The recent past of all nodes that the map's strips show: the server's history, continued by the samples that
 * arrive. Time is divided into steps of the server's clock, so that the strips of all nodes have their columns at the
 * same times. Pure.
 */
import type { NodeState } from '../../api/methods.ts';
import type { RackHistory } from '../../api/node.ts';
import type { Address } from '../../rack/address.ts';
import type { Sample } from '../../rack/reading.ts';

/** Means of a step and its highest current, in counts, and the number of samples in it. */
type StripPoint = readonly [current: number, fan: number, most: number, samples: number];

export interface Strip {
  /** Number of the last step, from the clock's zero. */
  last: number;
  /** Those of the steps before it, oldest first; null: no sample in that step. Replaced only when a step begins. */
  points: readonly (StripPoint | null)[];
  /** That of the last step, to which further samples are added. */
  open: StripPoint | null;
  /** Time of the last sample in it, server's clock. */
  updatedAt: number;
}

export interface Strips {
  /** Length of a step, ms, and number of steps kept. */
  stepMs: number;
  count: number;
  /** Time of the request for the server's history; null: it was answered. */
  askedAt: number | null;
  nodes: ReadonlyMap<Address, Strip>;
  /** Age of the oldest sample of the last update when the server sent it, ms: a sweep's samples come together. */
  lagMs: number;
}

export const NO_STRIPS: Strips = { stepMs: 1000, count: 0, askedAt: null, nodes: new Map(), lagMs: 0 };

/** Longest time for which the server holds a sample back, ms. */
const MOST_LAG_MS = 1_000;

/** Returns the number of a node's last step with a sample, so that its values stay the same until the next one. */
export const lastStep = ({ nodes }: Strips, addr: Address): number => nodes.get(addr)?.last ?? 0;

/** Returns the number of the step that includes `at`. */
export const stepOf = ({ stepMs }: Strips, at: number): number => Math.floor(at / stepMs);

/**
 * Returns the strips of a server's answer of `count` steps. `intervalMs`: poll interval, which weighs the unfinished
 * last step.
 */
export function stripsFrom({ now, stepMs, nodes }: RackHistory, count: number, intervalMs: number): Strips {
  const last = Math.floor(now / stepMs);
  const elapsed = Math.max(1, Math.round((now - last * stepMs) / intervalMs));
  const strips = nodes.map(({ addr, points }): [Address, Strip] => {
    const all = points.map((point): StripPoint | null => point && [point[0], point[2], point[1], elapsed]);
    const open = all.pop() ?? null;
    return [addr, { last, points: all, open, updatedAt: now }];
  });
  return { stepMs, count, askedAt: null, nodes: new Map(strips), lagMs: 0 };
}

/** Adds the new samples of these nodes, sent at `now` of the server's clock; one that is known changes nothing. */
export function withSamples(strips: Strips, read: readonly Pick<NodeState, 'addr' | 'reading'>[], now: number): Strips {
  if (strips.count === 0) return strips;
  let nodes: Map<Address, Strip> | null = null;
  let oldest = Infinity;
  for (const { addr, reading } of read) {
    const known = strips.nodes.get(addr);
    if (reading.state !== 'ok' || reading.sample.at <= (known?.updatedAt ?? 0)) continue;
    nodes ??= new Map(strips.nodes);
    nodes.set(addr, extended(strips, known, reading.sample));
    oldest = Math.min(oldest, reading.sample.at);
  }
  return nodes === null ? strips : { ...strips, nodes, lagMs: Math.max(0, Math.min(MOST_LAG_MS, now - oldest)) };
}

const NO_SAMPLE: StripPoint = [0, 0, 0, 0];

function extended(strips: Strips, before: Strip | undefined, { at, current, fan }: Sample): Strip {
  const last = stepOf(strips, at);
  if (before === undefined) return { last, updatedAt: at, points: [], open: [current, fan, current, 1] };
  const missed = Math.min(strips.count, last - before.last - 1);
  if (missed < 0) {
    const open = before.open ?? NO_SAMPLE;
    const n = open[3] + 1;
    const most = Math.max(open[2], current);
    const mean: StripPoint = [open[0] + (current - open[0]) / n, open[1] + (fan - open[1]) / n, most, n];
    const points = last === before.last ? before.points : before.points.slice();
    return { last, updatedAt: at, points, open: mean };
  }
  const points = [...before.points, before.open];
  for (let i = 0; i < missed; i++) points.push(null);
  points.splice(0, points.length - (strips.count - 1));
  return { last, updatedAt: at, points, open: [current, fan, current, 1] };
}

/** Index of a value in a point. */
export const CURRENT = 0;
export const FAN = 1;
export const PEAK = 2;

/**
 * Returns a node's values of the steps up to `to`, oldest first; null: no sample. A sample also stands for the next
 * step where steps are shorter than two sweeps: it may lie just beyond the border. Steps before the first known one
 * are left out, and so is the last one while its sample has yet to come.
 */
export function stripValues(
  strips: Strips,
  addr: Address,
  of: typeof CURRENT | typeof FAN | typeof PEAK,
  to: number,
  intervalMs: number,
): readonly (number | null)[] {
  const strip = strips.nodes.get(addr);
  if (strip === undefined) return [];
  const { last, points, open } = strip;
  const oldest = last - points.length;
  const values: (number | null)[] = [];
  let before: number | null = null;
  for (let step = Math.max(oldest, to - strips.count + 1); step <= to; step++) {
    const value = (step === last ? open : points[step - oldest])?.[of] ?? null;
    values.push(value ?? (strips.stepMs < 2 * intervalMs ? before : null));
    before = value;
  }
  if (before === null && values.at(-1) === null && values.at(-2) != null) values.pop();
  return values;
}

/**
 * Returns the sum of these nodes' currents in the same steps; null where one of them has no value: a silent node
 * would look like one that draws nothing.
 */
export function totalValues(
  strips: Strips,
  addrs: readonly Address[],
  to: number,
  intervalMs: number,
): (number | null)[] {
  const all = addrs.map((addr) => stripValues(strips, addr, CURRENT, to, intervalMs));
  let length = 0;
  for (const values of all) length = Math.max(length, values.length);
  const sums = new Array<number | null>(length).fill(0);
  for (const values of all) {
    // All end at the same column: a value that has yet to come in the last step is that of the step before.
    const lead = length - values.length;
    for (let i = 0; i < length; i++) {
      const value = i < lead ? null : (values[i - lead] ?? null);
      const sum = sums[i] ?? null;
      sums[i] = value === null || sum === null ? null : sum + value;
    }
  }
  return sums;
}
