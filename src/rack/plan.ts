/**
 * Plans: steps in order, each with a set of nodes and an action. Resolves a definition against a rack into steps with
 * nodes, or problems; warns of what will keep a plan from working, as far as the configuration and former shutdowns
 * show. Pure.
 */
import { didYouMean } from '../lib/words.ts';
import { type Address, rowOf, slotOf } from './address.ts';
import type { Inventory, InventoryNode } from './inventory.ts';
import { compressNames, select } from './selectors.ts';

export type PlanAction = 'on' | 'off' | 'cycle';
/** Reaction to a node of a step that does not end as it should. */
export type OnFail = 'pause' | 'skip' | 'abort';

/** A step as configured. */
export interface StepDefinition {
  name: string;
  selector: string;
  action: PlanAction;
  /** Steps that must have ended before; absent: the preceding step. */
  needs?: string[] | undefined;
  /** Number of nodes at once. */
  parallel?: number | undefined;
  /** Seconds between the starts of two nodes. */
  stagger?: number | undefined;
  /** `status`: two status replies agree; `boot`: a node that was switched on has also shown that it came up. */
  verify: 'status' | 'boot';
  /** Time limit of each node, s. */
  deadline?: number | undefined;
  /** Action on a node that has not halted by then. Only armed runs cut. */
  onDeadline: 'leave' | 'cut';
  onFail: OnFail;
}

export interface PlanDefinition {
  description?: string | undefined;
  /** Dependence rules that this plan may break. */
  overrides?: readonly DependenceRule[] | undefined;
  steps: StepDefinition[];
}

export const DEPENDENCE_RULES = ['dns', 'quorum', 'fan'] as const;
export type DependenceRule = (typeof DEPENDENCE_RULES)[number];

/** A step with its nodes, in the order in which they are started. */
export interface PlanStep extends Omit<StepDefinition, 'needs' | 'parallel' | 'stagger' | 'deadline'> {
  needs: string[];
  parallel: number;
  stagger: number;
  deadline: number | null;
  nodes: InventoryNode[];
}

export interface PlanProblem {
  step: number;
  /** The part of the step that is wrong. */
  field: 'name' | 'selector' | 'needs' | 'action' | 'onDeadline';
  message: string;
}

export type ResolvedPlan = { ok: true; steps: PlanStep[] } | { ok: false; problems: PlanProblem[] };

/** Nodes shut down at once, as for a verb by an operator (shutdown section 1). */
const PARALLEL_OFF = 4;
/** Seconds between two boots (shutdown section 3); the blades limit how many at once: one each. */
const STAGGER_ON_S = 2;
const PARALLEL_ON = 32;

/** True for the master, and for another node that manages the bus and counts as master (shutdown section 4). */
export function isManager({ role }: Pick<InventoryNode, 'role'>): boolean {
  return role === 'master' || role === 'manager';
}

/** Returns the steps in an order in which each comes after those it needs; or all problems. */
export function resolvePlan({ steps }: PlanDefinition, rack: Inventory): ResolvedPlan {
  const problems: PlanProblem[] = [];
  const known = new Set(steps.map(({ name }) => name));
  const resolved = steps.map((step, index): PlanStep => {
    const wrong = (field: PlanProblem['field'], message: string): void => {
      problems.push({ step: index, field, message });
    };
    if (steps.findIndex(({ name }) => name === step.name) < index)
      wrong('name', `step '${step.name}' is defined twice: names of steps must be unique`);
    const needs = step.needs ?? steps.slice(Math.max(0, index - 1), index).map(({ name }) => name);
    for (const need of needs)
      if (!known.has(need))
        wrong(
          'needs',
          `there is no step '${need}' in this plan; steps: ${[...known].join(', ')}${didYouMean(need, [...known])}`,
        );
    if (step.onDeadline === 'cut' && step.deadline === undefined)
      wrong('onDeadline', 'cutting at the deadline needs a deadline: add deadline, in seconds');
    if (step.onDeadline === 'cut' && step.action === 'on')
      wrong('onDeadline', 'a step that switches on has nothing to cut');
    const selection = select([step.selector], rack);
    if (!selection.ok) wrong('selector', selection.problem);
    const on = step.action === 'on';
    return {
      ...step,
      needs,
      parallel: step.parallel ?? (on ? PARALLEL_ON : PARALLEL_OFF),
      stagger: step.stagger ?? (on ? STAGGER_ON_S : 0),
      deadline: step.deadline ?? null,
      nodes: selection.ok ? inOrder(selection.nodes, step.action) : [],
    };
  });
  problems.push(...cycleProblems(resolved), ...nodeProblems(resolved));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, steps: afterNeeds(resolved) };
}

/** Sorts nodes to be switched on so that the blades take turns: boots on one blade must not coincide. */
function inOrder(nodes: readonly InventoryNode[], action: PlanAction): InventoryNode[] {
  if (action === 'off') return [...nodes];
  return [...nodes].sort((a, b) => slotOf(a.addr) - slotOf(b.addr) || rowOf(a.addr) - rowOf(b.addr));
}

/** Returns all steps that a step waits for, directly or not. */
function allNeeds(name: string, steps: readonly PlanStep[], seen = new Set<string>()): Set<string> {
  for (const need of steps.find((step) => step.name === name)?.needs ?? [])
    if (!seen.has(need)) {
      seen.add(need);
      allNeeds(need, steps, seen);
    }
  return seen;
}

