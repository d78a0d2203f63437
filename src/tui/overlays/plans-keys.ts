/** Keys of the emergency panel: the part of the table in bindings.ts that is about plans. */
import { first, noLink, noOperations, noRun, runIn, viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';

export const PLAN_BINDINGS: readonly Binding[] = [
  { context: 'emergency', keys: ['down', 'j'], command: 'down', hint: 'choose', help: 'next plan' },
  { context: 'emergency', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous plan' },
  {
    ...{ context: 'emergency', keys: ['a'], command: 'arm', hint: 'ARM', dangerous: true },
    help: 'arm the plan: then typed words start it',
    disabled: first(viewOnly, noLink),
  },
  {
    ...{ context: 'emergency', keys: ['pagedown', 'space'], command: 'scroll-down', hint: 'scroll' },
    help: 'scroll what it would do',
  },
  { context: 'emergency', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  { context: 'emergency', keys: ['r'], command: 'ask-again', hint: 'ask again', help: 'ask the nodes again' },
  {
    ...{ context: 'emergency', keys: ['tab'], command: 'next-pane', hint: 'the run', disabled: noRun },
    help: 'to the plan that runs, or the last result; there, back to the plans',
  },
  { context: 'emergency', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close' },

  {
    ...{ context: 'armed', keys: ['enter'], command: 'accept', hint: 'starts it, after the words' },
    help: 'start the plan, when its words are typed',
  },
  { context: 'armed', keys: ['escape'], command: 'cancel', hint: 'DISARM', help: 'disarm' },

  {
    ...{ context: 'plan-run', keys: ['a'], command: 'abort', hint: 'ABORT', dangerous: true },
    help: 'abort the plan (asks)',
    disabled: first(viewOnly, noLink, runIn('running', 'pausing', 'paused', 'interrupted')),
  },
  {
    ...{ context: 'plan-run', keys: ['p'], command: 'pause', hint: 'pause', dangerous: true },
    help: 'begin nothing new; what runs goes on',
    disabled: first(viewOnly, noLink, runIn('running')),
  },
  {
    ...{ context: 'plan-run', keys: ['r'], command: 'resume', hint: 'go on', dangerous: true },
    help: 'go on after a pause or an interruption (asks)',
    disabled: first(viewOnly, noLink, runIn('pausing', 'paused', 'interrupted')),
  },
  {
    ...{ context: 'plan-run', keys: ['s'], command: 'skip', hint: 'leave a node out', dangerous: true },
    help: 'leave the chosen node out (asks)',
    disabled: first(viewOnly, noLink, runIn('running', 'pausing', 'paused', 'interrupted')),
  },
  { context: 'plan-run', keys: ['down', 'j'], command: 'down', hint: null, help: 'choose a node that waits or failed' },
  { context: 'plan-run', keys: ['up', 'k'], command: 'up', hint: null, help: 'choose the one before' },
  {
    ...{ context: 'plan-run', keys: ['o'], command: 'operations', hint: 'operations', disabled: noOperations },
    help: 'its operations: evidence, and questions to answer',
  },
  {
    ...{ context: 'plan-run', keys: ['pagedown', 'space'], command: 'scroll-down', hint: 'scroll' },
    help: 'scroll its nodes',
  },
  { context: 'plan-run', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  {
    ...{ context: 'plan-run', keys: ['x'], command: 'dismiss', hint: 'put away', disabled: runIn('ended') },
    help: 'put the result away',
  },
  { context: 'plan-run', keys: ['tab'], command: 'next-pane', hint: 'plans', help: 'to the list of plans' },
  { context: 'plan-run', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close; the plan goes on' },
];
