/** Keys that the overview and the table of all racks share: the search, marks, heat, plans, and the way out. Pure. */
import { nextHeat } from '../map/heat.ts';
import { step, type Step } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import type { Overlay, Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { openFleetPlans } from '../overlays/fleet-plans/fleet-plans.ts';
import { closed } from '../overlays/overlay.ts';
import { nextMarked, onMarkCommand } from './marks.ts';
import { nextFound, type Search } from './search.ts';

/**
 * Performs a command that both views have; without effect for one that neither has. `view.at` is a place that is shown;
 * `found`: those that the search leaves.
 */
export function onViewCommand(
  state: State,
  view: Extract<Overlay, { kind: 'racks' | 'racks-table' }>,
  command: Command | undefined,
  fleet: readonly State[],
  found: () => readonly Place[],
): Step {
  const become = (changes: Partial<Search>): Step => step({ ...state, overlay: { ...view, ...changes } });
  switch (command) {
    case undefined:
      return step(state);
    case 'next-match':
    case 'previous-match':
      return become({ at: nextFound(found(), view.at, command === 'next-match' ? 1 : -1) });
    case 'search':
      return become({ typing: view.at, filter: '' });
    case 'heat':
      return nextHeat(state);
    case 'fleet-plans':
      return openFleetPlans(state, view);
    case 'racks':
      return step(closed(state));
    case 'cancel':
      return view.filter === '' ? step(closed(state)) : become({ filter: '' });
    case 'next-marked':
    case 'previous-marked':
      return become({ at: nextMarked(fleet, view.at, command === 'next-marked' ? 1 : -1) ?? view.at });
    default:
      return onMarkCommand(state, { at: view.at, found }, command, fleet) ?? step(state);
  }
}
