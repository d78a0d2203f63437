/** Which verbs there are, and which nodes one would act on. Pure. */
import type { Verb } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import { nameOf, type State } from '../model/state.ts';

export const VERBS: readonly { verb: Verb; key: string; label: string; about: string }[] = [
  { verb: 'on', key: 'o', label: 'On', about: 'switch on' },
  { verb: 'off', key: 's', label: 'Off', about: 'shut the system down, wait for proof, then cut' },
  { verb: 'cycle', key: 'c', label: 'Cycle', about: 'shut down, cut, pause, switch on' },
  { verb: 'force-off', key: 'f', label: 'Force off', about: 'cut power NOW; what is not on disk is lost' },
  { verb: 'force-cycle', key: 'h', label: 'Force cycle', about: 'cut power NOW, pause, switch on' },
];

/** What a verb would be for. */
export interface Targets {
  nodes: readonly Address[];
  label: string;
}

/** What a verb would act on: the marked nodes, or the selected one. */
export function targetsOf(state: State): Targets {
  if (state.marks.size === 0) return { nodes: [state.cursor], label: nameOf(state, state.cursor) };
  const nodes = [...state.marks].sort((a, b) => a - b);
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined
    ? { nodes, label: nameOf(state, only) }
    : { nodes, label: markedLabel(state, nodes) };
}

/** `row:A` where exactly a blade's nodes are marked, else `marked`: the label is part of what must be typed. */
function markedLabel(state: State, nodes: readonly Address[]): string {
  const rows = new Set(nodes.map((addr) => Math.floor(addr / 4)));
  const [row] = rows;
  if (rows.size !== 1 || row === undefined) return nodes.length === state.rack.nodes.length ? 'all' : 'marked';
  const blade = state.rack.nodes.filter((node) => Math.floor(node.addr / 4) === row);
  return blade.length === nodes.length ? `row:${String.fromCharCode(65 + row)}` : 'marked';
}
