/**
 * Checks beyond the schema: nodes that contradict one another, plans that cannot be run, outage policies. Collects
 * what a configuration provides for its plans, with the programs that this machine lacks.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { didYouMean } from '../lib/words.ts';
import { type Address, formatAddress, formatPosition } from '../rack/address.ts';
import { type Inventory, unnamedNode } from '../rack/inventory.ts';
import { type MissingProgram, type PlanDefinition, type PlanMeans, resolvePlan } from '../rack/plan.ts';
import { select } from '../rack/selectors.ts';
import { type Config, isMessageHook, type PolicyConfig } from './schema.ts';

interface NamedNode {
  addr: Address;
  name?: string | undefined;
  role?: string | undefined;
}

export interface Contradiction {
  /** Path of the later of two contradicting values in the configuration. */
  path: (string | number)[];
  message: string;
}

/** Checks that addresses and names (ignoring case) are unique, and that there is one master. */
export function checkNodes(nodes: readonly NamedNode[]): Contradiction[] {
  const problems: Contradiction[] = [];
  const addresses = new Map<Address, NamedNode>();
  const names = new Map<string, NamedNode>();
  let master: NamedNode | null = null;
  nodes.forEach((node, index) => {
    const nameOf = (other: NamedNode): string => other.name ?? unnamedNode(other.addr).name;
    const key = nameOf(node).toLowerCase();
    const sameAddress = addresses.get(node.addr);
    const sameName = names.get(key);
    if (sameAddress)
      problems.push({
        path: ['nodes', index, 'addr'],
        message: `${describe(node.addr)} is already ${nameOf(sameAddress)}: each node has its own address`,
      });
    else addresses.set(node.addr, node);
    if (sameName && !sameAddress)
      problems.push({
        path: ['nodes', index, 'name'],
        message: `the name ${nameOf(node)} is already the node at ${describe(sameName.addr)}: names must be unique`,
      });
    else names.set(key, node);
    if (node.role !== 'master') return;
    if (master !== null)
      problems.push({
        path: ['nodes', index, 'role'],
        message: `${nameOf(master)} is already the master: a bus has exactly one`,
      });
    master ??= node;
  });
  return problems;
}

/**
 * Checks every plan against the rack's nodes. Selectors of nodes that are only discovered on the bus are not checked
 * here, but when the plan is shown.
 */
export function checkPlans(plans: Readonly<Record<string, PlanDefinition>>, rack: Inventory): Contradiction[] {
  return Object.entries(plans).flatMap(([name, plan]) => {
    const resolved = resolvePlan(plan, rack);
    if (resolved.ok) return [];
    return resolved.problems
      .filter(({ field }) => rack.configured || field !== 'selector')
      .map(({ step, field, message }) => ({
        path: ['plans', name, 'steps', step, field],
        message,
      }));
  });
}

function describe(addr: Address): string {
  return `address ${formatAddress(addr)} (${formatPosition(addr)})`;
}

export function planMeans(config: Config, rack: Inventory, usualMs: PlanMeans['usualMs'] = () => null): PlanMeans {
  return {
    login: config.login !== undefined,
    settle: config.shutdown.settle,
    usualMs,
    ssh: config.ssh === undefined ? 'none' : rack.configured ? 'name' : 'ip',
    poweroff: config.poweroff?.[0] !== undefined && isProgram(config.poweroff[0]),
    missing: config.hooks.flatMap((hook): MissingProgram[] => {
      const [program = ''] = hook.run;
      if (isMessageHook(hook) || program.includes('{') || isProgram(program)) return [];
      const selection = select([hook.nodes], rack);
      return selection.ok
        ? [{ program, when: hook.when, nodes: new Set(selection.nodes.map(({ addr }) => addr)) }]
        : [];
    }),
  };
}

