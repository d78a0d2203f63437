/**
 * Previews a plan as it would run now: order, times, nodes that stay on, refusals; gathers for that fresh status
 * replies, the guards' refusals, and what is known of each node.
 */
import {
  planConfirmation,
  type PlanNodePreview,
  type PlanPreview,
  type PlanStepPreview,
  type PlanSummary,
} from '../../api/plans.ts';
import type { PowerCheck, Refusal, Verb } from '../../api/power.ts';
import { type Address, formatAddress } from '../../rack/address.ts';
import { type Draw, drawOf, totalDraw } from '../../rack/calibration.ts';
import { calibrationOf, type Inventory, type InventoryNode } from '../../rack/inventory.ts';
import {
  isManager,
  type PlanDefinition,
  type PlanMeans,
  type PlanStep,
  planWarnings,
  resolvePlan,
} from '../../rack/plan.ts';
import { type ShownPower, shownPower } from '../../rack/reading.ts';
import { isDown } from '../../rack/system-state.ts';
import { nodesAtOnce } from '../node-runner.ts';
import type { PlanShare } from '../operation.ts';
import type { Operations } from '../operations.ts';
import { expectation, estimatePlan, type EstimateInput, type Span } from './estimate.ts';
import type { PlanPorts } from './record.ts';

/** State of a node for the preview. */
export interface PreviewNode {
  power: ShownPower;
  /** It has power, and its system has halted or is going down. */
  down: boolean;
  /** Current in counts, or null. */
  current: number | null;
  refusals: Refusal[];
}

export interface RackContext {
  rack: Inventory;
  stateOf(addr: Address): PreviewNode;
  /** Configured ways to request a shutdown, and programs that exist. */
  means: PlanMeans;
  /** Returns the step as it runs here: with as many nodes at once as the way of the shutdown request allows. */
  effectiveStep(step: PlanStep): PlanStep;
  /** Converts counts of the node's current. */
  draw(addr: Address, counts: number): Draw;
  /** Facts about a node for the estimate of its duration. */
  estimateInput(addr: Address): Omit<EstimateInput, 'power' | 'down'>;
  /** Program by which the master shuts itself down, as text; null: none is configured. */
  poweroff: string | null;
  /** Address that answers as the master; null: none has. */
  master: Address | null;
}

/**
 * Reports whether the node shuts itself down by its own program: the master's shutdown is no power verb. @param master
 * address that answers as the master
 */
export function goesByItself(
  step: Pick<PlanStep, 'action'>,
  node: Pick<InventoryNode, 'addr' | 'role'>,
  master: Address | null,
): boolean {
  return step.action === 'off' && (isManager(node) || node.addr === master);
}

/** Returns every node that loses power for good. */
export function nodesTaken(steps: readonly PlanStep[]): Address[] {
  return steps.filter(({ action }) => action === 'off').flatMap(({ nodes }) => nodes.map(({ addr }) => addr));
}

function cutsPower(steps: readonly Pick<PlanStep, 'action'>[]): boolean {
  return steps.some(({ action }) => action !== 'on');
}

export function summarise(name: string, plan: PlanDefinition, around: RackContext): PlanSummary {
  const resolved = resolvePlan(plan, around.rack);
  const steps = resolved.ok ? resolved.steps.map((step) => around.effectiveStep(step)) : [];
  return {
    name,
    description: plan.description ?? null,
    steps: steps.map((step) => ({ name: step.name, action: step.action, nodes: step.nodes.length })),
    nodes: steps.reduce((sum, { nodes }) => sum + nodes.length, 0),
    cuts: cutsPower(plan.steps),
    predictedMs: resolved.ok ? lastEnd(spansOf(steps, around)) : null,
    problem: resolved.ok ? null : resolved.problems.map(({ message }) => message).join('; '),
    warnings: planWarnings(steps, around.means),
  };
}

/** Predicts a plan's duration on these nodes only (null: all of them), ms; null: it cannot be run. */
export function predictedLength(
  plan: PlanDefinition,
  around: RackContext,
  only: ReadonlySet<Address> | null,
): number | null {
  const resolved = resolvePlan(plan, around.rack);
  if (!resolved.ok) return null;
  const steps = limitSteps(resolved.steps, only).map((step) => around.effectiveStep(step));
  return lastEnd(spansOf(steps, around));
}

