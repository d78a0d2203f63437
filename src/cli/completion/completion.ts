/** `rackui completion`: prints the script for a shell, and the names that the scripts ask for. */
import type { Command } from 'commander';
import { EXIT } from '../../api/power.ts';
import { loadConfig } from '../../config/load.ts';
import { bashCompletion } from './bash.ts';
import { type CommandEntry, readCommandLine } from './command-line.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';
import { type GlobalOptions, rackListOf } from '../server-connection.ts';
import { print } from '../terminal-output.ts';

const SCRIPTS: Readonly<Record<string, (program: CommandEntry) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Prints a script, or names from the configuration; `what` was checked against the declaration's choices. */
export async function completionCommand(what: string, program: Command, options: GlobalOptions): Promise<number> {
  const script = SCRIPTS[what];
  const lines =
    script === undefined ? await names(what, options) : script(readCommandLine(program)).trimEnd().split('\n');
  for (const line of lines) print(line);
  return EXIT.done;
}

/** Lists the names of nodes or plans, of all racks; plans of one of several racks with its name. */
async function names(what: string, options: GlobalOptions): Promise<string[]> {
  const list = await rackListOf(options);
  if (what === 'plans' && list !== null && list.all.length > 1)
    return [
      ...Object.keys(list.plans),
      ...list.racks.flatMap(({ config }) => Object.keys(config.plans).map((plan) => `${config.name}/${plan}`)),
    ];
  const racks = list?.racks ?? [loadConfig(options.config)];
  const all = racks.flatMap(({ config, inventory }) =>
    what === 'plans' ? Object.keys(config.plans) : inventory.nodes.map(({ name }) => name),
  );
  return [...new Set(all)];
}
