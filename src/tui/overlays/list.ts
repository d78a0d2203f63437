/** All overlays. A new one is a file with an `OverlayType`, and a line here. */
import { RACK_TABLE } from '../fleet/fleet-table.ts';
import { RACKS } from '../fleet/overview.ts';
import { FILTER } from '../map/filter-input.ts';
import type { Step } from '../model/events.ts';
import type { Command, CommandContext } from '../model/keys.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { COLUMN_LIST } from '../table/column-list.ts';
import { SUPPLY } from '../ups/supply.ts';
import { ALARMS } from './alarms.ts';
import { BUS_LOG } from './bus-log.ts';
import { PALETTE } from './command-palette.ts';
import { CONSOLE_LIST } from './console-list.ts';
import { NOTE } from './console-note.ts';
import { TAKEOVER } from './console-takeover.ts';
import { EVENT_LIST } from './events.ts';
import { FLEET_PLANS } from './fleet-plans/fleet-plans.ts';
import { HELP } from './help.ts';
import { LARGE_PASTE } from './large-paste.ts';
import { OPERATIONS } from './operations.ts';
import type { OverlayType } from './overlay.ts';
import { OWN_COMMAND } from './own-command.ts';
import { PARTICIPANTS } from './participants.ts';
import { EMERGENCY } from './plans/emergency.ts';
import { POWER_DIALOG } from './power/dialog.ts';
import { POWER_MENU } from './power/menu.ts';
import { RUN } from './run/run.ts';
import { TOUR } from './tour.ts';

/** In the order in which the help and docs/keys.md list their keys. */
export const OVERLAYS: readonly OverlayType<Overlay>[] = [
  FILTER,
  PALETTE,
  COLUMN_LIST,
  CONSOLE_LIST,
  RACKS,
  RACK_TABLE,
  PARTICIPANTS,
  NOTE,
  POWER_MENU,
  POWER_DIALOG,
  OPERATIONS,
  ALARMS,
  EVENT_LIST,
  BUS_LOG,
  SUPPLY,
  EMERGENCY,
  FLEET_PLANS,
  TAKEOVER,
  LARGE_PASTE,
  RUN,
  OWN_COMMAND,
  HELP,
  TOUR,
];

const byKind = new Map<string, OverlayType<Overlay>>(OVERLAYS.map((type) => [type.kind, type]));

export function overlayType({ kind }: Overlay): OverlayType<Overlay> {
  const type = byKind.get(kind);
  if (type === undefined) throw new Error(`no overlay ${kind}`);
  return type;
}

/** Returns whether an overlay shows all racks, or lies over one that does. */
export function showsAllRacks({ overlay }: State): boolean {
  if (overlay === null) return false;
  const type = overlayType(overlay);
  const behind = type.behind?.(overlay) ?? null;
  return type.showsAllRacks === true || (behind !== null && overlayType(behind).showsAllRacks === true);
}

/** Opens the overlay that a command of a pane names; null: the command names none. */
export function openOverlay(state: State, command: Command, from: CommandContext): Step | null {
  return byKind.get(command)?.open?.(state, from) ?? null;
}

/** Returns whether the open overlay, or a question in it, has not been seen on the terminal yet. */
export function awaitsPaint({ overlay }: State): boolean {
  return overlay !== null && overlayType(overlay).shown?.(overlay)?.kind === 'pending';
}

/** Notes that the frame with the overlay was on the terminal at `at`, server's clock. */
export function notePainted(state: State, at: number): State {
  const { overlay } = state;
  if (overlay === null || !awaitsPaint(state)) return state;
  return { ...state, overlay: overlayType(overlay).withShown?.(overlay, { kind: 'painted', at }) ?? overlay };
}
