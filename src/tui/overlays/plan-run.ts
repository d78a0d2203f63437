/** Keys at a running plan: pause, go on, leave a node out, abort; each but pausing is asked about. Pure. */
import type { PlanNodeRun, PlanRun } from '../../api/plans.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { type Effect, step, type Step } from '../model/events.ts';
import { type EmergencyPanel, nodesOfRun, type PanelMode, type RunPrompt, type Shown } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { seenLongEnough } from './power-rules.ts';

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
      // The list may be longer than the screen: who is chosen is said by name.
      return step(become({ node }, node === null ? null : `Chosen: ${nameOf(state, node)}. s leaves it out (asks).`));
    }
    case 'pause':
      return step(become({}, 'Pausing: nothing new is begun, what runs goes on.'), {
        ...{ do: 'plan-act', act: 'pause', id: run.id },
      });
    case 'resume':
      return step(become({ prompt: { act: 'resume', shown } }));
    case 'abort':
      return step(become({ prompt: { act: 'abort', shown } }));
    case 'skip': {
      const node = skippable(run).find(({ addr }) => addr === mode.node);
      if (node === undefined) return step(become({}, 'Choose a node with Down first: one that waits or has failed.'));
      return step(become({ prompt: { act: 'skip', addr: node.addr, shown } }));
    }
    default:
      return step(state);
  }
}

function effectOf({ id }: PlanRun, prompt: RunPrompt): Effect {
  return prompt.act === 'skip' ? { do: 'plan-skip', id, addr: prompt.addr } : { do: 'plan-act', act: prompt.act, id };
}

/** Nodes that could be left out: those that wait, and those that failed and hold the run up. */
export function skippable(run: PlanRun): PlanNodeRun[] {
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

/** What a prompt asks, in words. */
export function questionOfPrompt(state: State, run: PlanRun, prompt: RunPrompt): string {
  switch (prompt.act) {
    case 'abort':
      return `ABORT ${run.plan}? Nothing more is begun, what runs is ended; what was cut stays off.`;
    case 'resume':
      return `GO ON with ${run.plan}? Nodes that failed are looked at afresh and tried again; the rest follows.`;
    case 'skip':
      return `LEAVE OUT ${nameOf(state, prompt.addr)}? It stays as it is, and the plan goes on without it.`;
  }
}
