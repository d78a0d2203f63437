/**
 * Plans over several racks: a list, the preview of one with the words that start it, and its run by rack. Only typed
 * words start what cuts power, as in the emergency panel of one rack. Pure.
 */
import { first, viewOnly } from '../../keymap/disabled-reasons.ts';
import { type Binding, bindingOf, disabledReason } from '../../keymap/lookup.ts';
import { step, type Step, withNotice } from '../../model/events.ts';
import type { FleetEvent, FleetPlans } from '../../model/fleet-plans.ts';
import type { Command, Context } from '../../model/keys.ts';
import type { Overlay, Shown } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import { type KeyPress, type OverlayType, seenLongEnough, typedInto } from '../overlay.ts';
import { paintFleetPlans } from './fleet-plans-view.ts';
import { type FleetMode, type FleetPlansPanel, isDrivable, runOf } from './panel.ts';

type Preview = Extract<FleetMode, { is: 'preview' }>;
type Run = Extract<FleetMode, { is: 'run' }>;

/** Returns the reason why the shown run cannot be paused, aborted or resumed; null: it can. */
const runIs =
  (act: 'pause' | 'abort' | 'resume') =>
  (state: State): string | null => {
    const { overlay } = state;
    const id = overlay?.kind === 'fleet-plans' && overlay.mode.is === 'run' ? overlay.mode.id : null;
    return id === null ? null : isDrivable(runOf(state, id), act);
  };