/** Restricts the steps to these nodes; a step without any stays, for those that need it. */
export function limitSteps(steps: readonly PlanStep[], only: ReadonlySet<Address> | null): PlanStep[] {
  return steps.map((step) =>
    only === null ? step : { ...step, nodes: step.nodes.filter(({ addr }) => only.has(addr)) },
  );
}

export function preview(name: string, plan: PlanDefinition, around: RackContext): PlanPreview {
  const summary = summarise(name, plan, around);
  const resolved = resolvePlan(plan, around.rack);
  const steps = resolved.ok ? resolved.steps.map((step) => around.effectiveStep(step)) : [];
  const spans = spansOf(steps, around);
  const touched = new Set(steps.flatMap(({ nodes }) => nodes.map(({ addr }) => addr)));
  return {
    ...summary,
    confirm: summary.cuts ? planConfirmation(name, nodesLosingPower(steps)) : '',
    steps: steps.map((step) => previewStep(step, spans, around)),
    stays: around.rack.nodes
      .filter(({ addr }) => !touched.has(addr))
      .map(({ addr, name: of }) => ({ addr, name: of, power: around.stateOf(addr).power })),
    current: currentOf(nodesTaken(steps), around),
  };
}

function currentOf(taken: readonly Address[], around: RackContext): PlanPreview['current'] {
  const draw = (addrs: readonly Address[]): Draw =>
    totalDraw(
      addrs.flatMap((addr) => {
        const { current } = around.stateOf(addr);
        return current === null ? [] : [around.draw(addr, current)];
      }),
    );
  const rack = draw(around.rack.nodes.map(({ addr }) => addr));
  const plan = draw(taken);
  return {
    rack: rack.counts,
    plan: plan.counts,
    amps: rack.amps === null || plan.amps === null ? null : { rack: rack.amps, plan: plan.amps },
  };
}

/** Counts nodes that lose power, if only for a moment. */
export function nodesLosingPower(steps: readonly PlanStep[]): number {
  return steps.filter(({ action }) => action !== 'on').reduce((sum, { nodes }) => sum + nodes.length, 0);
}

function previewStep(step: PlanStep, spans: ReadonlyMap<Address, Span>, around: RackContext): PlanStepPreview {
  const { name, action, needs, parallel, stagger, onFail } = step;
  const nodes = step.nodes.map((node): PlanNodePreview => {
    const { power, down, current, refusals } = around.stateOf(node.addr);
    const byItself = goesByItself(step, node, around.master);
    return {
      addr: node.addr,
      name: node.name,
      power,
      current,
      ...spanOf(node.addr, spans),
      remark: remarkOn(step, { power, down }, byItself, around.poweroff),
      refusals: byItself ? ownRefusals(node, around) : refusals,
    };
  });
  return {
    name,
    action,
    needs,
    parallel,
    stagger,
    onFail,
    nodes,
    startMs: Math.min(...nodes.map(({ startMs }) => startMs)),
    endMs: Math.max(...nodes.map(({ endMs }) => endMs)),
  };
}

function remarkOn(
  { action }: PlanStep,
  { power, down }: Pick<PreviewNode, 'power' | 'down'>,
  byItself: boolean,
  poweroff: string | null,
): string | null {
  if (byItself) return poweroff === null ? null : `shuts itself down by: ${poweroff}`;
  if (action === 'on' && power === 'on' && down)
    return 'has halted or is shutting down: power-cycled once the halt is proven';
  return action !== 'cycle' && power === action ? `is ${power} already` : null;
}

/**
 * Returns the reasons why a node that manages the bus will stay on. This machine's own program shuts down this machine
 * and no other: the node must be the master by the configuration, and by the bus where that has answered.
 */
export function ownRefusals(
  { addr, name, role }: Pick<InventoryNode, 'addr' | 'name' | 'role'>,
  { poweroff, master }: Pick<RackContext, 'poweroff' | 'master'>,
): Refusal[] {
  const isNamed = isManager({ role });
  const isSeen = master === null ? role === 'master' : addr === master;
  if (!isNamed || !isSeen) {
    const other =
      master === null ? 'the bus has not shown its master yet' : `the bus is managed from ${formatAddress(master)}`;
    return [
      {
        rule: 'master',
        message: isNamed
          ? `${name} (${formatAddress(addr)}) has the role '${role ?? ''}' in the configuration, and ${other}: ${poweroff ?? 'the shutdown program of this machine'} would shut down another machine, so it is not run`
          : `${name} (${formatAddress(addr)}) is the master of the bus, but is not configured as such: rackui runs there, so it stays on`,
        override: 'give role: master to the node that manages the bus (rackui doctor names it), and to no other',
      },
    ];
  }
  if (poweroff !== null) return [];
  return [
    {
      rule: 'poweroff',
      message: `${name} manages the bus and can only shut itself down, and no program for that is configured: it stays on`,
      override: 'add poweroff: [sudo, -n, systemctl, poweroff] to the configuration',
    },
  ];
}

