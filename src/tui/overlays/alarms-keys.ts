/** Keys of the list of alarms: the part of the table in bindings.ts that is about them. */
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';
import type { State } from '../model/state.ts';

const whilePast = ({ overlay }: State): string | null =>
  overlay?.kind === 'alarms' && overlay.past !== null ? 'all of these were seen' : null;

export const ALARM_BINDINGS: readonly Binding[] = [
  { context: 'alarms', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next alarm' },
  { context: 'alarms', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous alarm' },
  {
    ...{ context: 'alarms', keys: ['space', 'a'], command: 'acknowledge', hint: 'acknowledge' },
    help: 'acknowledge the selected alarm',
    disabled: first(viewOnly, noLink, whilePast),
  },
  {
    ...{ context: 'alarms', keys: ['A'], command: 'acknowledge-all', hint: 'acknowledge all' },
    help: 'acknowledge all alarms',
    disabled: first(viewOnly, noLink, whilePast),
  },
  {
    ...{ context: 'alarms', keys: ['h'], command: 'past', hint: 'history', disabled: noLink },
    help: 'alarms of before, over and seen; again: those that stand',
  },
  { context: 'alarms', keys: ['enter'], command: 'accept', hint: 'go to the node', help: 'to the alarm’s node' },
  { context: 'alarms', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close' },
];
