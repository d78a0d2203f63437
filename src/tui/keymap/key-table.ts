/** Assembles the table of all keys, and merges the operator's own into it. Only start-up and tests need it. */
import { CONSOLE_BINDINGS, CONSOLE_SECTIONS } from '../console/console-keys.ts';
import { COPY_BINDINGS, COPY_SECTIONS } from '../console/copy-mode.ts';
import { GLANCE_BINDINGS, GLANCE_SECTIONS } from '../glance/glance.ts';
import { MAP_BINDINGS, MAP_SECTIONS } from '../map/map-keys.ts';
import type { KeyTable, OwnCommand } from '../model/keys.ts';
import type { Settings, State } from '../model/state.ts';
import { OVERLAYS } from '../overlays/list.ts';
import { TABLE_BINDINGS, TABLE_SECTIONS } from '../table/table.ts';
import { type KeyProblem, type RawKeys, withOwnCommands, withUserKeys } from './user-keys.ts';

/** The default keys of every feature. */
export const DEFAULT_KEYS: KeyTable<State> = {
  sections: [
    ...MAP_SECTIONS,
    ...TABLE_SECTIONS,
    ...GLANCE_SECTIONS,
    ...CONSOLE_SECTIONS,
    ...COPY_SECTIONS,
    ...OVERLAYS.flatMap(({ sections }) => sections),
  ],
  bindings: [
    ...MAP_BINDINGS,
    ...TABLE_BINDINGS,
    ...GLANCE_BINDINGS,
    ...CONSOLE_BINDINGS,
    ...COPY_BINDINGS,
    ...OVERLAYS.flatMap(({ keys }) => keys),
  ],
};

/** Settings without a configuration of the interface. */
export const DEFAULT_SETTINGS: Settings = { keys: DEFAULT_KEYS, commands: [], mouse: false, bell: false, demo: false };

/** Returns the table with the operator's own keys, and their problems; with problems it must not be used. */
export function resolveKeys(
  raw: RawKeys,
  commands: readonly OwnCommand[] = [],
): { keys: KeyTable<State>; problems: KeyProblem[] } {
  const { keys, problems } = withUserKeys(DEFAULT_KEYS, raw);
  return problems.length > 0 ? { keys, problems } : withOwnCommands(keys, commands);
}
