/** What a person answers to a question, and what follows from it. Pure. */
import { goesByItself } from './console-hand.ts';
import type { Draft } from './draft.ts';
import { hooksDone } from './ssh-answer.ts';
import type { EventOf } from './state.ts';
import { choicesOf, WAIT_MS, type Choice } from './troubles.ts';

export function answered(draft: Draft, { choice, by }: EventOf<'answer'>): void {
  const { state } = draft;
  const { trouble, stage } = state;
  if (trouble === null || !choicesOf(trouble.kind).includes(choice as Choice)) return;
  draft.prove('answer', `${by} chose: ${choice}`);
  switch (choice as Choice) {
    case 'wait':
      draft.settled();
      state.until = draft.at + WAIT_MS;
      if (stage.is === 'stopping') state.stage = { ...stage, hardUntil: Math.max(stage.hardUntil, draft.at + WAIT_MS) };
      if (stage.is === 'judging' || stage.is === 'gone') {
        draft.enter({ is: 'gone', hardUntil: stage.hardUntil, judgeAt: draft.at + WAIT_MS, unit: null }, WAIT_MS);
        return;
      }
      if (!state.console.held) draft.acquire(goesByItself(draft) ? 'watch' : 'ask');
      // A console that is away gets as long again before it is called lost again.
      else if (!state.console.open) state.console = { ...state.console, closedAt: draft.at + WAIT_MS };
      return;
    case 'retry':
      draft.settled();
      retry(draft, trouble.kind);
      return;
    case 'skip':
      draft.settled();
      draft.prove('hook', `${by} goes on without it`);
      hooksDone(draft, '');
      return;
    case 'trust':
      draft.settled();
      state.trusted = true;
      draft.open();
      return;
    case 'sync':
      draft.settled();
      state.goal = 'rescue';
      draft.open();
      return;
    case 'console':
      draft.settled();
      state.neverCut = null;
      state.requestedAt = draft.at;
      draft.prove('intent', `${by} means to shut it down by hand on its console`);
      draft.do({ do: 'listen' });
      draft.acquire('ask');
      draft.enter({ is: 'by-hand' }, Math.max(state.target.limits.request, WAIT_MS));
      return;
    case 'leave':
      draft.end('left-on', `left on as ${by} chose: ${draft.whatGoesOn()}`, false, 'no');
      return;
    case 'force':
      draft.cut('forced');
      return;
  }
}

function retry(draft: Draft, kind: string): void {
  const { state } = draft;
  switch (kind) {
    case 'cut-failed':
      // The halt stands, and has to settle once more.
      state.until = draft.at + state.target.limits.settle;
      return;
    case 'force-failed':
      draft.open();
      return;
    case 'hook-failed':
      draft.enter({ is: 'before' }, state.target.hooks?.limit ?? 0);
      draft.do({ do: 'run-hooks' });
      return;
    case 'bmc-lost':
      state.bmc = { ...state.bmc, at: draft.at, failures: 0 };
      if (state.stage.is === 'settle') {
        state.stage = { ...state.stage, touch: null };
        state.until = draft.at + state.target.limits.settle;
      }
      return;
    case 'console-lost':
    case 'console-held':
      if (state.requestedAt === null) {
        draft.open();
        return;
      }
      state.until = draft.at + WAIT_MS;
      draft.acquire('ask');
      return;
    default:
      state.neverCut = null;
      state.sshProblem = null;
      state.goal = 'poweroff';
      state.console = { ...state.console, problem: '' };
      draft.open();
      return;
  }
}