function spansOf(steps: readonly PlanStep[], around: RackContext): Map<Address, Span> {
  return estimatePlan(steps, (step, addr) =>
    expectation(step, { ...around.estimateInput(addr), ...around.stateOf(addr) }),
  );
}

function spanOf(addr: Address, spans: ReadonlyMap<Address, Span>): Span {
  return spans.get(addr) ?? { startMs: 0, endMs: 0 };
}

function lastEnd(spans: ReadonlyMap<Address, Span>): number {
  return Math.max(0, ...[...spans.values()].map(({ endMs }) => endMs));
}

type CheckedNodes = ReadonlyMap<Address, PowerCheck['nodes'][number]>;

/** Requests a fresh status of every node, with the guards' refusals. */
export async function checkNodes(
  operations: Pick<Operations, 'check'>,
  ports: Pick<PlanPorts, 'inventory'>,
  name: string,
  plan: PlanDefinition,
  session: number,
): Promise<CheckedNodes> {
  const resolved = resolvePlan(plan, ports.inventory());
  if (!resolved.ok) return new Map();
  const share = shareOf(name, plan, resolved.steps);
  const checks = await Promise.all(
    resolved.steps.map(({ action, nodes, name: step }) =>
      operations.check(
        checkOf(
          action,
          nodes.map(({ addr }) => addr),
          step,
        ),
        session,
        share,
      ),
    ),
  );
  return new Map(checks.flatMap(({ nodes }) => nodes.map((node) => [node.addr, node])));
}

/** Gathers the facts for a preview: from `looked` where the nodes were just queried, else from the last readings. */
export function rackContext(ports: PlanPorts, checked: CheckedNodes = new Map()): RackContext {
  const { inventory, reading, network, poweroff, seenMaster, durations, limits, systems } = ports;
  const rack = inventory();
  return {
    rack,
    stateOf: (addr) => {
      const fresh = checked.get(addr);
      const known = reading(addr);
      const sample = fresh ? fresh.sample : known.state === 'ok' ? known.sample : null;
      return {
        power: sample?.power ?? (fresh ? 'unknown' : shownPower(known)),
        down: isDown(systems.get(addr)),
        current: sample?.current ?? null,
        // A run waits for operations that are under way.
        refusals: fresh?.refusals.filter(({ rule }) => rule !== 'operation') ?? [],
      };
    },
    // Looks for programs: estimates, which an outage makes every second, need none.
    get means() {
      return ports.means();
    },
    effectiveStep: (step) => effectiveStep(step, ports),
    draw: (addr, counts) => drawOf(counts, calibrationOf(rack, addr)),
    estimateInput: (addr) => ({
      console: network === null || network.target(addr) === null,
      settleMs: limits.settle * 1000,
      usual: (way) => durations.usual(addr, way),
    }),
    poweroff: poweroff?.text ?? null,
    master: seenMaster(),
  };
}

/** Limits a step's parallel nodes to those that the way of the shutdown request allows. */
export function effectiveStep(step: PlanStep, ports: Pick<PlanPorts, 'network' | 'limits'>): PlanStep {
  return { ...step, parallel: Math.min(step.parallel, nodesAtOnce({ verb: step.action }, ports)) };
}

function shareOf(name: string, plan: PlanDefinition, steps: readonly PlanStep[]): PlanShare {
  return {
    plan: name,
    nodesPoweredOff: new Set(nodesTaken(steps)),
    verify: 'boot',
    armed: false,
    patienceMs: Infinity,
    cutUnasked: false,
    watchedOn: false,
    overrides: plan.overrides ?? [],
  };
}

function checkOf(verb: Verb, nodes: Address[], label: string): Parameters<Operations['check']>[0] {
  return { verb, nodes, label, confirm: null, deadlineS: null, onDeadline: 'leave', takeConsole: false };
}