function cycleProblems(steps: readonly PlanStep[]): PlanProblem[] {
  return steps.flatMap(({ name, needs }, step) => {
    if (!allNeeds(name, steps).has(name)) return [];
    const through = needs.find((need) => need === name || allNeeds(need, steps).has(name)) ?? '';
    const message =
      through === name
        ? `step '${name}' needs itself`
        : `step '${name}' needs '${through}', which needs '${name}': neither could start`;
    return [{ step, field: 'needs' as const, message }];
  });
}

/**
 * Checks that each node is in one step, and that the node that manages the bus comes last: after it nothing can be
 * done.
 */
function nodeProblems(steps: readonly PlanStep[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const taken = new Map<Address, string>();
  steps.forEach(({ name, action, nodes }, step) => {
    const twice = nodes.find(({ addr }) => taken.has(addr));
    if (twice)
      problems.push({
        step,
        field: 'selector',
        message: `${twice.name} is in step '${taken.get(twice.addr) ?? ''}' already: a node belongs to one step`,
      });
    for (const { addr } of nodes) taken.set(addr, name);
    const master = nodes.find(isManager);
    if (!master || action === 'on') return;
    if (action === 'cycle')
      problems.push({
        step,
        field: 'action',
        message: `${master.name} is the master of the bus: no node could switch it on again`,
      });
    else if (nodes.length > 1)
      problems.push({
        step,
        field: 'selector',
        message: `${master.name} is the master of the bus and must be last: exclude it here (!${master.name}) and add a last step for it`,
      });
    const before = allNeeds(name, steps);
    const after = steps.find((other) => other.name !== name && !before.has(other.name));
    if (after && action === 'off')
      problems.push({
        step,
        field: 'selector',
        message: `${master.name} is the master of the bus and must be last, but step '${after.name}' does not come before it`,
      });
  });
  return problems;
}

/** Sorts by needs, otherwise in the configured order. */
function afterNeeds(steps: readonly PlanStep[]): PlanStep[] {
  const rest = [...steps];
  const sorted: PlanStep[] = [];
  while (rest.length > 0) {
    const next = rest.findIndex(({ needs }) => needs.every((need) => sorted.some(({ name }) => name === need)));
    sorted.push(...rest.splice(Math.max(0, next), 1));
  }
  return sorted;
}

/** The configured ways to request a shutdown, and what is known of the nodes. */
export interface PlanMeans {
  /** Credentials for a login on a node's console exist. */
  login: boolean;
  /** Nodes reachable by ssh: those with an ip; with `name`, in a configured rack, the others by their names too. */
  ssh: 'none' | 'ip' | 'name';
  /** The master has a configured program that shuts it down. */
  poweroff: boolean;
  /** Time for which a halted node must stay silent before it is cut, s. */
  settle: number;
  /** Usual duration of a node's shutdown, ms; null: not known. */
  usualMs(addr: Address): number | null;
  /** Programs of hooks that are missing on this machine. */
  missing: readonly MissingProgram[];
}

export interface MissingProgram {
  program: string;
  /** `before-off`, `after-on`, … */
  when: string;
  nodes: ReadonlySet<Address>;
}

/** Returns sentences, each with its step and nodes; empty: no problem is known. */
export function planWarnings(steps: readonly PlanStep[], means: PlanMeans): string[] {
  return steps.flatMap((step) => {
    const others = step.nodes.filter((node) => !isManager(node));
    const off = step.action === 'on' ? [] : [...unasked(others, means), ...tooShort(others, step.deadline, means)];
    const own =
      step.action === 'off' && others.length < step.nodes.length && !means.poweroff
        ? ['the master stays on: poweroff, the program that shuts it down, is not configured']
        : [];
    return [...off, ...own, ...withoutProgram(step, means)].map((text) => `step ${step.name}: ${text}`);
  });
}

function unasked(nodes: readonly InventoryNode[], { login, ssh }: PlanMeans): string[] {
  const silent = login ? [] : nodes.filter(({ ip }) => ssh === 'none' || (ssh === 'ip' && ip === null));
  if (silent.length === 0) return [];
  const why = ssh === 'none' ? 'no login and no ssh' : 'no login, and no ip for ssh';
  return [`${namesOf(silent)} cannot be asked to shut down: the configuration has ${why}`];
}

function tooShort(nodes: readonly InventoryNode[], deadline: number | null, means: PlanMeans): string[] {
  const { settle } = means;
  if (deadline === null) return [];
  if (deadline <= settle) return [`its deadline of ${deadline} s is not longer than shutdown.settle (${settle} s)`];
  const slow = nodes.filter(({ addr }) => (means.usualMs(addr) ?? 0) / 1000 + settle > deadline);
  if (slow.length === 0) return [];
  const longest = Math.max(...slow.map(({ addr }) => means.usualMs(addr) ?? 0)) / 1000 + settle;
  return [
    `its deadline of ${deadline} s is too short for ${namesOf(slow)}, which usually takes ${Math.ceil(longest)} s`,
  ];
}

function withoutProgram({ action, nodes }: PlanStep, { missing }: PlanMeans): string[] {
  return missing
    .filter(({ when }) => action === 'cycle' || when.endsWith(`-${action}`))
    .flatMap(({ program, when, nodes: concerned }) => {
      const found = nodes.filter(({ addr }) => concerned.has(addr));
      return found.length === 0
        ? []
        : [`the ${when} hook of ${namesOf(found)} has no program ${program} on this machine`];
    });
}

const namesOf = (nodes: readonly InventoryNode[]): string => compressNames(nodes.map(({ name }) => name));
