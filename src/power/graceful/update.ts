/**
 * The graceful shutdown of one node: `update(state, event) → { state, effects }`. It cuts on four grounds only: the
 * kernel's last line after our request, followed by silence, on a machine that is dead to a touch (grade A); silence, a gone network and a steady halt current
 * together where the configuration allows it (grade B); an operator's confirmed choice; or a deadline for which cutting
 * was confirmed beforehand. Everything that it is not sure of becomes a question. Pure.
 */
import { answered } from './answers.ts';
import { consoleChanged, noConsole, pressAgain, turnCame, yieldConsole } from './console-hand.ts';
import { cutDone } from './cut-done.ts';
import { Draft } from './draft.ts';
import { hear } from './hear.ts';
import { credentials } from './hear-login.ts';
import { stood } from './hear-opening.ts';
import { networkChanged, sampled } from './judge.ts';
import { hooksDone, sshAnswered } from './ssh-answer.ts';
import { stalled } from './recall.ts';
import { journalled, notTyped, requested, sshRan, unsent } from './requesting.ts';
import type { Shutdown, ShutdownEvent, Step } from './state.ts';
import { tick } from './time.ts';
import { sounded } from './touch.ts';

export function update(state: Shutdown, event: ShutdownEvent): Step {
  const draft = new Draft(state, event.at);
  if (state.stage.is !== 'ended') apply(draft, event);
  return draft.result();
}

function apply(draft: Draft, event: ShutdownEvent): void {
  switch (event.kind) {
    case 'start':
      draft.open();
      return;
    case 'tick':
      if (event.wanted) yieldConsole(draft, event.urgent === true);
      tick(draft, event.pressed === true);
      return;
    case 'stalled':
      stalled(draft, event.ms);
      return;
    case 'console':
      consoleChanged(draft, event);
      return;
    case 'journalled':
      journalled(draft);
      return;
    case 'requested':
      requested(draft, event.leftAt);
      return;
    case 'unsent':
      unsent(draft);
      return;
    case 'ssh-ran':
      sshRan(draft);
      return;
    case 'spaced':
      if (draft.state.stage.is === 'spaced') draft.askBySsh();
      return;
    case 'turn':
      turnCame(draft);
      return;
    case 'no-console':
      noConsole(draft, event.why);
      return;
    case 'hooks-done':
      hooksDone(draft, event.why, event.required === true);
      return;
    case 'ssh-done':
      sshAnswered(draft, event.end);
      return;
    case 'network':
      networkChanged(draft, event);
      return;
    case 'sample':
      sampled(draft, event.sample, event.why);
      return;
    case 'sound':
      sounded(draft, event);
      return;
    case 'heard':
      draft.state.heardAt = event.at;
      hear(draft, event.recognition);
      return;
    case 'standing':
      stood(draft, event);
      return;
    case 'credentials':
      credentials(draft, event);
      return;
    case 'refused':
      if (draft.state.stage.is === 'judging') pressAgain(draft);
      else if (draft.state.stage.is === 'requesting') notTyped(draft, event.why);
      else if (mayAsk(draft)) draft.raise('refused', event.why);
      return;
    case 'answer':
      answered(draft, event);
      return;
    case 'abort':
      // Once cutting, the bus decides whether the verb can still be held back.
      if (draft.state.stage.is !== 'cutting') draft.end('aborted', `aborted: ${draft.whatGoesOn()}`);
      return;
    case 'cut-done':
      cutDone(draft, event);
      return;
  }
}

function mayAsk(draft: Draft): boolean {
  return draft.state.stage.is !== 'cutting';
}
