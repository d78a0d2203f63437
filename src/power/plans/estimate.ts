/** Estimates a plan's duration: runs its steps virtually with a time for each node. Pure. */
import { type Address, rowOf } from '../../rack/address.ts';
import type { PlanAction, PlanStep } from '../../rack/plan.ts';
import type { ShownPower } from '../../rack/reading.ts';
import { BLADE_MS } from '../boot-stagger.ts';
import type { Way } from '../ports.ts';

/** Expected times of one node. */
export interface Expectation {
  /** Duration, ms; 0: there is nothing to do. */
  ms: number;
  /** Time for which its boot occupies its blade, ms. */
  bladeMs: number;
  /** True where its shutdown can only be requested on its console, of which there is one. */
  console: boolean;
}

/** Facts about a node before its step. */
export interface EstimateInput {
  power: ShownPower;
  /** It has power, and its system has halted or is going down. */
  down: boolean;
  console: boolean;
  settleMs: number;
  usual(way: Way): number | null;
}

export interface Span {
  startMs: number;
  endMs: number;
}

/**
 * Assumed duration of a Raspberry Pi's shutdown and boot where none was seen here, ms; our own figures, not measured on
 * a rack.
 */
const UNSEEN_MS: Readonly<Record<Way, number>> = { off: 23_000, on: 45_000 };
/** Duration of a verb that is verified twice, with the checks before it, ms. */
const SWITCH_MS = 2_000;

/** True where the step finds nothing to do. */
export function isThere(action: PlanAction, power: ShownPower, down: boolean): boolean {
  return action !== 'cycle' && power === action && !(action === 'on' && down);
}

/**
 * Returns the expected times of a node. `usual`: its durations seen so far. `settleMs`: time for which a halt is
 * watched before the cut. `console`: only the console can request its shutdown.
 */
export function expectation(
  { action, verify }: Pick<PlanStep, 'action' | 'verify'>,
  about: EstimateInput,
): Expectation {
  const { power, down, console, settleMs } = about;
  if (isThere(action, power, down)) return { ms: 0, bladeMs: 0, console: false };
  const off = (about.usual('off') ?? UNSEEN_MS.off) + settleMs + SWITCH_MS;
  const boot = about.usual('on') ?? UNSEEN_MS.on;
  const on = SWITCH_MS + (verify === 'boot' ? boot : 0);
  const bladeMs = SWITCH_MS + (verify === 'boot' ? boot : BLADE_MS);
  switch (action) {
    case 'off':
      return { ms: off, bladeMs: 0, console };
    case 'on':
      // A halted node is cut for a moment first.
      return { ms: down ? on + settleMs + SWITCH_MS : on, bladeMs, console: down };
    case 'cycle':
      return { ms: off + on, bladeMs: off + bladeMs, console };
  }
}

/** Returns begin and end of each node of each step (in the order given), relative to the start. */
export function estimatePlan(
  steps: readonly PlanStep[],
  expect: (step: PlanStep, addr: Address) => Expectation,
): Map<Address, Span> {
  const spans = new Map<Address, Span>();
  const stepEnds = new Map<string, number>();
  const blades = new Map<number, number>();
  let consoleFree = 0;
  for (const step of steps) {
    let earliest = Math.max(0, ...step.needs.map((need) => stepEnds.get(need) ?? 0));
    let end = earliest;
    const running: number[] = [];
    for (const { addr } of step.nodes) {
      const { ms, bladeMs, console } = expect(step, addr);
      let at = earliest;
      // With as many under way as allowed, the next one starts when the first one ends.
      if (running.length >= step.parallel) at = Math.max(at, running.sort((a, b) => a - b).shift() ?? 0);
      if (console) at = Math.max(at, consoleFree);
      if (bladeMs > 0) at = Math.max(at, blades.get(rowOf(addr)) ?? 0);
      const ends = at + ms;
      if (console) consoleFree = ends;
      if (bladeMs > 0) blades.set(rowOf(addr), at + bladeMs);
      running.push(ends);
      spans.set(addr, { startMs: at, endMs: ends });
      if (ms > 0) earliest = at + step.stagger * 1000;
      end = Math.max(end, ends);
    }
    stepEnds.set(step.name, end);
  }
  return spans;
}
