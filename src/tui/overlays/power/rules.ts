/** Rules of the power verbs: the nodes of a verb, and the conditions for confirming its dialog. Pure. */
import { ANYWAY, confirmationText, cuts, type Refusal, type Verb } from '../../../api/power.ts';
import type { Address } from '../../../rack/address.ts';
import { STALE_AFTER_MS } from '../../../rack/reading.ts';
import type { PowerDialog, Targets } from '../../model/overlays.ts';
import { nameOf, type State } from '../../model/state.ts';

export const VERBS: readonly { verb: Verb; key: string; label: string; about: string }[] = [
  { verb: 'on', key: 'o', label: 'On', about: 'switch on' },
  { verb: 'off', key: 's', label: 'Off', about: 'shut down, wait for proof, cut power' },
  { verb: 'cycle', key: 'c', label: 'Cycle', about: 'shut down, cut, pause, switch on' },
  { verb: 'force-off', key: 'f', label: 'Force off', about: 'cut power NOW; what is not on disk is lost' },
  { verb: 'force-cycle', key: 'h', label: 'Force cycle', about: 'cut power NOW, pause, switch on' },
];

/** Returns the nodes of a verb: the marked nodes, or the selected one. */
export function targetsOf(state: State): Targets {
  if (state.marks.size === 0) return { nodes: [state.cursor], label: nameOf(state, state.cursor) };
  const nodes = [...state.marks].sort((a, b) => a - b);
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined
    ? { nodes, label: nameOf(state, only) }
    : { nodes, label: markedLabel(state, nodes) };
}

/**
 * Returns `row:A` where exactly a blade's nodes are marked, otherwise `marked`: the label is part of the words to
 * type.
 */
function markedLabel(state: State, nodes: readonly Address[]): string {
  const rows = new Set(nodes.map((addr) => Math.floor(addr / 4)));
  const [row] = rows;
  if (rows.size !== 1 || row === undefined) return nodes.length === state.rack.nodes.length ? 'all' : 'marked';
  const blade = state.rack.nodes.filter((node) => Math.floor(node.addr / 4) === row);
  return blade.length === nodes.length ? `row:${String.fromCharCode(65 + row)}` : 'marked';
}

function refusalsOf(dialog: PowerDialog): Refusal[] {
  return dialog.check.kind === 'done' ? dialog.check.answer.nodes.flatMap((node) => node.refusals) : [];
}

/** Returns whether the only obstacle is another operator's console, and it can be taken. */
export function onlyConsoleInTheWay(dialog: PowerDialog): boolean {
  const refusals = refusalsOf(dialog);
  return refusals.length > 0 && refusals.every(({ rule }) => rule === 'console');
}

/** Returns the reason why the dialog cannot be confirmed now, for display; null: it can. */
export function refusesNow(state: State, dialog: PowerDialog): string | null {
  if (state.link.kind === 'lost') return 'No connection to the server: nothing can be confirmed.';
  if (dialog.check.kind === 'running') return 'checking the nodes …';
  if (dialog.check.kind === 'failed') return 'The nodes could not be checked: nothing can be confirmed. r tries again.';
  if (onlyConsoleInTheWay(dialog)) return 'Ctrl-T takes the console for this.';
  if (refusalsOf(dialog).length > 0) return 'Refused, see above: nothing can be confirmed.';
  if (dialog.check.answer.nodes.some((node) => node.sample === null))
    return 'A node did not answer: nothing can be confirmed. r tries again.';
  if (state.now - dialog.check.at > STALE_AFTER_MS) return 'The check is older than 10 s: r checks again.';
  return null;
}

/** Returns the words to type: the server's, which are longer where a guard objects. */
export function wordsOf(state: State, dialog: PowerDialog): string {
  const { nodes, label } = dialog.request;
  const words = confirmationText(
    nodes.map((addr) => nameOf(state, addr)),
    label,
  );
  return dialog.check.kind === 'done' && dialog.check.answer.confirm.endsWith(ANYWAY) ? words + ANYWAY : words;
}

/** Returns whether the typed text confirms. */
export function confirms(state: State, dialog: PowerDialog): boolean {
  return !cuts(dialog.request.verb) || dialog.field.text === wordsOf(state, dialog);
}
