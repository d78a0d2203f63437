/**
 * Keys in the emergency panel. One key arms, typed words start: no single key, no Enter alone, no paste, nothing typed
 * ahead and nothing typed before the words could be read begins anything. Keys that mean nothing do nothing. Pure.
 */
import { bindingOf, type Command, type Context, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent } from '../model/events.ts';
import { type EmergencyPanel, type PanelMode, runToShow, type Shown } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { ARMED_MS, refusesPlan } from './plan-rules.ts';
import { keyInRun } from './plan-run.ts';
import { RECHECK_MS, seenLongEnough, typedInto } from './power-rules.ts';
import { dismissed, withOperations } from './results.ts';

type TokenEvent = Extract<UiEvent, { type: 'token' }>;
type Armed = Extract<PanelMode, { is: 'armed' }>;

export function openEmergency(state: State): Step {
  const id = state.nextId;
  const run = runToShow(state);
  const overlay: EmergencyPanel = {
    ...{ kind: 'emergency', id, plans: { kind: 'running' }, chosen: null, preview: { kind: 'running' } },
    mode: run === null ? { is: 'choose' } : { is: 'run', id: run.id, node: null, prompt: null },
    ...{ scroll: 0, remark: null },
  };
  return step({ ...state, overlay, nextId: id + 1 }, { do: 'plans', panel: id });
}

export function keyInEmergency(state: State, panel: EmergencyPanel, event: TokenEvent): Step {
  const { token, burst } = event;
  if (token.kind === 'reply') return step(state);
  const { mode } = panel;
  if (mode.is === 'armed') return keyWhileArmed(state, panel, mode, event);
  if (token.kind !== 'key') return step(state);
  if (mode.is === 'run' && mode.prompt !== null) return keyInRun(state, panel, mode, token.name, burst);
  const context: Context = mode.is === 'choose' ? 'emergency' : 'plan-run';
  const binding = bindingOf(state, context, token.name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withRemark(state, panel, `${binding.help}: ${why}`));
  const clean: EmergencyPanel = { ...panel, remark: null };
  const common = onCommon(state, clean, binding.command);
  if (common !== null) return common;
  return mode.is === 'choose'
    ? onChoose(state, clean, binding.command, burst)
    : keyInRun(state, clean, mode, token.name, burst);
}

/** Lines that a key scrolls; how long the list is only the view knows. */
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
      return step({ ...state, overlay: null });
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
      return panel.chosen === null ? openEmergency(state) : choose(state, panel, panel.chosen);
    case 'arm': {
      if (burst > 1) return step(withRemark(state, panel, 'That came too fast to be meant: nothing was armed.'));
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

/** Takes a plan and asks what it would do now. Those who may only look do not make the nodes be asked. */
export function choose(state: State, panel: EmergencyPanel, name: string): Step {
  const chosen: EmergencyPanel = { ...panel, chosen: name, preview: { kind: 'running' }, scroll: 0, remark: null };
  if (state.access === 'view') {
    const why = 'Only sessions that may act make the nodes be asked';
    return step({ ...state, overlay: { ...chosen, preview: { kind: 'failed', why } } });
  }
  return step({ ...state, overlay: chosen }, { do: 'plan-show', panel: panel.id, name });
}

function keyWhileArmed(state: State, panel: EmergencyPanel, mode: Armed, { token, burst }: TokenEvent): Step {
  const become = (text: string, remark: string | null): Step =>
    step({
      ...state,
      overlay: { ...panel, mode: { ...mode, field: { text, focus: 'field' }, since: state.now }, remark },
    });
  if (token.kind === 'paste') return become('', 'A paste starts nothing: type it.');
  if (token.kind !== 'key' || mode.sent) return step(state);
  const command = bindingOf(state, 'armed', token.name)?.command;
  // Disarming is always believed.
  if (command === 'cancel' && burst === 1) return step(disarmed(state, panel, 'Disarmed: nothing was sent.'));
  if (burst > 1 || !seenLongEnough(mode.shown, state.now))
    return become('', 'That came too fast to be meant: it was left out.');
  if (command === 'accept') return onEnter(state, panel, mode, become);
  const text = typedInto(mode.field.text, token.name);
  return text === null ? step(state) : become(text, null);
}

function onEnter(
  state: State,
  panel: EmergencyPanel,
  mode: Armed,
  become: (text: string, remark: string) => Step,
): Step {
  const refusal = refusesPlan(state, panel);
  if (refusal !== null) return become('', refusal);
  if (panel.preview.kind !== 'done' || panel.chosen === null) return step(state);
  const { confirm } = panel.preview.answer;
  const { text } = mode.field;
  if (text === '' && confirm !== '') return become('', `Enter alone starts nothing: type ${confirm} first.`);
  if (text !== confirm) return become('', 'That is not it: nothing was sent.');
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

/** What the panel shows stays true while it is open, and it does not stay armed when nobody is there. */
export function emergencyTick(state: State, panel: EmergencyPanel): Step {
  const { mode, preview, chosen } = panel;
  if (mode.is === 'armed' && !mode.sent && state.now - mode.since > ARMED_MS)
    return step(disarmed(state, panel, 'Disarmed: nobody typed for a minute. Nothing was sent.'));
  // While a console holds the pipe each question tears a gap into it: then only the operator asks again.
  const due = preview.kind === 'done' && !preview.again && state.now - preview.at > RECHECK_MS;
  if (!due || mode.is === 'run' || chosen === null || state.console !== null || state.link.kind === 'lost')
    return step(state);
  const overlay: EmergencyPanel = { ...panel, preview: { ...preview, again: true } };
  return step({ ...state, overlay }, { do: 'plan-show', panel: panel.id, name: chosen });
}

/** What of the panel waits to be seen before keys count, or null. */
export function panelShown({ mode }: EmergencyPanel): Shown | null {
  if (mode.is === 'armed') return mode.shown;
  return mode.is === 'run' ? (mode.prompt?.shown ?? null) : null;
}

export function paintedPanel(panel: EmergencyPanel, shown: Shown): EmergencyPanel {
  const { mode } = panel;
  if (mode.is === 'armed') return { ...panel, mode: { ...mode, shown } };
  if (mode.is === 'run' && mode.prompt !== null)
    return { ...panel, mode: { ...mode, prompt: { ...mode.prompt, shown } } };
  return panel;
}
