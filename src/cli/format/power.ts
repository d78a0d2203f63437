/** Formats the results of `power.check`, and operations, as text and JSON. Pure. */
import {
  exitCodeOf,
  type NodeProgress,
  type Operation,
  type Outcome,
  type PowerCheck,
  type Refusal,
  type Verb,
} from '../../api/power.ts';
import { count } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { nodeLabel } from '../../rack/inventory.ts';
import { compressNames } from '../../rack/selectors.ts';
import { clock, iso, writtenId } from '../terminal-output.ts';

/** Effect of the verb, shown before it is confirmed. */
const MEANING: Record<Verb, string> = {
  on: 'switches power on',
  off: 'shuts the operating system down, then cuts power when it has halted',
  'force-off': 'cuts power at once; unsaved data is lost',
  cycle: 'shuts the operating system down, cuts power when it has halted, and switches it on again',
  'force-cycle': 'cuts power at once and switches it on again; unsaved data is lost',
};

/** `force-off: k8s-worker-[04-06] (3 nodes): cuts power at once; …`. */
export function meaningLine({ verb, nodes }: Pick<PowerCheck, 'verb' | 'nodes'>): string {
  const howMany = count(nodes.length, 'node');
  return `${verb} ${compressNames(nodes.map(({ name }) => name))} (${howMany}): ${MEANING[verb]}`;
}

/** Returns each node's state, its dependents, and the objections. */
export function checkLines(check: PowerCheck): string[] {
  return check.nodes.flatMap((node) => [
    `  ${nodeLabel(node)} ${sampleText(node)}`,
    ...node.impact.map((sentence) => `    ${sentence}`),
    ...node.refusals.map((refusal) => `    ${refusalText(refusal)}`),
  ]);
}

/** `refused (protected): …; override: …`. */
function refusalText({ rule, message, override }: Refusal): string {
  return `refused (${rule}): ${message}${override === null ? '' : `; to override: ${override}`}`;
}

function sampleText({ sample, problem }: PowerCheck['nodes'][number]): string {
  if (sample === null) return `unknown${problem === null ? '' : `: ${problem}`}`;
  return `${sample.power}, current ${sample.current}, fan ${sample.fan}${problem === null ? '' : `; ${problem}`}`;
}

/** Returns the documented JSON of a check. */
export function checkJson(check: PowerCheck): Record<string, unknown> {
  return {
    verb: check.verb,
    confirm: check.confirm,
    nodes: check.nodes.map(({ addr, name, sample, problem, refusals, impact }) => ({
      addr: formatAddress(addr),
      pos: formatPosition(addr),
      name,
      power: sample?.power ?? 'unknown',
      current: sample?.current ?? null,
      fan: sample?.fan ?? null,
      problem,
      refusals,
      impact,
    })),
  };
}

/** Returns whether a guard would refuse, or a node did not answer. */
export function refuses({ nodes }: PowerCheck): boolean {
  return nodes.some(({ refusals, problem }) => refusals.length > 0 || problem !== null);
}

/** Texts of outcomes. `left-on`: on purpose, because cutting was not proven safe. */
const OUTCOME_WORDS: Record<Outcome, string> = {
  done: 'done',
  refused: 'refused',
  failed: 'failed',
  'left-on': 'left on',
  aborted: 'aborted',
  deadline: 'not done before its deadline',
  bus: 'bus not usable',
  interrupted: 'interrupted',
  'cut-unproven': 'cut without proof of a halt',
};

/** Returns a node's state: the phase while it is worked on, then its outcome. */
export function standing({ phase, outcome }: NodeProgress): string {
  return outcome === null ? phase : OUTCOME_WORDS[outcome];
}

/** Formats one line for a node whose state changed. `at`: the server's time. */
export function progressLine(node: NodeProgress, at: number): string {
  const detail = node.detail === '' ? '' : `: ${node.detail}`;
  return `${clock(at)} ${nodeLabel(node)} ${standing(node)}${detail}`;
}

/** Formats a question of operation `id`, its choices by their keys, and the command to answer. */
export function questionLines(id: string, node: NodeProgress): string[] {
  const { question } = node;
  if (question === null) return [];
  const choices = question.choices.map(
    ({ key, label, confirm }) => `  ${key}: ${label}${confirm === null ? '' : ` (--confirm '${confirm}')`}`,
  );
  return [
    `${nodeLabel(node)} asks: ${question.text}`,
    ...choices,
    `  answer: rackui answer ${writtenId(id)} CHOICE --node ${node.name}, or in the interface`,
  ];
}

/** `off row:A (operation 3, by pi): 3 done, 1 left on (k8s-worker-04)`. */
export function summaryLine(operation: Operation): string {
  const { id, verb, label, by, nodes, endedAt } = operation;
  const groups = new Map<string, string[]>();
  for (const node of nodes) {
    const key = endedAt === null && node.outcome === null ? 'running' : standing(node);
    groups.set(key, [...(groups.get(key) ?? []), node.name]);
  }
  const parts = [...groups].map(([key, names]) => `${names.length} ${key} (${compressNames(names)})`);
  return `${verb} ${label} (operation ${id}, by ${by}): ${parts.join(', ')}`;
}

/** Formats the operation with all details of each node. */
export function operationLines(operation: Operation): string[] {
  const nodes = operation.nodes.flatMap((node) => [
    `  ${progressLine(node, node.since)}`,
    ...node.evidence.map(({ at, kind, text }) => `      ${clock(at)} ${kind}: ${text}`),
    ...questionLines(operation.id, node).map((line) => `    ${line}`),
  ]);
  return [summaryLine(operation), ...nodes];
}

/** Returns the documented JSON of an operation. Times are ISO 8601, addresses two hex digits. */
export function operationJson(operation: Operation): Record<string, unknown> {
  const { id, verb, label, by, startedAt, endedAt, nodes } = operation;
  return {
    id,
    verb,
    label,
    by,
    startedAt: iso(startedAt),
    endedAt: endedAt === null ? null : iso(endedAt),
    exitCode: endedAt === null ? null : exitCodeOf(operation),
    nodes: nodes.map(nodeJson),
  };
}

export function nodeJson(node: NodeProgress): Record<string, unknown> {
  return {
    addr: formatAddress(node.addr),
    pos: formatPosition(node.addr),
    name: node.name,
    phase: node.phase,
    since: iso(node.since),
    until: node.until === null ? null : iso(node.until),
    detail: node.detail,
    outcome: node.outcome,
    evidence: node.evidence.map(({ at, kind, text }) => ({ at: iso(at), kind, text })),
    question: node.question === null ? null : { text: node.question.text, choices: node.question.choices },
  };
}
