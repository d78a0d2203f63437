/** Plans and runs as a server tells of them: the reference rack's own plans, with times and outcomes written out. */
import { readFileSync } from 'node:fs';
import {
  planConfirmation,
  type PlanNodePreview,
  type PlanNodeRun,
  type PlanPreview,
  type PlanRun,
  type PlanSummary,
} from '../../src/api/plans.ts';
import type { Refusal } from '../../src/api/power.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Address } from '../../src/rack/address.ts';
import { resolvePlan, type PlanStep } from '../../src/rack/plan.ts';
import { REFERENCE_RACK } from '../support/stand.ts';
import { nodeOn, NOW, RACK } from './scene.ts';

const DEFINITIONS = parseConfig(readFileSync(REFERENCE_RACK, 'utf8'), REFERENCE_RACK).plans;
/** A node's shutdown, and a boot, ms. */
const EACH = { off: 45_000, on: 30_000, cycle: 75_000 };

function stepsOf(name: string): PlanStep[] {
  const definition = DEFINITIONS[name];
  const resolved = definition === undefined ? null : resolvePlan(definition, RACK);
  if (!resolved?.ok) throw new Error(`the reference rack has no plan ${name}`);
  return resolved.steps;
}

const cuts = (name: string): boolean => stepsOf(name).some(({ action }) => action !== 'on');
const nodeCount = (name: string): number => stepsOf(name).reduce((sum, { nodes }) => sum + nodes.length, 0);

function summary(name: string): PlanSummary {
  const steps = stepsOf(name).map(({ name: step, action, nodes }) => ({ name: step, action, nodes: nodes.length }));
  const description = DEFINITIONS[name]?.description ?? null;
  const predictedMs = preview(name).predictedMs;
  return {
    name,
    description,
    steps,
    nodes: nodeCount(name),
    cuts: cuts(name),
    predictedMs,
    problem: null,
    warnings: [],
  };
}

export const PLANS = (): PlanSummary[] => Object.keys(DEFINITIONS).map(summary);

/** What a plan would do where every node still has to be switched, but for those that a rule holds back. */
export function preview(name: string, refusals: Record<Address, Refusal[]> = {}): PlanPreview {
  let startMs = 0;
  const steps = stepsOf(name).map((step) => {
    const nodes = step.nodes.map((node, i): PlanNodePreview => {
      const { reading } = nodeOn(node.addr);
      const begin = startMs + Math.floor(i / step.parallel) * EACH[step.action];
      return {
        ...{ addr: node.addr, name: node.name, power: step.action === 'on' ? 'off' : 'on' },
        ...{ startMs: begin, endMs: begin + EACH[step.action] },
        current: reading.state === 'ok' ? reading.sample.current : null,
        ...{ remark: null, refusals: refusals[node.addr] ?? [] },
      };
    });
    const endMs = Math.max(startMs, ...nodes.map((node) => node.endMs));
    const begun = startMs;
    startMs = endMs;
    const { name: called, action, needs, parallel, stagger, onFail } = step;
    return { ...{ name: called, action, needs, parallel, stagger, onFail }, startMs: begun, endMs, nodes };
  });
  const touched = new Set(steps.flatMap(({ nodes }) => nodes.map(({ addr }) => addr)));
  const stays = RACK.nodes
    .filter(({ addr }) => !touched.has(addr))
    .map(({ addr, name: called }) => ({ addr, name: called, power: 'on' as const }));
  const sum = (addrs: Iterable<Address>): number =>
    [...addrs].reduce((total, addr) => {
      const { reading } = nodeOn(addr);
      return total + (reading.state === 'ok' ? reading.sample.current : 0);
    }, 0);
  return {
    ...{ name, description: DEFINITIONS[name]?.description ?? null, nodes: nodeCount(name), cuts: cuts(name) },
    ...{ predictedMs: startMs, problem: null, warnings: [], steps, stays },
    confirm: cuts(name) ? planConfirmation(name, nodeCount(name)) : '',
    current: { rack: sum(RACK.nodes.map(({ addr }) => addr)), plan: sum(touched), amps: null },
  };
}

export function run(name: string, over: Partial<PlanRun>, node: (addr: Address) => Partial<PlanNodeRun>): PlanRun {
  const { steps, predictedMs } = preview(name);
  const startedAt = NOW - 100_000;
  return {
    ...{ id: 'run-3', request: null, plan: name, by: 'ada from 10.0.0.7', armed: false },
    ...{ startedAt, endedAt: null, deadlineAt: null },
    ...{ predictedEndAt: startedAt + (predictedMs ?? 0), state: 'running', detail: '' },
    steps: steps.map(({ name: called, action, needs, nodes }) => {
      const progress = nodes.map(({ addr, name: host }): PlanNodeRun => ({
        ...{ addr, name: host, state: 'waiting', since: NOW - 20_000, operation: null, phase: null, outcome: null },
        ...{ detail: '', tries: 0 },
        ...node(addr),
      }));
      const ended = progress.every(({ state }) => state === 'ended');
      const begun = progress.some(({ state }) => state !== 'waiting');
      const good = progress.every(({ outcome }) => outcome === 'done');
      const state = ended ? (good ? 'done' : 'incomplete') : begun ? 'running' : 'waiting';
      return { name: called, action, needs, state, nodes: progress };
    }),
    ...over,
  };
}

export const DONE: Partial<PlanNodeRun> = { state: 'ended', outcome: 'done', detail: 'off, verified twice', tries: 1 };
