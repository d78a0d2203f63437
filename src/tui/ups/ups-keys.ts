/**
 * Keys of the supply pane, and those that switch a demo's mains: the part of the table in bindings.ts about them.
 */
import type { Binding } from '../keymap/lookup.ts';
import type { State } from '../model/state.ts';

const noPolicy = (state: State): string | null =>
  state.outage.policies.length === 0 ? 'the server knows of no supply' : null;
const notDemo = (state: State): string | null =>
  state.settings.demo ? null : "this rack is not simulated: 'rackui demo'";

export const SUPPLY_BINDINGS: readonly Binding[] = [
  {
    ...{ context: 'map', keys: ['u'], command: 'supply', hint: null, disabled: noPolicy },
    help: 'supply: UPSes with their history, what an outage would do now, and what the last one did',
  },
  {
    ...{ context: 'map', keys: ['f7'], command: 'mains-fail', hint: null, demo: true, disabled: notDemo },
    help: 'mains fail (demo): the simulated rack lives on its battery',
  },
  {
    ...{ context: 'map', keys: ['f8'], command: 'mains-return', hint: null, demo: true, disabled: notDemo },
    help: 'mains return (demo): the battery charges, nodes come back',
  },

  { context: 'supply', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next UPS', help: 'next UPS' },
  { context: 'supply', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'the UPS before' },
  {
    ...{ context: 'supply', keys: ['t'], command: 'span', hint: 'charts' },
    help: 'charts of minutes, the last hour, the last day',
  },
  {
    ...{ context: 'supply', keys: ['pagedown', 'space'], command: 'scroll-down', hint: 'scroll' },
    help: 'scroll what comes and what happened',
  },
  { context: 'supply', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  { context: 'supply', keys: ['escape', 'q', 'u'], command: 'cancel', hint: 'close', help: 'close' },
];
