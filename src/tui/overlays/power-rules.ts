/** When a power dialog may be confirmed: the rules that a key is held against, and that the dialog shows. Pure. */
import { ANYWAY, confirmationText, cuts, type Refusal } from '../../api/power.ts';
import { STALE_AFTER_MS } from '../../rack/reading.ts';
import type { PowerDialog, Shown } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';

/** Keys are not believed before the operator can have seen what they would confirm, ms. */
export const SEEN_MS = 300;
/** A check is repeated at this age while its dialog is open, ms: half of what makes it stale. */
export const RECHECK_MS = STALE_AFTER_MS / 2;

export function seenLongEnough(shown: Shown, now: number): boolean {
  return shown.kind === 'painted' && now - shown.at >= SEEN_MS;
}

export function refusalsOf(dialog: PowerDialog): Refusal[] {
  return dialog.check.kind === 'done' ? dialog.check.answer.nodes.flatMap((node) => node.refusals) : [];
}

/** The only thing in the way is somebody's console, and it can be taken. */
export function onlyConsoleInTheWay(dialog: PowerDialog): boolean {
  const refusals = refusalsOf(dialog);
  return refusals.length > 0 && refusals.every(({ rule }) => rule === 'console');
}

/** Why the dialog cannot be confirmed now, for people; null: it can. */
export function refusesNow(state: State, dialog: PowerDialog): string | null {
  if (state.link.kind === 'lost') return 'The server is gone: nothing can be confirmed.';
  if (dialog.check.kind === 'running') return 'Asking the nodes …';
  if (dialog.check.kind === 'failed') return 'The nodes could not be asked: nothing can be confirmed. r asks again.';
  if (onlyConsoleInTheWay(dialog)) return 'Ctrl-T takes the console for this.';
  if (refusalsOf(dialog).length > 0) return 'Refused, see above: nothing can be confirmed.';
  if (dialog.check.answer.nodes.some((node) => node.sample === null))
    return 'A node did not answer: nothing can be confirmed. r asks again.';
  if (state.now - dialog.check.at > STALE_AFTER_MS) return 'What was asked is older than 10 s: r asks again.';
  return null;
}

/** A field's text after a key, or null where the key is none for a field. Nothing longer than any confirmation. */
export function typedInto(text: string, name: string): string | null {
  if (name === 'backspace') return text.slice(0, -1);
  if (name === 'C-u') return '';
  const typed = name === 'space' ? ' ' : Array.from(name).length === 1 ? name : null;
  return typed === null || text.length >= FIELD ? null : text + typed;
}

const FIELD = 120;

/** What has to be typed: the server's words, which say more where something speaks against it. */
export function wordsOf(state: State, dialog: PowerDialog): string {
  const { nodes, label } = dialog.request;
  const words = confirmationText(
    nodes.map((addr) => nameOf(state, addr)),
    label,
  );
  return dialog.check.kind === 'done' && dialog.check.answer.confirm.endsWith(ANYWAY) ? words + ANYWAY : words;
}

/** Whether what is typed so far confirms. */
export function confirms(state: State, dialog: PowerDialog): boolean {
  return !cuts(dialog.request.verb) || dialog.field.text === wordsOf(state, dialog);
}
