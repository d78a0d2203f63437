/**
 * The overview of racks: all nodes of all racks as small maps, the way to any of them, and a search. Each rack has a
 * state of its own; keys and view get all of them. Pure.
 */
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { Place, RackOverview } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { type KeyPress, type OverlayType, type PaintTools } from '../overlays/overlay.ts';
import type { Frame } from '../canvas/frame.ts';
import { foundIn, layOutRacks, neighbourOf, rackFurther, type SmallMap } from './overview-layout.ts';
import { FIRST_ROW } from './fleet-rows.ts';
import { FOOT, HEAD, paintOverview, roomOf } from './overview-view.ts';
import { toPlace, withoutNotice } from './racks.ts';
import { isAt, typedSearch } from './search.ts';
import { onViewCommand } from './view-commands.ts';

export const RACKS: OverlayType<RackOverview> = {
  kind: 'racks',
  sections: [{ context: 'racks', title: 'Overview of racks', where: 'in the overview of racks' }],
  keys: [
    { context: 'racks', keys: ['down', 'j'], command: 'down', hint: null, help: 'node below' },
    { context: 'racks', keys: ['up', 'k'], command: 'up', hint: null, help: 'node above' },
    { context: 'racks', keys: ['left', 'h'], command: 'left', hint: null, help: 'node to the left' },
    { context: 'racks', keys: ['right', 'l'], command: 'right', hint: null, help: 'node to the right' },
    { context: 'racks', keys: ['tab', '>'], command: 'next-rack', hint: 'next rack', help: 'next rack' },
    { context: 'racks', keys: ['S-tab', '<'], command: 'previous-rack', hint: null, help: 'previous rack' },
    { context: 'racks', keys: ['enter'], command: 'accept', hint: 'show', help: 'show this rack at this node' },
    { context: 'racks', keys: ['c'], command: 'attach', hint: 'console', help: 'console of this node' },
    { context: 'racks', keys: ['/'], command: 'search', hint: 'search', help: 'search nodes of all racks' },
    { context: 'racks', keys: ['n'], command: 'next-match', hint: null, help: 'next node that was found' },
    { context: 'racks', keys: ['N'], command: 'previous-match', hint: null, help: 'previous node that was found' },
    { context: 'racks', keys: ['space'], command: 'mark', hint: 'mark', help: 'mark or unmark this node' },
    { context: 'racks', keys: ['b'], command: 'mark-blade', hint: null, help: 'mark or unmark its blade' },
    {
      context: 'racks',
      keys: ['*'],
      command: 'mark-all',
      hint: null,
      help: 'mark all nodes of all racks, or those that were found; or unmark them',
    },
    {
      context: 'racks',
      keys: ['v'],
      command: 'mark-range',
      hint: null,
      help: 'mark from the last mark of this rack to here, by address',
    },
    { context: 'racks', keys: ['u'], command: 'unmark-all', hint: null, help: 'unmark all nodes of all racks' },
    { context: 'racks', keys: ['m'], command: 'next-marked', hint: null, help: 'next marked node' },
    { context: 'racks', keys: ['M'], command: 'previous-marked', hint: null, help: 'previous marked node' },
    {
      context: 'racks',
      keys: ['p'],
      command: 'power',
      hint: 'power',
      dangerous: true,
      help: 'power menu of the rack of the marked nodes, or of this node; marks of several racks are refused',
    },
    { context: 'racks', keys: ['H'], command: 'heat', hint: 'heat', help: 'heat: colour the nodes, as on the map' },
    {
      context: 'racks',
      keys: ['T'],
      command: 'show-table',
      hint: 'table',
      help: 'table of the nodes of all racks, problems first',
    },
    {
      context: 'racks',
      keys: ['!'],
      command: 'fleet-plans',
      hint: 'plans',
      help: 'plans of several racks: preview, start, watch, pause and abort them',
    },
    { context: 'racks', keys: ['R'], command: 'racks', hint: null, help: 'back to the rack that was shown' },
    { context: 'racks', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'end the search; close' },
  ],
  showsAllRacks: true,
  fills: true,
  open: (state) =>
    step({
      ...state,
      overlay: {
        kind: 'racks',
        at: { rack: state.racks.index, addr: state.rack.nodes.length === 0 ? null : state.cursor },
        filter: '',
        typing: null,
      },
    }),
  context: ({ typing }) => (typing === null ? 'racks' : null),
  onKey,
  paint,
};

function mapsOf(state: State, fleet: readonly State[]): SmallMap[] {
  const { width, height } = roomOf(state.size);
  return layOutRacks(fleet, { width, height: height - HEAD - FOOT });
}

function onKey(before: State, overview: RackOverview, { name, fleet }: KeyPress): Step {
  const state = withoutNotice(before);
  const maps = mapsOf(state, fleet);
  const at = present(maps, overview.at);
  const become = (changes: Partial<RackOverview>): Step => step({ ...state, overlay: { ...overview, at, ...changes } });
  if (overview.typing !== null) {
    const next = typedSearch({ ...overview, at }, overview.typing, name, (filter) => foundIn(fleet, maps, filter));
    return next === null ? step(state) : step({ ...state, overlay: next });
  }
  const command = bindingOf(state, 'racks', name)?.command;
  switch (command) {
    case 'up':
    case 'down':
    case 'left':
    case 'right':
      return become({ at: neighbourOf(maps, at, command) });
    case 'next-rack':
      return become({ at: rackFurther(maps, at, 1) });
    case 'previous-rack':
      return become({ at: rackFurther(maps, at, -1) });
    case 'accept':
    case 'attach':
      return toPlace(state, at, command === 'attach');
    case 'show-table':
      return step({
        ...state,
        overlay: { kind: 'racks-table', at: FIRST_ROW, filter: overview.filter, typing: null, column: 'name' },
      });
    default:
      return onViewCommand(state, { ...overview, at }, command, fleet, () => foundIn(fleet, maps, overview.filter));
  }
}

/** Returns the place, or the first of its rack where that node is not known any more. */
function present(maps: readonly SmallMap[], at: Place): Place {
  const signs = maps.find(({ rack }) => rack === at.rack)?.signs ?? [];
  const sign = signs.find((one) => isAt(one, at)) ?? signs[0];
  return sign === undefined ? at : { rack: sign.rack, addr: sign.addr };
}

function paint(frame: Frame, state: State, overview: RackOverview, { g, fleet }: PaintTools): void {
  const rect = roomOf(state.size);
  const maps = mapsOf(state, fleet);
  const at = present(maps, overview.at);
  const shown = { ...rect, y: rect.y + HEAD, height: rect.height - HEAD - FOOT };
  const { notice, view } = state;
  paintOverview(frame, rect, shown, { fleet, maps, overview: { ...overview, at }, heat: view.heat, notice }, g);
}
