/** One row of the table: everything known of a node, and how wrong it is. Pure. */
import type { NodeState } from '../../api/methods.ts';
import type { NodeProgress, Operation } from '../../api/power.ts';
import type { Alarm } from '../../rack/alarms.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { KubernetesState } from '../../rack/kubernetes.ts';
import { formatAge } from '../canvas/glyphs.ts';
import { shownNodes } from '../map/filter.ts';
import { kubernetesOf } from '../map/kubernetes.ts';
import { lookOf, type NodeLook, viewOf } from '../map/node-look.ts';
import type { State } from '../model/state.ts';
import { CURRENT, lastStep, PEAK, stripValues } from '../model/strips.ts';

export interface Row {
  node: InventoryNode;
  view: NodeState | undefined;
  look: NodeLook;
  /**
   * Returns the current of the latest steps of the strips, oldest first, null: no sample; the highest one in it, null:
   * none. Computed where they are shown: of 768 rows a screen has fifty.
   */
  currents: () => readonly (number | null)[];
  peak: () => number | null;
  /** Null: no Kubernetes cluster is configured, or it is not in it. */
  kubernetes: KubernetesState | null;
  /** Those that need attention first. */
  alarms: readonly Alarm[];
  /** The running operation on it, with its progress; null: none. */
  op: { operation: Operation; progress: NodeProgress } | null;
  /** Returns the last line on its console; `age` null: the console is open now. Null: not known. */
  lastLine: () => { age: string | null; text: string } | null;
  wrong: Wrong;
}

/** Degrees of what can be wrong with a node, worst first. */
const WRONG = [
  'alarm',
  'failed',
  'lost',
  'absent',
  'seen-alarm',
  'halted',
  'not-ready',
  'stale',
  'unknown',
  'busy',
  'cordoned',
  'off',
  'nothing',
] as const;
export type Wrong = (typeof WRONG)[number];

/** Returns the rank of a degree: 0 is the worst. */
export const rankOf = (wrong: Wrong): number => WRONG.indexOf(wrong);

const every = new WeakMap<State, readonly Row[]>();

/** Returns the rows of all nodes in address order. Cached by state: a table of many racks needs those of each. */
export function allRows(state: State): readonly Row[] {
  let rows = every.get(state);
  if (rows === undefined) {
    rows = state.rack.nodes.map((node) => rowOf(state, node)).sort((a, b) => a.node.addr - b.node.addr);
    every.set(state, rows);
  }
  return rows;
}

/** Returns the rows of the nodes that the filter shows, in address order. */
export function rowsOf(state: State): readonly Row[] {
  const shown = new Set(shownNodes(state));
  return allRows(state).filter(({ node }) => shown.has(node.addr));
}

function rowOf(state: State, node: InventoryNode): Row {
  const view = viewOf(state, node.addr);
  const look = lookOf(state, view);
  const alarms = state.alarms
    .filter(({ addr }) => addr === node.addr)
    .sort((a, b) => Number(a.acknowledged !== null) - Number(b.acknowledged !== null));
  const values = (of: typeof CURRENT | typeof PEAK): readonly (number | null)[] =>
    stripValues(state.strips, node.addr, of, lastStep(state.strips, node.addr), state.intervalMs);
  const peak = (): number | null => {
    const peaks = values(PEAK).filter((one) => one !== null);
    return peaks.length === 0 ? null : Math.max(...peaks);
  };
  const row = {
    node,
    view,
    look,
    kubernetes: kubernetesOf(state, view),
    currents: () => values(CURRENT),
    peak,
    alarms,
    op: operationOn(state, node, view),
    lastLine: () => lastLineOf(state, node),
  };
  return { ...row, wrong: wrongWith(row) };
}

function operationOn(state: State, { addr }: InventoryNode, view: NodeState | undefined): Row['op'] {
  if (view?.op == null) return null;
  const operation = state.operations.find(({ id }) => id === view.op);
  const progress = operation?.nodes.find((one) => one.addr === addr);
  return operation === undefined || progress === undefined ? null : { operation, progress };
}

function lastLineOf(state: State, { addr }: InventoryNode): ReturnType<Row['lastLine']> {
  const { seen = null, readAt = 0 } = state.glances.nodes.get(addr) ?? {};
  const text = seen?.lines.at(-1);
  if (seen === null || text === undefined) return null;
  if (seen.from === 'open' && state.link.kind === 'connected') return { age: null, text: text.trim() };
  const at = seen.from === 'open' ? readAt : seen.at;
  return { age: formatAge(Math.max(0, state.now - at)), text: text.trim() };
}

function wrongWith({ view, look, kubernetes, alarms, op }: Omit<Row, 'wrong'>): Wrong {
  const lasting = alarms.filter(({ clearedAt }) => clearedAt === null);
  if (lasting.some(({ acknowledged }) => acknowledged === null)) return 'alarm';
  if (look.power === 'failed') return 'failed';
  if (look.power === 'absent') return 'absent';
  if (view?.reading.state === 'failed') return 'lost';
  if (alarms.length > 0) return 'seen-alarm';
  if (look.power === 'halted' || look.power === 'disabled') return 'halted';
  if (look.freshness === 'stale') return 'stale';
  if (look.power === 'unknown') return 'unknown';
  if (op !== null || look.power === 'booting' || look.power === 'going-down') return 'busy';
  if (look.power === 'off') return 'off';
  // What is off, halted or booting cannot be ready.
  return kubernetes === 'not-ready' || kubernetes === 'cordoned' ? kubernetes : 'nothing';
}
