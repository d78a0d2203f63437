/** The operator's own wishes for the interface: its keys, mouse and bell, from the configuration. */
import { resolve } from 'node:path';
import { configCandidates } from '../config/paths.ts';
import { settingsIn } from '../config/peek.ts';
import type { Settings } from '../tui/state-settings.ts';

/**
 * Reads the configuration only where a glance shows that it says something of the interface: parser and schema cost a
 * start 70 ms. @throws {ConfigError} with the place of every mistake
 */
export async function settingsOf(config: string | undefined): Promise<Settings> {
  const candidates = config === undefined ? configCandidates() : [{ path: resolve(config) }];
  if (!settingsIn(candidates)) return (await import('../tui/state-settings.ts')).DEFAULT_SETTINGS;
  const [{ findConfig, placedProblems }, { loadWishes }, { overridesFrom }] = await Promise.all([
    import('../config/load.ts'),
    import('../config/rack-list.ts'),
    import('../tui/key-overrides.ts'),
  ]);
  const { interface: wishes, keys: raw } = loadWishes(config);
  const { keys, problems } = overridesFrom(raw);
  const found = findConfig(config);
  if (problems.length > 0 && found !== null) throw placedProblems(found, problems);
  return { keys, ...wishes, demo: false };
}
