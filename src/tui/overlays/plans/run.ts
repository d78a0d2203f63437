/**
 * Controls a run in the emergency panel: pause, resume, skip a node, abort; each but pausing needs confirmation.
 * Pure.
 */
import type { PlanNodeRun, PlanRun, PlanState } from '../../../api/plans.ts';
import { first, noLink, noOperations, viewOnly } from '../../keymap/disabled-reasons.ts';
import { type Binding, bindingOf } from '../../keymap/lookup.ts';
import { type Effect, step, type Step } from '../../model/events.ts';
import type { EmergencyPanel, PanelMode, RunPrompt, Shown } from '../../model/overlays.ts';
import { nodesOfRun } from '../../model/results.ts';
import { nameOf, type State } from '../../model/state.ts';
import { seenLongEnough } from '../overlay.ts';

/** Returns a check that the shown run is in one of these states. */
function runIn(...states: readonly PlanState[]): (state: State) => string | null {
  return ({ overlay, runs }) => {
    const id = overlay?.kind === 'emergency' && overlay.mode.is === 'run' ? overlay.mode.id : null;
    const run = runs.find((one) => one.id === id);
    if (run === undefined) return 'no plan is shown';
    return states.includes(run.state) ? null : `this plan is ${run.state}`;
  };
}

/** Keys at a run. */
export const RUN_KEYS: readonly Binding[] = [
  {
    context: 'plan-run',
    keys: ['a'],
    command: 'abort',
    hint: 'ABORT',
    dangerous: true,
    help: 'abort the plan (with confirmation)',
    disabled: first(viewOnly, noLink, runIn('running', 'pausing', 'paused', 'interrupted')),
  },
  {
    context: 'plan-run',
    keys: ['p'],
    command: 'pause',
    hint: 'pause',
    dangerous: true,
    help: 'pause: start no further operation; running ones continue',
    disabled: first(viewOnly, noLink, runIn('running')),
  },
  {
    context: 'plan-run',
    keys: ['r'],
    command: 'resume',
    hint: 'resume',
    dangerous: true,
    help: 'resume after a pause or an interruption (with confirmation)',
    disabled: first(viewOnly, noLink, runIn('pausing', 'paused', 'interrupted')),
  },
  {
    context: 'plan-run',
    keys: ['s'],
    command: 'skip',
    hint: 'skip a node',
    dangerous: true,
    help: 'skip the selected node (with confirmation)',
    disabled: first(viewOnly, noLink, runIn('running', 'pausing', 'paused', 'interrupted')),
  },
  { context: 'plan-run', keys: ['down', 'j'], command: 'down', hint: null, help: 'select a node that waits or failed' },
  { context: 'plan-run', keys: ['up', 'k'], command: 'up', hint: null, help: 'select the previous one' },
  {
    context: 'plan-run',
    keys: ['o'],
    command: 'operations',
    hint: 'operations',
    disabled: noOperations,
    help: 'its operations: evidence, and prompts to answer',
  },
  {
    context: 'plan-run',
    keys: ['pagedown', 'space'],
    command: 'scroll-down',
    hint: 'scroll',
    help: 'scroll its nodes',
  },
  { context: 'plan-run', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  {
    context: 'plan-run',
    keys: ['x'],
    command: 'dismiss',
    hint: 'dismiss',
    disabled: runIn('ended'),
    help: 'dismiss the result',
  },
  { context: 'plan-run', keys: ['tab'], command: 'next-pane', hint: 'plans', help: 'list of plans' },
  { context: 'plan-run', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close; the plan continues' },
];

type RunMode = Extract<PanelMode, { is: 'run' }>;

export function keyInRun(state: State, panel: EmergencyPanel, mode: RunMode, name: string, burst: number): Step {
  const become = (changes: Partial<RunMode>, remark: string | null = null): State => ({
    ...state,
    overlay: { ...panel, mode: { ...mode, ...changes }, remark },
  });
  const run = state.runs.find(({ id }) => id === mode.id);
  if (run === undefined) return step(become({ prompt: null }));
  if (mode.prompt !== null) {
    const answered = name === 'y' && burst === 1 && seenLongEnough(mode.prompt.shown, state.now);
    if (!answered) return step(become({ prompt: null }, 'Nothing was sent.'));
    return step(become({ prompt: null }), effectOf(run, mode.prompt));
  }
  const shown: Shown = { kind: 'pending' };
  const command = bindingOf(state, 'plan-run', name)?.command;
  switch (command) {
    case 'down':
    case 'up': {
      const node = neighbourOf(run, mode.node, command === 'down' ? 1 : -1);
      // The list may be longer than the screen: the notice names the chosen node.
      return step(
        become({ node }, node === null ? null : `Selected: ${nameOf(state, node)}. s skips it (with confirmation).`),
      );
    }
    case 'pause':
      return step(become({}, 'Pausing: no further operation is started; running ones continue.'), {
        do: 'plan-act',
        act: 'pause',
        id: run.id,
      });
    case 'resume':
      return step(become({ prompt: { act: 'resume', shown } }));
    case 'abort':
      return step(become({ prompt: { act: 'abort', shown } }));
    case 'skip': {
      const node = skippable(run).find(({ addr }) => addr === mode.node);
      if (node === undefined) return step(become({}, 'Select a node that waits or has failed with Down first.'));
      return step(become({ prompt: { act: 'skip', addr: node.addr, shown } }));
    }
    default:
      return step(state);
  }
}

function effectOf({ id }: PlanRun, prompt: RunPrompt): Effect {
  return prompt.act === 'skip' ? { do: 'plan-skip', id, addr: prompt.addr } : { do: 'plan-act', act: prompt.act, id };
}

/** Returns the nodes that can be skipped: those that wait, and those that failed and hold the run up. */
function skippable(run: PlanRun): PlanNodeRun[] {
  return nodesOfRun(run).filter(
    ({ state, outcome }) => state === 'waiting' || (outcome !== null && outcome !== 'done' && outcome !== 'skipped'),
  );
}

function neighbourOf(run: PlanRun, from: number | null, by: 1 | -1): number | null {
  const nodes = skippable(run);
  const at = nodes.findIndex(({ addr }) => addr === from);
  const next = at < 0 ? (by > 0 ? 0 : nodes.length - 1) : (at + by + nodes.length) % nodes.length;
  return nodes[next]?.addr ?? null;
}

/** Returns the question of a prompt, in words. */
export function questionOfPrompt(state: State, run: PlanRun, prompt: RunPrompt): string {
  switch (prompt.act) {
    case 'abort':
      return `ABORT ${run.plan}? No further operation is started, running ones are aborted; nodes that are off stay off.`;
    case 'resume':
      return `RESUME ${run.plan}? Nodes that failed are checked and tried again; the rest follows.`;
    case 'skip':
      return `SKIP ${nameOf(state, prompt.addr)}? It stays as it is, and the plan continues without it.`;
  }
}
