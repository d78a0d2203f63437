/** How long a plan will take: its steps played through with a time for each node. Pure. */
import { rowOf, type Address } from '../../rack/address.ts';
import type { PlanAction, PlanStep } from '../../rack/plan.ts';
import type { ShownPower } from '../../rack/reading.ts';

/** What is expected of one node, ms. */
export interface Expectation {
  ms: number;
  /** It can only be asked on its console, of which there is one. */
  console: boolean;
}

export interface Span {
  startMs: number;
  endMs: number;
}

/** A Raspberry Pi that stops its services, one that boots; ours, not measured on a rack. */
const USUAL_MS: Readonly<Record<PlanAction, number>> = { off: 30_000, on: 45_000, cycle: 80_000 };
/** A node that is already as the step wants it is asked for its status, and that is all. */
const LOOK_MS = 100;

/** True where the step finds nothing to do. */
export function isThere(action: PlanAction, power: ShownPower): boolean {
  return action !== 'cycle' && power === action;
}

export function expectation(action: PlanAction, power: ShownPower, console: boolean): Expectation {
  if (isThere(action, power)) return { ms: LOOK_MS, console: false };
  return { ms: USUAL_MS[action], console: console && action !== 'on' };
}

/** When each node of each step (in the order given) begins and ends, after the start. */
export function predict(
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
      const { ms, console } = expect(step, addr);
      const boots = step.action !== 'off' && ms > LOOK_MS;
      let at = earliest;
      // With as many under way as may be, the one that ends first makes room.
      if (running.length >= step.parallel) at = Math.max(at, running.sort((a, b) => a - b).shift() ?? 0);
      if (console) at = Math.max(at, consoleFree);
      if (boots) at = Math.max(at, blades.get(rowOf(addr)) ?? 0);
      const ends = at + ms;
      if (console) consoleFree = ends;
      if (boots) blades.set(rowOf(addr), ends);
      running.push(ends);
      spans.set(addr, { startMs: at, endMs: ends });
      if (ms > LOOK_MS) earliest = at + step.stagger * 1000;
      end = Math.max(end, ends);
    }
    stepEnds.set(step.name, end);
  }
  return spans;
}
