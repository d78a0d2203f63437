/**
 * The power dialog. Enter alone never cuts: the focus begins on Cancel, the confirming words depend on the target,
 * and text that was pasted, typed ahead, or typed before the dialog could be read does not count. The server
 * compares the words again. Pure.
 */
import { RPC_ERROR } from '../../../api/methods.ts';
import { cuts, type Refusal, seenIn, type Verb } from '../../../api/power.ts';
import { keyOf } from '../../keymap/lookup.ts';
import { type RequestError, step, type Step, type UiEvent, withNotice } from '../../model/events.ts';
import type { Field, PowerDialog, Targets } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import {
  closed,
  type KeyPress,
  type OverlayType,
  RECHECK_MS,
  seenLongEnough,
  typedInto,
  wholeShown,
} from '../overlay.ts';
import { paintPowerDialog } from './dialog-view.ts';
import { confirms, onlyConsoleInTheWay, refusesNow, wordsOf } from './rules.ts';

export const POWER_DIALOG: OverlayType<PowerDialog> = {
  kind: 'power',
  sections: [],
  keys: [],
  onKey,
  onPaste: (state, dialog) =>
    step({ ...state, overlay: { ...dialog, remark: 'A paste confirms nothing: type it.', field: CLEARED } }),
  onTick: recheck,
  paint: (frame, state, dialog, { g }) => paintPowerDialog(frame, state, dialog, g),
  ...wholeShown<PowerDialog>(),
};

const CLEARED: Field = { text: '', focus: 'cancel' };

export function openPowerDialog(state: State, targets: Targets, verb: Verb): Step {
  const id = state.nextId;
  const request = {
    verb,
    nodes: [...targets.nodes],
    label: targets.label,
    confirm: null,
    deadlineS: null,
    onDeadline: 'leave' as const,
    takeConsole: false,
  };
  const overlay: PowerDialog = {
    kind: 'power',
    id,
    request,
    check: { kind: 'running' },
    field: CLEARED,
    shown: { kind: 'pending' },
    remark: null,
    sent: false,
  };
  return step({ ...state, overlay, nextId: id + 1 }, { do: 'check', dialog: id, request });
}

function onKey(state: State, dialog: PowerDialog, { name, burst }: KeyPress): Step {
  const become = (changes: Partial<PowerDialog>): State => ({ ...state, overlay: { ...dialog, ...changes } });
  // Escape always counts, whatever arrived with it; Enter may end words that were typed ahead.
  if (name === 'escape') return step(closed(state));
  if (dialog.sent) return step(state);
  if (name === 'enter' && dialog.field.focus === 'cancel' && burst === 1) return step(closed(state));
  if (burst > 1 || !seenLongEnough(dialog.shown, state.now))
    return step(
      become({
        remark: 'Input came too fast for this dialog: it was ignored.',
        field: CLEARED,
      }),
    );
  if (name === 'C-t' && onlyConsoleInTheWay(dialog))
    return again(state, { ...dialog, request: { ...dialog.request, takeConsole: true } });
  if (name === 'enter') return onEnter(state, dialog);
  if (name === 'tab' || name === 'S-tab' || (!cuts(dialog.request.verb) && (name === 'left' || name === 'right')))
    return step(
      become({ field: { ...dialog.field, focus: dialog.field.focus === 'cancel' ? 'field' : 'cancel' }, remark: null }),
    );
  if (refusesNow(state, dialog) !== null) return name === 'r' ? again(state, dialog) : step(state);
  if (!cuts(dialog.request.verb)) return step(state);
  return onText(state, dialog, name);
}

function onText(state: State, dialog: PowerDialog, name: string): Step {
  const text = typedInto(dialog.field.text, name);
  if (text === null) return step(state);
  return step({ ...state, overlay: { ...dialog, field: { text, focus: 'field' }, remark: null } });
}

function onEnter(state: State, dialog: PowerDialog): Step {
  if (dialog.field.focus === 'cancel') return step(closed(state));
  const remark = (text: string): Step => step({ ...state, overlay: { ...dialog, remark: text } });
  const refusal = refusesNow(state, dialog);
  if (refusal !== null) return remark(refusal);
  if (!confirms(state, dialog)) return remark('The text does not match: nothing was sent.');
  const words = wordsOf(state, dialog);
  const confirm = cuts(dialog.request.verb) ? words : null;
  const seen = dialog.check.kind === 'done' ? seenIn(dialog.check.answer) : [];
  const request = { ...dialog.request, confirm, seen };
  return step(
    { ...state, overlay: { ...dialog, sent: true, remark: null } },
    { do: 'start', dialog: dialog.id, request },
  );
}

function again(state: State, dialog: PowerDialog): Step {
  const overlay: PowerDialog = { ...dialog, check: { kind: 'running' }, remark: null };
  return step({ ...state, overlay }, { do: 'check', dialog: dialog.id, request: dialog.request });
}

/**
 * Requests the check again before it is stale, so that the dialog stays true. While a console holds the pipe each
 * request makes a gap in it: then only the operator's key sends one.
 */
function recheck(state: State, dialog: PowerDialog): Step {
  const { check, sent, id, request } = dialog;
  const due = !sent && check.kind === 'done' && !check.again && state.now - check.at > RECHECK_MS;
  if (!due || state.console !== null || state.link.kind === 'lost') return step(state);
  return step(
    { ...state, overlay: { ...dialog, check: { ...check, again: true } } },
    { do: 'check', dialog: id, request },
  );
}

type PowerEvent = Extract<UiEvent, { type: 'checked' | 'check-failed' | 'started' | 'start-failed' }>;

export function powerEvent(state: State, event: PowerEvent): Step {
  const { overlay } = state;
  const dialog = overlay?.kind === 'power' && overlay.id === event.dialog ? overlay : null;
  switch (event.type) {
    case 'checked':
      if (dialog === null) return step(state);
      return step({
        ...state,
        overlay: { ...dialog, check: { kind: 'done', at: state.now, answer: event.answer, again: false } },
      });
    case 'check-failed':
      if (dialog === null) return step(state);
      return step({ ...state, overlay: { ...dialog, check: { kind: 'failed', why: event.error.message } } });
    case 'started': {
      const { operation } = event;
      const operations = [...state.operations.filter(({ id }) => id !== operation.id), operation];
      const shown: State = { ...state, operations, overlay: dialog === null ? overlay : null };
      return step(
        withNotice(
          shown,
          'info',
          `${operation.verb} ${operation.label}: operation ${operation.id} is running; ${keyOf(state, 'map', 'operations')} shows it`,
        ),
      );
    }
    case 'start-failed': {
      const why = reasonOf(event.error);
      if (dialog === null) return step(withNotice(state, 'error', why));
      return step({ ...state, overlay: { ...dialog, sent: false, remark: why, field: CLEARED } });
    }
  }
}

/** Returns the reason of a refused start: the first guard's sentence. */
export function reasonOf(error: RequestError): string {
  if (error.code !== RPC_ERROR.refused || !Array.isArray(error.data)) return error.message;
  const [first] = error.data as Refusal[];
  return first === undefined ? error.message : `Refused: ${first.message}`;
}
