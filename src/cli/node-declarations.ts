/** The commands that work in a node's system: what they are called, and what they take. */
import type { Command } from 'commander';
import type { Act } from './declarations.ts';

export function declareNodeCommands(program: Command, act: Act): void {
  program
    .command('run <words...>')
    .usage('[options] <selector...> -- <command...>')
    .description('run a command on nodes, by ssh where configured, otherwise over their consoles')
    .option('--timeout <seconds>', 'limit of the command on each node (default 60)')
    .option('--deadline <seconds>', 'start on no further node after this time (default 3600)')
    .option('--console', 'over the console, also where ssh is configured')
    .option('--json', 'one JSON object a node')
    .action(act(async (options, words) => (await import('./commands/run.ts')).runCommand(words, options)));
  const fileWays = { put: ['<file> [path]', 'send a file to'], get: ['<path> [file]', 'read a file of'] } as const;
  for (const way of ['put', 'get'] as const)
    program
      .command(`${way} <node> ${fileWays[way][0]}`)
      .description(`${fileWays[way][1]} a node over its console, for a node without network`)
      .option('--json', 'one JSON object')
      .action(
        act(async (options, words) => (await import('./commands/files.ts')).filesCommand(way, words, options), {
          racks: 'one',
        }),
      );
  program
    .command('sysrq <node> <key>')
    .description('write a key of magic SysRq on a node: h l m p q r s t w; after confirmation e f i j k n u')
    .option('--confirm <name>', "the node's name, where there is no terminal to ask")
    .option('--console', 'over the console, also where ssh is configured')
    .action(
      act(async (options, words) => (await import('./commands/sysrq.ts')).sysrqCommand(words, options), {
        racks: 'one',
      }),
    );
}