const KEYS: readonly Binding[] = [
  { context: 'fleet-plans', keys: ['down', 'j', 'tab'], command: 'down', hint: 'select', help: 'next plan or run' },
  { context: 'fleet-plans', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous plan or run' },
  {
    context: 'fleet-plans',
    keys: ['enter'],
    command: 'accept',
    hint: 'open',
    help: 'ask the racks what the plan would do, before its words start it; of a run: its state',
  },
  { context: 'fleet-plans', keys: ['escape', 'q', '!'], command: 'cancel', hint: 'close', help: 'close' },
  {
    context: 'fleet-run',
    keys: ['p'],
    command: 'pause',
    hint: 'pause',
    dangerous: true,
    help: 'pause it: what runs on the racks is paused there, nothing more is started',
    disabled: first(viewOnly, runIs('pause')),
  },
  {
    context: 'fleet-run',
    keys: ['a'],
    command: 'abort',
    hint: 'ABORT',
    dangerous: true,
    help: 'abort it on all racks (with confirmation)',
    disabled: first(viewOnly, runIs('abort')),
  },
  {
    context: 'fleet-run',
    keys: ['r'],
    command: 'resume',
    hint: 'resume',
    dangerous: true,
    help: 'resume it, after the words for what was not confirmed yet',
    disabled: first(viewOnly, runIs('resume')),
  },
  { context: 'fleet-run', keys: ['pagedown', 'space'], command: 'scroll-down', hint: null, help: 'scroll' },
  { context: 'fleet-run', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  { context: 'fleet-run', keys: ['escape', 'q'], command: 'cancel', hint: 'list', help: 'back to the list' },
];

export const FLEET_PLANS: OverlayType<FleetPlansPanel> = {
  kind: 'fleet-plans',
  sections: [
    {
      context: 'fleet-plans',
      title: 'Plans of several racks',
      where: 'in the list of plans of several racks',
      fixed: true,
    },
    { context: 'fleet-run', title: 'A run over several racks', where: 'at a run over several racks', fixed: true },
  ],
  keys: KEYS,
  survivesReconnect: true,
  behind: ({ back }) => back,
  context: ({ mode }): Context | null =>
    mode.is === 'choose' ? 'fleet-plans' : mode.is === 'run' && mode.asks === null ? 'fleet-run' : null,
  onKey,
  onPaste: (state, panel) =>
    panel.mode.is === 'preview' ? typed(state, panel, panel.mode, '', 'A paste starts nothing: type it.') : step(state),
  paint: (frame, state, panel, { g }) => paintFleetPlans(frame, state, panel, g),
  shown: ({ mode }) => (mode.is === 'preview' ? mode.shown : mode.is === 'run' ? mode.asks : null),
  withShown: (panel, shown) => {
    const { mode } = panel;
    if (mode.is === 'preview') return { ...panel, mode: { ...mode, shown } };
    return mode.is === 'run' ? { ...panel, mode: { ...mode, asks: shown } } : panel;
  },
};

/** Opens the list over a view of all racks. */
export function openFleetPlans(state: State, back: Overlay | null): Step {
  const overlay: FleetPlansPanel = {
    ...{ kind: 'fleet-plans', id: state.nextId, back, mode: { is: 'choose' } },
    ...{ index: 0, scroll: 0, remark: null },
  };
  return step({ ...state, overlay, nextId: state.nextId + 1 });
}

/** Returns the entries of the list: the plans, then their runs, the latest first. */
function entriesOf({ racks: { fleet } }: State): ({ plan: string } | { run: string })[] {
  if (fleet === undefined) return [];
  return [
    ...fleet.plans.map(({ name }) => ({ plan: name })),
    ...fleet.runs.map(({ record }) => ({ run: record.id })).reverse(),
  ];
}

function onKey(state: State, panel: FleetPlansPanel, key: KeyPress): Step {
  const { mode } = panel;
  if (mode.is === 'preview') return keyInPreview(state, panel, mode, key);
  if (mode.is === 'run' && mode.asks !== null) return keyInQuestion(state, panel, mode, mode.asks, key);
  const binding = bindingOf(state, mode.is === 'choose' ? 'fleet-plans' : 'fleet-run', key.name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return become(state, panel, { remark: `${binding.command}: ${why}` });
  return mode.is === 'choose'
    ? onChoose(state, panel, binding.command)
    : onRun(state, { ...panel, remark: null }, mode, binding.command);
}

const become = (state: State, panel: FleetPlansPanel, changes: Partial<FleetPlansPanel>): Step =>
  step({ ...state, overlay: { ...panel, ...changes } });

function onChoose(state: State, panel: FleetPlansPanel, command: Command): Step {
  const entries = entriesOf(state);
  const at = Math.max(0, Math.min(panel.index, entries.length - 1));
  switch (command) {
    case 'down':
    case 'up': {
      const index = (at + (command === 'down' ? 1 : entries.length - 1)) % Math.max(1, entries.length);
      return become(state, panel, { index, remark: null });
    }
    case 'accept': {
      const entry = entries[at];
      if (entry === undefined) return step(state);
      return 'run' in entry
        ? become(state, panel, { mode: { is: 'run', id: entry.run, asks: null }, scroll: 0, remark: null })
        : openPreview(state, panel, entry.plan, null);
    }
    case 'cancel':
      return step({ ...state, overlay: panel.back });
    default:
      return step(state);
  }
}

/** Asks the racks; not in view-only sessions, because a preview polls the nodes. */
function openPreview(state: State, panel: FleetPlansPanel, plan: string, run: string | null): Step {
  const why = viewOnly(state);
  if (why !== null)
    return become(state, panel, { remark: `${why}: a preview checks the nodes, which only control sessions may do` });
  const mode: Preview = {
    ...{ is: 'preview', plan, run, preview: { kind: 'running' }, text: '', shown: { kind: 'pending' }, sent: false },
  };
  const overlay: FleetPlansPanel = { ...panel, mode, scroll: 0, remark: null };
  return step({ ...state, overlay }, { do: 'fleet-preview', panel: panel.id, plan, run });
}

/** Lines that a key scrolls; only the view knows the number of lines. */
const SCROLL = 8;
const SCROLL_END = 400;
const scrolled = (scroll: number, by: number): number => Math.max(0, Math.min(SCROLL_END, scroll + by));

/** Age after which a preview starts nothing: the racks are asked again, ms. */
const OLD_MS = 60_000;

function typed(state: State, panel: FleetPlansPanel, mode: Preview, text: string, remark: string | null): Step {
  return become(state, panel, { mode: { ...mode, text }, remark });
}

function keyInPreview(state: State, panel: FleetPlansPanel, mode: Preview, { name, burst }: KeyPress): Step {
  if (name === 'pagedown') return become(state, panel, { scroll: scrolled(panel.scroll, SCROLL) });
  if (name === 'pageup') return become(state, panel, { scroll: scrolled(panel.scroll, -SCROLL) });
  if (name === 'escape') {
    const { run } = mode;
    const next: FleetMode = run === null ? { is: 'choose' } : { is: 'run', id: run, asks: null };
    if (mode.sent) return step(state);
    const overlay: FleetPlansPanel = { ...panel, mode: next, scroll: 0, remark: 'Nothing was started.' };
    return step({ ...state, overlay }, { do: 'fleet-forget', panel: panel.id });
  }
  if (mode.sent || mode.preview.kind !== 'done') return step(state);
  if (burst > 1 || !seenLongEnough(mode.shown, state.now))
    return typed(state, panel, mode, '', 'Input came too fast: it was ignored.');
  if (name === 'enter') return onEnter(state, panel, mode, mode.preview);
  const text = mode.preview.answer.confirm === '' ? null : typedInto(mode.text, name);
  return text === null ? step(state) : typed(state, panel, mode, text, null);
}

function onEnter(
  state: State,
  panel: FleetPlansPanel,
  mode: Preview,
  { at, answer }: Extract<Preview['preview'], { kind: 'done' }>,
): Step {
  const { confirm } = answer;
  if (state.now - at > OLD_MS) {
    const again = openPreview(state, panel, mode.plan, mode.run);
    const remark = 'What the racks said was more than a minute old: they are asked again.';
    return { ...again, state: { ...again.state, overlay: withRemark(again.state.overlay, remark) } };
  }
  if (mode.text === '' && confirm !== '')
    return typed(state, panel, mode, '', `Enter alone starts nothing: type ${confirm} first.`);
  if (mode.text !== confirm) return typed(state, panel, mode, '', 'The words do not match: nothing was started.');
  const overlay: FleetPlansPanel = { ...panel, mode: { ...mode, sent: true }, remark: null };
  return step({ ...state, overlay }, { do: 'fleet-start', panel: panel.id, confirm: mode.text });
}

function withRemark(overlay: Overlay | null, remark: string): Overlay | null {
  return overlay?.kind === 'fleet-plans' ? { ...overlay, remark } : overlay;
}

function onRun(state: State, panel: FleetPlansPanel, mode: Run, command: Command): Step {
  switch (command) {
    case 'pause':
      return step(
        { ...state, overlay: { ...panel, remark: 'It is being paused.' } },
        { do: 'fleet-act', panel: panel.id, act: 'pause', id: mode.id },
      );
    case 'abort':
      return become(state, panel, { mode: { ...mode, asks: { kind: 'pending' } } });
    case 'resume':
      return openPreview(state, panel, runOf(state, mode.id)?.record.plan ?? '', mode.id);
    case 'scroll-down':
      return become(state, panel, { scroll: scrolled(panel.scroll, SCROLL) });
    case 'scroll-up':
      return become(state, panel, { scroll: scrolled(panel.scroll, -SCROLL) });
    case 'cancel':
      return become(state, panel, { mode: { is: 'choose' }, scroll: 0 });
    default:
      return step(state);
  }
}

function keyInQuestion(state: State, panel: FleetPlansPanel, mode: Run, asks: Shown, { name, burst }: KeyPress): Step {
  const overlay: FleetPlansPanel = { ...panel, mode: { ...mode, asks: null } };
  if (name !== 'y' || burst > 1 || !seenLongEnough(asks, state.now)) return step({ ...state, overlay });
  return step(
    { ...state, overlay: { ...overlay, remark: 'It is being aborted.' } },
    { do: 'fleet-act', panel: panel.id, act: 'abort', id: mode.id },
  );
}

/** Takes over the plans and runs; a remark about the shown run ends with its state. */
function withPlans(before: State, fleet: FleetPlans): State {
  const state = { ...before, racks: { ...before.racks, fleet } };
  const { overlay } = state;
  if (overlay?.kind !== 'fleet-plans' || overlay.mode.is !== 'run') return state;
  const { id } = overlay.mode;
  const changed = runOf(before, id)?.record.state !== runOf(state, id)?.record.state;
  return changed ? { ...state, overlay: { ...overlay, remark: null } } : state;
}

/** Handles what the driver of these plans reports. */
export function fleetEvent(state: State, event: FleetEvent): Step {
  if (event.type === 'fleet-plans') return step(withPlans(state, event.fleet));
  const panel = state.overlay;
  if (panel?.kind !== 'fleet-plans' || panel.id !== event.panel)
    return event.type === 'fleet-failed' ? step(withNotice(state, 'error', event.why)) : step(state);
  const { mode } = panel;
  switch (event.type) {
    case 'fleet-previewed': {
      if (mode.is !== 'preview' || mode.plan !== event.preview.plan) return step(state);
      const preview = { kind: 'done', at: state.now, answer: event.preview, again: false } as const;
      return become(state, panel, { mode: { ...mode, preview, text: '', shown: { kind: 'pending' } } });
    }
    case 'fleet-started':
      return become(state, panel, { mode: { is: 'run', id: event.id, asks: null }, scroll: 0, remark: null });
    case 'fleet-failed': {
      const { why } = event;
      if (mode.is !== 'preview') return become(state, panel, { remark: why });
      if (mode.sent) return become(state, panel, { mode: { ...mode, sent: false, text: '' }, remark: why });
      return become(state, panel, { mode: { ...mode, preview: { kind: 'failed', why } } });
    }
  }
}
