/**
 * The emergency panel. One key arms, typed words start: no single key, no Enter alone, no paste, no type-ahead, and
 * nothing typed before the words could be read starts anything. Unbound keys do nothing. Pure.
 */
import { first, noLink, noRun, viewOnly } from '../../keymap/disabled-reasons.ts';
import { type Binding, bindingOf, disabledReason } from '../../keymap/lookup.ts';
import { step, type Step } from '../../model/events.ts';
import type { Command, Context } from '../../model/keys.ts';
import type { EmergencyPanel, PanelMode, Shown } from '../../model/overlays.ts';
import { dismissed, runToShow } from '../../model/results.ts';
import type { State } from '../../model/state.ts';
import { withOperations } from '../operations.ts';
import { closed, type KeyPress, type OverlayType, RECHECK_MS, seenLongEnough, typedInto } from '../overlay.ts';
import { paintEmergency } from './emergency-view.ts';
import { ARMED_MS, refusesPlan } from './rules.ts';
import { keyInRun, RUN_KEYS } from './run.ts';

type Armed = Extract<PanelMode, { is: 'armed' }>;

const KEYS: readonly Binding[] = [
  { context: 'emergency', keys: ['down', 'j'], command: 'down', hint: 'select', help: 'next plan' },
  { context: 'emergency', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous plan' },
  {
    context: 'emergency',
    keys: ['a'],
    command: 'arm',
    hint: 'ARM',
    dangerous: true,
    help: 'arm the plan; then its words, typed, start it',
    disabled: first(viewOnly, noLink),
  },
  {
    context: 'emergency',
    keys: ['pagedown', 'space'],
    command: 'scroll-down',
    hint: 'scroll',
    help: 'scroll the preview',
  },
  { context: 'emergency', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  { context: 'emergency', keys: ['r'], command: 'ask-again', hint: 'try again', help: 'check the nodes again' },
  {
    context: 'emergency',
    keys: ['tab'],
    command: 'next-pane',
    hint: 'the run',
    disabled: noRun,
    help: 'the running plan or the last result; there, back to the plans',
  },
  { context: 'emergency', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close' },

  {
    context: 'armed',
    keys: ['enter'],
    command: 'accept',
    hint: 'start, after the words',
    help: 'start the plan, after its words',
  },
  { context: 'armed', keys: ['escape'], command: 'cancel', hint: 'DISARM', help: 'disarm' },
];

export const EMERGENCY: OverlayType<EmergencyPanel> = {
  kind: 'emergency',
  sections: [
    { context: 'emergency', title: 'Emergency panel', where: 'in the emergency panel', fixed: true },
    { context: 'armed', title: 'An armed plan: only the words shown start it', where: 'at an armed plan', fixed: true },
    { context: 'plan-run', title: 'A running plan', where: 'at a running plan', fixed: true },
  ],
  keys: [...KEYS, ...RUN_KEYS],
  open,
  context,
  onKey,
  onPaste: (state, panel) =>
    panel.mode.is === 'armed' ? typed(state, panel, panel.mode, '', 'A paste starts nothing: type it.') : step(state),
  onTick,
  paint: (frame, state, panel, { g }) => paintEmergency(frame, state, panel, g),
  shown: ({ mode }) => (mode.is === 'armed' ? mode.shown : mode.is === 'run' ? (mode.prompt?.shown ?? null) : null),
  withShown,
};

function open(state: State): Step {
  const id = state.nextId;
  const run = runToShow(state);
  const overlay: EmergencyPanel = {
    kind: 'emergency',
    id,
    plans: { kind: 'running' },
    chosen: null,
    preview: { kind: 'running' },
    mode: run === null ? { is: 'choose' } : { is: 'run', id: run.id, node: null, prompt: null },
    scroll: 0,
    remark: null,
  };
  return step({ ...state, overlay, nextId: id + 1 }, { do: 'plans', panel: id });
}

/** Returns the context; null: a question about the run reads the key itself. */
function context({ mode }: EmergencyPanel): Context | null {
  if (mode.is === 'run') return mode.prompt === null ? 'plan-run' : null;
  return mode.is === 'choose' ? 'emergency' : 'armed';
}

function onKey(state: State, panel: EmergencyPanel, key: KeyPress): Step {
  const { mode } = panel;
  const { name, burst } = key;
  if (mode.is === 'armed') return keyWhileArmed(state, panel, mode, key);
  if (mode.is === 'run' && mode.prompt !== null) return keyInRun(state, panel, mode, name, burst);
  const binding = bindingOf(state, mode.is === 'choose' ? 'emergency' : 'plan-run', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withRemark(state, panel, `${binding.help}: ${why}`));
  const clean: EmergencyPanel = { ...panel, remark: null };
  const common = onCommon(state, clean, binding.command);
  if (common !== null) return common;
  return mode.is === 'choose'
    ? onChoose(state, clean, binding.command, burst)
    : keyInRun(state, clean, mode, name, burst);
}

/** Lines that a key scrolls; only the view knows the list's length. */
const SCROLL = 8;
const SCROLL_END = 200;

function onCommon(state: State, panel: EmergencyPanel, command: Command): Step | null {
  switch (command) {
    case 'scroll-down':
      return step({ ...state, overlay: { ...panel, scroll: Math.min(SCROLL_END, panel.scroll + SCROLL) } });
    case 'scroll-up':
      return step({ ...state, overlay: { ...panel, scroll: Math.max(0, panel.scroll - SCROLL) } });
    case 'operations':
      return step(withOperations(state));
    case 'dismiss': {
      const away = dismissed(state);
      return step({ ...away, overlay: { ...panel, mode: { is: 'choose' }, scroll: 0 } });
    }
    case 'next-pane': {
      const run = runToShow(state);
      const mode: PanelMode =
        panel.mode.is === 'choose' && run !== null
          ? { is: 'run', id: run.id, node: null, prompt: null }
          : { is: 'choose' };
      return step({ ...state, overlay: { ...panel, mode, scroll: 0 } });
    }
    case 'cancel':
      return step(closed(state));
    default:
      return null;
  }
}

function onChoose(state: State, panel: EmergencyPanel, command: Command, burst: number): Step {
  switch (command) {
    case 'down':
    case 'up': {
      if (panel.plans.kind !== 'done') return step(state);
      const names = panel.plans.answer.map(({ name }) => name);
      const at = names.indexOf(panel.chosen ?? '') + (command === 'down' ? 1 : -1);
      const chosen = names[(at + names.length) % names.length] ?? null;
      return chosen === null || chosen === panel.chosen ? step(state) : choose(state, panel, chosen);
    }
    case 'ask-again':
      return panel.chosen === null ? open(state) : choose(state, panel, panel.chosen);
    case 'arm': {
      if (burst > 1) return step(withRemark(state, panel, 'Input came too fast: nothing was armed.'));
      const refusal = refusesPlan(state, panel);
      if (refusal !== null) return step(withRemark(state, panel, refusal));
      const shown: Shown = { kind: 'pending' };
      const mode: Armed = { is: 'armed', field: { text: '', focus: 'field' }, shown, since: state.now, sent: false };
      return step({ ...state, overlay: { ...panel, mode } });
    }
    default:
      return step(state);
  }
}

/** Selects a plan and requests its preview; not in view-only sessions, because a preview polls the nodes. */
export function choose(state: State, panel: EmergencyPanel, name: string): Step {
  const chosen: EmergencyPanel = { ...panel, chosen: name, preview: { kind: 'running' }, scroll: 0, remark: null };
  if (state.access === 'view') {
    const why = 'A preview checks the nodes, which only control sessions may do';
    return step({ ...state, overlay: { ...chosen, preview: { kind: 'failed', why } } });
  }
  return step({ ...state, overlay: chosen }, { do: 'plan-show', panel: panel.id, name });
}

function typed(state: State, panel: EmergencyPanel, mode: Armed, text: string, remark: string | null): Step {
  const now: Armed = { ...mode, field: { text, focus: 'field' }, since: state.now };
  return step({ ...state, overlay: { ...panel, mode: now, remark } });
}

function keyWhileArmed(state: State, panel: EmergencyPanel, mode: Armed, { name, burst }: KeyPress): Step {
  if (mode.sent) return step(state);
  const command = bindingOf(state, 'armed', name)?.command;
  // A key to disarm always counts.
  if (command === 'cancel' && burst === 1) return step(disarmed(state, panel, 'Disarmed: nothing was sent.'));
  if (burst > 1 || !seenLongEnough(mode.shown, state.now))
    return typed(state, panel, mode, '', 'Input came too fast: it was ignored.');
  if (command === 'accept') return onEnter(state, panel, mode);
  const text = typedInto(mode.field.text, name);
  return text === null ? step(state) : typed(state, panel, mode, text, null);
}

function onEnter(state: State, panel: EmergencyPanel, mode: Armed): Step {
  const discard = (remark: string): Step => typed(state, panel, mode, '', remark);
  const refusal = refusesPlan(state, panel);
  if (refusal !== null) return discard(refusal);
  if (panel.preview.kind !== 'done' || panel.chosen === null) return step(state);
  const { confirm } = panel.preview.answer;
  const { text } = mode.field;
  if (text === '' && confirm !== '') return discard(`Enter alone starts nothing: type ${confirm} first.`);
  if (text !== confirm) return discard('The words do not match: nothing was sent.');
  const request = { name: panel.chosen, confirm: confirm === '' ? null : confirm, armed: false, deadlineS: null };
  return step(
    { ...state, overlay: { ...panel, mode: { ...mode, sent: true }, remark: null } },
    { do: 'plan-run', panel: panel.id, request },
  );
}

export function disarmed(state: State, panel: EmergencyPanel, remark: string): State {
  return { ...state, overlay: { ...panel, mode: { is: 'choose' }, remark } };
}

function withRemark(state: State, panel: EmergencyPanel, remark: string): State {
  return { ...state, overlay: { ...panel, remark } };
}

/** Requests the preview again before it is stale, and disarms a plan after a minute without a key. */
function onTick(state: State, panel: EmergencyPanel): Step {
  const { mode, preview, chosen } = panel;
  if (mode.is === 'armed' && !mode.sent && state.now - mode.since > ARMED_MS)
    return step(disarmed(state, panel, 'Disarmed after a minute without a key: nothing was sent.'));
  // While a console holds the pipe each request makes a gap in it: then only the operator's key sends one.
  const due = preview.kind === 'done' && !preview.again && state.now - preview.at > RECHECK_MS;
  if (!due || mode.is === 'run' || chosen === null || state.console !== null || state.link.kind === 'lost')
    return step(state);
  const overlay: EmergencyPanel = { ...panel, preview: { ...preview, again: true } };
  return step({ ...state, overlay }, { do: 'plan-show', panel: panel.id, name: chosen });
}

function withShown(panel: EmergencyPanel, shown: Shown): EmergencyPanel {
  const { mode } = panel;
  if (mode.is === 'armed') return { ...panel, mode: { ...mode, shown } };
  if (mode.is === 'run' && mode.prompt !== null)
    return { ...panel, mode: { ...mode, prompt: { ...mode.prompt, shown } } };
  return panel;
}
