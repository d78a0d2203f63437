/** Keys on the map. Pure. */
import { type Address, formatAddress, rowOf, slotOf, SLOTS_PER_BLADE } from '../../rack/address.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { attachTo } from '../console/attach.ts';
import { toPane } from '../console/last-screen.ts';
import { nextSpan } from '../detail/detail.ts';
import { onCommandAnywhere } from '../global-commands.ts';
import { onGlanceCommand } from '../glance/glance.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { bindingOf, disabledReason, keyOf } from '../keymap/lookup.ts';
import { blades, fitCells, layoutOf, showMain, zoomCells } from '../layout/layout.ts';
import { acrossBands } from '../layout/map-layout.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import { dismissed } from '../model/results.ts';
import type { State } from '../model/state.ts';
import { openPowerMenu } from '../overlays/power/menu.ts';
import { targetsOf } from '../overlays/power/rules.ts';
import { onTableCommand } from '../table/table.ts';
import { shownNodes } from './filter.ts';
import { nextHeat } from './heat.ts';
import { nextScale, nextWindow } from './strips.ts';

export function keyOnMap(before: State, name: string): Step {
  const state = before.notice === null ? before : { ...before, notice: null };
  const jump = keyOfAddress(state, name);
  if (jump !== null) return jump;
  const binding = bindingOf(state, state.view.main, name);
  // Keys without a binding here, such as Ctrl-C, get a notice.
  if (binding === null) return step(withNotice({ ...state, digit: null }, 'info', noKey(state, name)));
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice({ ...state, digit: null }, 'info', `${binding.help}: ${why}`));
  return onCommand({ ...state, digit: null }, binding.command);
}

function noKey(state: State, name: string): string {
  const { main } = state.view;
  const where = state.settings.keys.sections.find(({ context }) => context === main)?.where ?? '';
  return `${keyLabel(name)} has no command ${where}: ${keyOf(state, 'map', 'quit')} quits, ${keyOf(state, 'map', 'help')} lists all keys`;
}

/**
 * Jumps to an address of two hex digits. The first is 0 to 7, as no address is higher; letters are read only after
 * it.
 */
function keyOfAddress(state: State, name: string): Step | null {
  if (state.digit !== null && /^[0-9a-f]$/i.test(name)) {
    const addr = Number.parseInt(state.digit.text + name, 16);
    const moved: State = { ...state, digit: null };
    if (nodeAt(state.rack, addr) !== undefined) return step({ ...moved, cursor: addr });
    return step(withNotice(moved, 'warning', `no node at address ${formatAddress(addr)}`));
  }
  if (/^[0-7]$/.test(name)) return step({ ...state, digit: { text: name, at: state.now } });
  return null;
}

/** Commands of the other views of the nodes; null: the same as on the map. */
const OTHER_VIEWS = { table: onTableCommand, glance: onGlanceCommand };

function onCommand(state: State, command: Command): Step {
  const { main } = state.view;
  const own = main === 'map' ? null : OTHER_VIEWS[main](state, command);
  if (own !== null) return own;
  switch (command) {
    case 'up':
    case 'down':
    case 'left':
    case 'right':
      return step({ ...state, cursor: neighbour(state, state.cursor, command) });
    case 'attach':
      return attachTo(state, state.cursor);
    case 'mark':
      return step(toggled(state, [state.cursor]));
    case 'mark-blade':
      return step(toggled(state, shownOnBlade(state)));
    case 'mark-all':
      return step(toggled(state, shownNodes(state)));
    case 'mark-range':
      return step(withRange(state, state.lastMark ?? state.cursor));
    case 'cancel':
      return step(state.filter === '' ? { ...state, marks: new Set(), lastMark: null } : { ...state, filter: '' });
    case 'power':
      if (state.marks.size === 0 && !allOf(state).includes(state.cursor))
        return step(withNotice(state, 'info', 'an empty slot has no power to switch'));
      return openPowerMenu(state, targetsOf(state));
    case 'mains-fail':
      return step(state, { do: 'mains', on: false });
    case 'mains-return':
      return step(state, { do: 'mains', on: true });
    case 'dismiss':
      return step(dismissed(state));
    case 'next-pane':
      return step(toPane(state));
    case 'zoom':
      return step({ ...toPane(state), zoom: !state.zoom });
    case 'span':
      return nextSpan(state);
    case 'window':
      return nextWindow(state);
    case 'scale':
      return nextScale(state);
    case 'heat':
      return nextHeat(state);
    case 'identify':
      return step(withNotice(state, 'info', 'querying the BMC for its UID'), { do: 'identify', addr: state.cursor });
    case 'larger':
      return zoomCells(state, 1);
    case 'smaller':
      return zoomCells(state, -1);
    case 'fit':
      return fitCells(state);
    case 'show-map':
      return showMain(state, 'map');
    case 'show-glance':
      return showMain(state, 'glance');
    case 'show-table':
      return showMain(state, 'table');
    case 'next-match':
      return step({ ...state, cursor: matchFrom(state, 1) });
    case 'previous-match':
      return step({ ...state, cursor: matchFrom(state, -1) });
    case 'retry-bus':
      return step(withNotice(state, 'info', 'retrying the bus'), { do: 'retry-bus' });
    case 'quit':
      return step(state, { do: 'quit' });
    default:
      return onCommandAnywhere(state, command, main) ?? step(state);
  }
}

const allOf = (state: State): Address[] => state.rack.nodes.map((node) => node.addr);

/** Returns the neighbour as seen from the front: slots rise to the left. At the edge it is the node itself. */
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

/** Marks all these nodes; where all were marked, unmarks them. */
function toggled(state: State, addrs: readonly Address[]): State {
  const marks = new Set(state.marks);
  const known = addrs.filter((addr) => allOf(state).includes(addr));
  const all = known.every((addr) => marks.has(addr));
  for (const addr of known) {
    if (all) marks.delete(addr);
    else marks.add(addr);
  }
  return { ...state, marks, lastMark: all || known.length === 0 ? null : state.cursor };
}

/** Marks a range in address order, both ends included, without the nodes that the filter hides. */
function withRange(state: State, from: Address): State {
  const [low, high] = [Math.min(from, state.cursor), Math.max(from, state.cursor)];
  const range = shownNodes(state).filter((addr) => addr >= low && addr <= high);
  return { ...state, marks: new Set([...state.marks, ...range]), lastMark: state.cursor };
}

/** Returns the shown nodes of the cursor's blade, for `b`. */
function shownOnBlade(state: State): Address[] {
  return shownNodes(state).filter((addr) => rowOf(addr) === rowOf(state.cursor));
}

/** Returns the next node that the filter shows, wrapping around the rack. */
function matchFrom(state: State, by: 1 | -1): Address {
  const shown = shownNodes(state);
  if (by > 0) return shown.find((addr) => addr > state.cursor) ?? shown[0] ?? state.cursor;
  return shown.findLast((addr) => addr < state.cursor) ?? shown.at(-1) ?? state.cursor;
}
