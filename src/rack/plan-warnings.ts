/** What will keep a plan from working on the day it is needed, as far as the configuration and former shutdowns tell. Pure. */
import { compressNames } from './compress.ts';
import type { Address } from './address.ts';
import type { InventoryNode } from './inventory.ts';
import { isManager, type PlanStep } from './plan.ts';

/** The ways of asking that a configuration allows, and what is known of nodes. */
export interface PlanMeans {
  /** Credentials for a login on a node's console. */
  login: boolean;
  /** Nodes may be asked by ssh: those with an ip, and by their names those of a configured rack. */
  ssh: 'none' | 'ip' | 'name';
  /** The master has a program by which it shuts itself down. */
  poweroff: boolean;
  /** Seconds for which a halted node must stay silent before it is cut. */
  settle: number;
  /** How long a node usually takes to shut down, ms; null: not known. */
  usualMs(addr: Address): number | null;
  /** Programs of hooks that this machine does not have. */
  missing: readonly MissingProgram[];
}

export interface MissingProgram {
  program: string;
  /** `before-off`, `after-on`, … */
  when: string;
  nodes: ReadonlySet<Address>;
}

/** Sentences, each with its step and nodes; none: nothing is known against the plan. */
export function planWarnings(steps: readonly PlanStep[], means: PlanMeans): string[] {
  return steps.flatMap((step) => {
    const others = step.nodes.filter((node) => !isManager(node));
    const off = step.action === 'on' ? [] : [...unasked(others, means), ...tooShort(others, step.deadline, means)];
    const own =
      step.action === 'off' && others.length < step.nodes.length && !means.poweroff
        ? ['the master stays on: the configuration has no poweroff, the program by which it shuts itself down']
        : [];
    return [...off, ...own, ...withoutProgram(step, means)].map((text) => `step ${step.name}: ${text}`);
  });
}

function unasked(nodes: readonly InventoryNode[], { login, ssh }: PlanMeans): string[] {
  const silent = login ? [] : nodes.filter(({ ip }) => ssh === 'none' || (ssh === 'ip' && ip === null));
  if (silent.length === 0) return [];
  const why = ssh === 'none' ? 'no login and no ssh' : 'no login, and no ip for ssh';
  return [`nobody can ask ${namesOf(silent)} to shut down: the configuration has ${why}`];
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
