/** Keys from rack to rack, where the interface shows several: the part of the table in bindings.ts about them. */
import type { Binding } from '../keymap/lookup.ts';
import type { State } from '../model/state.ts';

const oneRack = (state: State): string | null =>
  state.racks.names.length === 1 ? 'one rack is configured; several are a list of files (racks:)' : null;

export const RACK_BINDINGS: readonly Binding[] = [
  ...(['map', 'prefix', 'left'] as const).flatMap((context): Binding[] => [
    { context, keys: ['>'], command: 'next-rack', hint: null, help: 'to the next rack', disabled: oneRack },
    { context, keys: ['<'], command: 'previous-rack', hint: null, help: 'to the rack before', disabled: oneRack },
    { context, keys: ['R'], command: 'racks', hint: null, help: 'all racks at a glance', disabled: oneRack },
  ]),
  { context: 'racks', keys: ['down', 'j'], command: 'down', hint: 'next', help: 'next rack' },
  { context: 'racks', keys: ['up', 'k'], command: 'up', hint: null, help: 'the rack before' },
  { context: 'racks', keys: ['enter'], command: 'accept', hint: 'go there', help: 'to this rack' },
  {
    context: 'racks',
    keys: ['escape', 'q', 'R'],
    command: 'cancel',
    hint: 'close',
    help: 'back to the rack that was shown',
  },
];
