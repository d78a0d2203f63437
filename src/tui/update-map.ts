/** Keys on the map. Pure. */
import { formatAddress, rowOf, slotOf, SLOTS_PER_BLADE, type Address } from '../rack/address.ts';
import { bindingOf, disabledReason, type Command } from './bindings.ts';
import { step, withNotice, type Step } from './events.ts';
import { acrossBands } from './layout-map.ts';
import { blades, layoutOf } from './layout.ts';
import { nameOf, targetsOf, type State } from './state.ts';
import { openBus } from './update-bus.ts';
import { attachTo } from './update-console.ts';
import { openConsoles } from './update-consoles.ts';
import { openEmergency } from './update-emergency.ts';
import { dismissed, withOperations } from './update-results.ts';
import { fitCells, nextLayout, zoomCells } from './update-view.ts';

export function keyOnMap(before: State, name: string): Step {
  const state = before.notice === null ? before : { ...before, notice: null };
  const jump = keyOfAddress(state, name);
  if (jump !== null) return jump;
  const binding = bindingOf(state, 'map', name);
  if (binding === null) return step({ ...state, digit: null });
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice({ ...state, digit: null }, 'info', `${binding.help}: ${why}`));
  return onCommand({ ...state, digit: null }, binding.command);
}

/** Two hex digits jump. The first is 0 to 7, as no address is higher; letters are only read behind it. */
function keyOfAddress(state: State, name: string): Step | null {
  if (state.digit !== null && /^[0-9a-f]$/i.test(name)) {
    const addr = Number.parseInt(state.digit.text + name, 16);
    const moved: State = { ...state, digit: null };
    if (state.rack.nodes.some((node) => node.addr === addr)) return step({ ...moved, cursor: addr });
    return step(withNotice(moved, 'warning', `no node at address ${formatAddress(addr)}`));
  }
  if (/^[0-7]$/.test(name)) return step({ ...state, digit: { text: name, at: state.now } });
  return null;
}

function onCommand(state: State, command: Command): Step {
  switch (command) {
    case 'up':
    case 'down':
    case 'left':
    case 'right':
      return step({ ...state, cursor: neighbour(state, state.cursor, command) });
    case 'attach':
      return attachTo(state, state.cursor);
    case 'mark':
      return step({ ...state, marks: toggled(state, [state.cursor]) });
    case 'mark-blade':
      return step({ ...state, marks: toggled(state, bladeOf(state)) });
    case 'mark-all':
      return step({ ...state, marks: toggled(state, allOf(state)) });
    case 'cancel':
      return step({ ...state, marks: new Set() });
    case 'power':
      if (state.marks.size === 0 && !allOf(state).includes(state.cursor))
        return step(withNotice(state, 'info', 'an empty slot has no power to switch'));
      return step({ ...state, overlay: { kind: 'menu', targets: targetsOf(state), index: 0 } });
    case 'operations':
      return step(withOperations(state));
    case 'emergency':
      return openEmergency(state);
    case 'bus':
      return openBus(state);
    case 'alarms':
      return step({ ...state, overlay: { kind: 'alarms', selected: null } });
    case 'dismiss':
      return step(dismissed(state));
    case 'next-pane':
      return step({ ...state, focus: 'console' });
    case 'zoom':
      return step({ ...state, zoom: !state.zoom, focus: 'console' });
    case 'layout':
      return nextLayout(state);
    case 'larger':
      return zoomCells(state, 1);
    case 'smaller':
      return zoomCells(state, -1);
    case 'fit':
      return fitCells(state);
    case 'consoles':
      return openConsoles(state);
    case 'search':
      return step({ ...state, overlay: { kind: 'search', text: '' } });
    case 'retry-bus':
      return step(withNotice(state, 'info', 'trying the bus again'), { do: 'retry-bus' });
    case 'help':
      return step({ ...state, overlay: { kind: 'help', scroll: 0, from: 'map' } });
    case 'quit':
      return step(state, { do: 'quit' });
    default:
      return step(state);
  }
}

const allOf = (state: State): Address[] => state.rack.nodes.map((node) => node.addr);

/** The node beside, as one sees it from the front: slots rise to the left. At the edge it stays. */
export function neighbour(state: State, from: Address, way: 'up' | 'down' | 'left' | 'right'): Address {
  const row = rowOf(from) + (way === 'up' ? -1 : way === 'down' ? 1 : 0);
  const slot = slotOf(from) + (way === 'left' ? 1 : way === 'right' ? -1 : 0);
  if ((way === 'left' || way === 'right') && (slot < 0 || slot >= SLOTS_PER_BLADE)) {
    const layout = layoutOf(state);
    return (layout.kind === 'normal' && layout.map ? acrossBands(layout.map, from, way) : null) ?? from;
  }
  if (!blades(state).includes(row)) return from;
  return row * SLOTS_PER_BLADE + slot;
}

/** Marks all of them; where all were marked, none. */
function toggled(state: State, addrs: readonly Address[]): Set<Address> {
  const marks = new Set(state.marks);
  const known = addrs.filter((addr) => allOf(state).includes(addr));
  const all = known.every((addr) => marks.has(addr));
  for (const addr of known) {
    if (all) marks.delete(addr);
    else marks.add(addr);
  }
  return marks;
}

/** The nodes that `/` finds: first those whose name begins with the text, then those that hold it. */
export function found(state: State, text: string): Address[] {
  const wanted = text.toLowerCase();
  if (wanted === '') return [];
  const named = state.rack.nodes.map(({ addr }) => ({ addr, name: nameOf(state, addr).toLowerCase() }));
  const begins = named.filter(({ name }) => name.startsWith(wanted));
  const holds = named.filter(({ name }) => !name.startsWith(wanted) && name.includes(wanted));
  return [...begins, ...holds].map(({ addr }) => addr);
}

/** The same blade, for `b`. */
function bladeOf(state: State): Address[] {
  return allOf(state).filter((addr) => rowOf(addr) === rowOf(state.cursor));
}
