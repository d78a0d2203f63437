/** What the interface is given whatever it is opened on: the terminal, how it is to look, and where it keeps files. */
import { join } from 'node:path';
import { collectGarbage } from '../config/garbage.ts';
import { stateDirectory } from '../config/paths.ts';
import type { InterfaceOptions } from '../tui/interface.ts';
import { settingsOf } from './settings.ts';
import { depthOf, themeNamed } from './theme.ts';

/** Options of the command line about its look. */
export interface LookOptions {
  config?: string;
  theme?: string;
  colours?: string;
  ascii?: boolean;
}

/** @throws {ConfigError} {UsageFailure} where something of it cannot be used */
export async function interfaceOptions(options: LookOptions): Promise<Omit<InterfaceOptions, 'racks' | 'viewOnly'>> {
  const { stdin, stdout } = process;
  const state = stateDirectory();
  return {
    ...{ stdin, stdout, collect: collectGarbage },
    settings: await settingsOf(options.config),
    theme: await themeNamed(options.theme),
    depth: depthOf(options.colours),
    ascii: options.ascii === true,
    saveDirectory: join(state, 'saved'),
    viewFile: join(state, 'interface.json'),
  };
}