/** Returns a sentence for each hook that gets messages and whose program this machine lacks. */
export function messageWarnings({ hooks }: Config): string[] {
  return hooks.flatMap(({ when, run: [program = ''] }, index) =>
    isMessageHook({ when }) && !isProgram(program)
      ? [`warning: hooks.${index} (when: ${when}) sends no messages: ${program} is not an executable program`]
      : [],
  );
}

/** True where the system would find the program and let this user run it. */
function isProgram(name: string): boolean {
  const places = name.includes('/') ? [name] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
  return places.some((path) => {
    try {
      // Most places do not have it, and an error for each would take far longer than the look.
      if (!isAbsolute(path) || statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A policy with its defaults filled in. */
export interface ResolvedPolicy {
  index: number;
  ups: string[];
  needs: number;
  /** Null: the whole rack. */
  nodes: ReadonlySet<Address> | null;
  nodesText: string;
  steps: { afterS: number; plan: string }[];
  last: string | null;
  marginS: number;
  assumedS: number | null;
  restore: { afterS: number; charge: number };
  restorePlan: string | null;
}

/** Plans that policies use by default. */
const DEFAULT_LAST = 'shed-all';
const DEFAULT_RESTORE = 'bring-up';

/**
 * Returns the outage policies with their defaults; without `outage` one, for UPS software that reports the supply
 * itself.
 */
export function policiesOf(config: Config, rack: Inventory): ResolvedPolicy[] {
  return listOf(config).map((policy, index) => {
    const ups = upsOf(config, policy);
    const feeds = config.ups.filter(({ name }) => ups.includes(name)).map(({ nodes }) => nodes);
    const selector = [...new Set(feeds)];
    const whole = selector.length === 0 || (selector.length === 1 && selector[0] === 'all');
    const selection = whole ? null : select(selector, rack);
    const planOr = (named: string | undefined, usual: string): string | null =>
      named ?? (Object.hasOwn(config.plans, usual) ? usual : null);
    return {
      index,
      ups,
      needs: policy.needs ?? Math.max(1, ups.length),
      marginS: policy.margin,
      nodes: selection?.ok === true ? new Set(selection.nodes.map(({ addr }) => addr)) : null,
      nodesText: whole ? 'the whole rack' : selector.join(' '),
      steps: policy.onBattery.map(({ after, run }) => ({ afterS: after, plan: run })),
      last: planOr(policy.last, DEFAULT_LAST),
      assumedS: policy.runtime ?? null,
      restore: { afterS: policy.restore.after, charge: policy.restore.charge },
      restorePlan: planOr(policy.restore.run, DEFAULT_RESTORE),
    };
  });
}

/** Checks for UPSes, plans and nodes that policies name and that do not exist, or that belong to two of them. */
export function checkOutage(config: Config, rack: Inventory): Contradiction[] {
  const problems: Contradiction[] = [];
  const policies = config.outage === undefined ? [] : listOf(config);
  const single = !Array.isArray(config.outage);
  const at = (index: number, ...path: (string | number)[]): (string | number)[] =>
    single ? ['outage', ...path] : ['outage', index, ...path];
  config.ups.forEach(({ name, nodes, user, password, host }, index) => {
    if (config.ups.findIndex((other) => other.name === name) < index)
      problems.push({ path: ['ups', index, 'name'], message: `UPS '${name}' is defined twice` });
    if ((user === undefined) !== (password === undefined))
      problems.push({ path: ['ups', index], message: 'user and password are required together' });
    if (host.includes('\n')) problems.push({ path: ['ups', index, 'host'], message: 'a host name or an address' });
    const selection = select([nodes], rack);
    if (rack.configured && !selection.ok) problems.push({ path: ['ups', index, 'nodes'], message: selection.problem });
  });
  const taken = new Map<string, number>();
  const fed = new Map<Address, number>();
  policies.forEach((policy, index) => {
    problems.push(...checkNames(config, policy, (...path) => at(index, ...path)));
    for (const name of upsOf(config, policy)) {
      const other = taken.get(name);
      if (other !== undefined && other !== index)
        problems.push({
          path: at(index, 'ups'),
          message: `UPS '${name}' is in policy ${other + 1} already: a UPS belongs to one policy`,
        });
      taken.set(name, index);
    }
    for (const addr of policiesOf(config, rack)[index]?.nodes ?? rack.nodes.map((node) => node.addr)) {
      const other = fed.get(addr);
      const name = rack.nodes.find((node) => node.addr === addr)?.name ?? '';
      if (other !== undefined && other !== index) {
        problems.push({
          path: at(index),
          message: `${name} is in policy ${other + 1} already, by the UPS that feeds it: a node belongs to one policy`,
        });
        break;
      }
      fed.set(addr, index);
    }
    const feeds = new Set(
      config.ups.filter(({ name }) => upsOf(config, policy).includes(name)).map(({ nodes }) => nodes),
    );
    if (feeds.size > 1)
      problems.push({
        path: at(index),
        message: `its UPSes feed different nodes (${[...feeds].join('; ')}): each group needs its own policy`,
      });
  });
  return problems;
}

function checkNames(
  config: Config,
  policy: PolicyConfig,
  at: (...path: (string | number)[]) => (string | number)[],
): Contradiction[] {
  const problems: Contradiction[] = [];
  const known = Object.keys(config.plans);
  const plan = (name: string | undefined, ...path: (string | number)[]): void => {
    if (name !== undefined && !Object.hasOwn(config.plans, name))
      problems.push({
        path: at(...path),
        message: `there is no plan '${name}'; plans: ${known.join(', ') || 'none'}${didYouMean(name, known)}`,
      });
  };
  policy.onBattery.forEach(({ run }, step) => plan(run, 'onBattery', step, 'run'));
  plan(policy.last, 'last');
  plan(policy.restore.run, 'restore', 'run');
  if (policy.last === undefined && !Object.hasOwn(config.plans, DEFAULT_LAST))
    problems.push({
      path: at(),
      message: `last: names no plan, and no plan is named ${DEFAULT_LAST}: all nodes would be on when the battery is empty`,
    });
  policy.onBattery.forEach(({ after }, step) => {
    const before = policy.onBattery[step - 1]?.after;
    if (before !== undefined && after < before)
      problems.push({
        path: at('onBattery', step, 'after'),
        message: `comes after ${before} s in the list: order the steps by time`,
      });
  });
  const names = config.ups.map(({ name }) => name);
  policy.ups?.forEach((name, index) => {
    if (!names.includes(name))
      problems.push({
        path: at('ups', index),
        message: `there is no UPS '${name}' under ups; UPSes: ${names.join(', ') || 'none'}${didYouMean(name, names)}`,
      });
  });
  const count = upsOf(config, policy).length;
  if (policy.needs !== undefined && policy.needs > Math.max(1, count))
    problems.push({
      path: at('needs'),
      message: `${policy.needs} UPSes must deliver, but the policy has only ${count}`,
    });
  for (const [name, wanted] of [
    [policy.last, 'off'],
    [policy.restore.run, 'on'],
  ] as const)
    for (const step of (name === undefined ? undefined : config.plans[name])?.steps ?? [])
      if (step.action !== wanted)
        problems.push({
          path: wanted === 'off' ? at('last') : at('restore', 'run'),
          message: `plan ${name ?? ''} has a step '${step.name}' that is ${step.action}, not ${wanted}`,
        });
  return problems;
}

function listOf({ outage }: Config): PolicyConfig[] {
  if (outage === undefined) return [BLANK];
  return Array.isArray(outage) ? outage : [outage];
}

function upsOf(config: Config, policy: PolicyConfig): string[] {
  return policy.ups ?? config.ups.map(({ name }) => name);
}

const BLANK: PolicyConfig = { onBattery: [], margin: 60, restore: { after: 120, charge: 50 } };
