/** Keys that are the same on the map, after the console's prefix, at a console that was left, and in copy mode. */
import { oneRack } from './disabled-reasons.ts';
import type { Binding } from './lookup.ts';

type Where = 'map' | 'prefix' | 'left';

export function layoutKey(context: Where): Binding {
  return { context, keys: ['L'], command: 'layout', hint: 'layout', help: 'next layout: map, console, detail' };
}

export function markedKeys(context: 'prefix' | 'left'): Binding[] {
  const which = 'marked node, of all racks; the one open here is left';
  return [
    { context, keys: ['m'], command: 'next-marked', hint: null, help: `console of the next ${which}` },
    { context, keys: [','], command: 'previous-marked', hint: null, help: `console of the previous ${which}` },
  ];
}

export function timesKey(context: 'prefix' | 'left' | 'look'): Binding {
  return {
    context,
    keys: ['T'],
    command: 'times',
    hint: null,
    help: 'when each line came: time of day, age, seconds since the line before, or nothing',
  };
}

export function rackKeys(context: Where): Binding[] {
  return [
    { context, keys: ['>'], command: 'next-rack', hint: null, help: 'next rack', disabled: oneRack },
    { context, keys: ['<'], command: 'previous-rack', hint: null, help: 'previous rack', disabled: oneRack },
    { context, keys: ['R'], command: 'racks', hint: null, help: 'all racks at a glance', disabled: oneRack },
  ];
}
