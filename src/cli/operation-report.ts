/** Operations in words and as JSON. */
import { exitCodeOf, type NodeProgress, type Operation, type Outcome } from '../api/power.ts';
import { formatAddress, formatPosition } from '../rack/address.ts';
import { compressNames } from '../rack/compress.ts';
import { clock, iso } from './dates.ts';
import { nodeLabel } from '../rack/inventory.ts';

/** How an outcome is called. `left-on`: on purpose, because cutting was not proven safe. */
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

/** Where a node stands: the phase while it runs, then how it ended. */
export function standing({ phase, outcome }: NodeProgress): string {
  return outcome === null ? phase : OUTCOME_WORDS[outcome];
}

/** One line for a node whose standing changed. `at`: the server's time. */
export function progressLine(node: NodeProgress, at: number): string {
  const detail = node.detail === '' ? '' : `: ${node.detail}`;
  return `${clock(at)} ${nodeLabel(node)} ${standing(node)}${detail}`;
}

/** A question of operation `id`, its choices by the words that choose them, and how to answer. */
export function questionLines(id: string, node: NodeProgress): string[] {
  const { question } = node;
  if (question === null) return [];
  const choices = question.choices.map(
    ({ key, label, confirm }) => `  ${key}: ${label}${confirm === null ? '' : ` (--confirm '${confirm}')`}`,
  );
  return [
    `${nodeLabel(node)} asks: ${question.text}`,
    ...choices,
    `  answer: rackui answer ${id} CHOICE --node ${node.name}, or in the interface`,
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
  const said = [...groups].map(([key, names]) => `${names.length} ${key} (${compressNames(names)})`);
  return `${verb} ${label} (operation ${id}, by ${by}): ${said.join(', ')}`;
}

/** The operation with everything that is known of each node. */
export function operationLines(operation: Operation): string[] {
  const nodes = operation.nodes.flatMap((node) => [
    `  ${progressLine(node, node.since)}`,
    ...node.evidence.map(({ at, kind, text }) => `      ${clock(at)} ${kind}: ${text}`),
    ...questionLines(operation.id, node).map((line) => `    ${line}`),
  ]);
  return [summaryLine(operation), ...nodes];
}

/** The documented JSON of an operation. Times are ISO 8601, addresses two hex digits. */
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
