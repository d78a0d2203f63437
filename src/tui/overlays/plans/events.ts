/** Handles the server's messages about plans and runs. Pure. */
import type { PlanRun } from '../../../api/plans.ts';
import { keyOf } from '../../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../../model/events.ts';
import type { EmergencyPanel } from '../../model/overlays.ts';
import { nodesOfRun, runToShow } from '../../model/results.ts';
import type { State } from '../../model/state.ts';
import { reasonOf } from '../power/dialog.ts';
import { choose, disarmed } from './emergency.ts';

type PlanEvent = Extract<
  UiEvent,
  {
    type:
      | 'plan'
      | 'plans-listed'
      | 'plans-failed'
      | 'plan-shown'
      | 'plan-show-failed'
      | 'plan-started'
      | 'plan-start-failed';
  }
>;

export function planEvent(state: State, event: PlanEvent): Step {
  if (event.type === 'plan') return step(noted(state, event.note));
  const { overlay } = state;
  const panel = overlay?.kind === 'emergency' && overlay.id === event.panel ? overlay : null;
  const become = (changes: Partial<EmergencyPanel>): State =>
    panel === null ? state : { ...state, overlay: { ...panel, ...changes } };
  switch (event.type) {
    case 'plans-listed': {
      const { plans, runs } = event.list;
      const known = runs.reduce(withRun, { ...state, overlay: become({}).overlay });
      if (panel === null) return step(known);
      const listed: EmergencyPanel = { ...panel, plans: { kind: 'done', at: state.now, answer: plans, again: false } };
      const run = runToShow(known);
      // A run under way is shown first.
      if (run !== null && run.state !== 'ended' && panel.mode.is === 'choose')
        listed.mode = { is: 'run', id: run.id, node: null, prompt: null };
      const first = plans.find(({ cuts, problem }) => cuts && problem === null) ?? plans[0];
      return first === undefined
        ? step({ ...known, overlay: listed })
        : choose({ ...known, overlay: listed }, listed, first.name);
    }
    case 'plans-failed':
      return step(become({ plans: { kind: 'failed', why: event.error.message } }));
    case 'plan-shown':
      if (panel?.chosen !== event.preview.name) return step(state);
      return step(become({ preview: { kind: 'done', at: state.now, answer: event.preview, again: false } }));
    case 'plan-show-failed':
      if (panel?.chosen !== event.name) return step(state);
      return step(become({ preview: { kind: 'failed', why: event.error.message } }));
    case 'plan-started': {
      const { run } = event;
      const shows = `${keyOf(state, 'map', 'emergency')} shows`;
      const mode = { is: 'run', id: run.id, node: null, prompt: null } as const;
      const next = withRun({ ...state, overlay: become({ mode, scroll: 0, remark: null }).overlay }, run);
      return step(panel === null ? withNotice(next, 'info', `plan ${run.plan} is running; ${shows} it`) : next);
    }
    case 'plan-start-failed': {
      const why = reasonOf(event.error);
      return step(panel === null ? withNotice(state, 'error', why) : disarmed(state, panel, why));
    }
  }
}

function withRun(state: State, run: PlanRun): State {
  const before = state.runs.some(({ id }) => id === run.id);
  const runs = before ? state.runs.map((one) => (one.id === run.id ? run : one)) : [...state.runs, run];
  return { ...state, runs };
}

/** Shows a notice when a run stops by itself, in whichever pane the operator is. */
function noted(state: State, run: PlanRun): State {
  const before = state.runs.find(({ id }) => id === run.id);
  const next = withRun(state, run);
  if (before === undefined || before.state === run.state || state.overlay?.kind === 'emergency') return next;
  const shows = `${keyOf(state, 'map', 'emergency')} shows`;
  if (run.state === 'paused' || run.state === 'interrupted')
    return withNotice(next, 'warning', `plan ${run.plan} is ${run.state}: ${run.detail} (${shows} it)`);
  if (run.state !== 'ended') return next;
  const nodes = nodesOfRun(run);
  const done = nodes.filter(({ outcome }) => outcome === 'done').length;
  const level = done === nodes.length ? 'info' : 'warning';
  return withNotice(next, level, `plan ${run.plan} has ended: ${done} of ${nodes.length} done (${shows} it)`);
}
