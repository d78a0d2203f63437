/**
 * Runs the command line: `declarations.ts` declares the commands, and their code is loaded from `commands/` only
 * when it is needed.
 */
import { Command, CommanderError } from 'commander';
import { EXIT } from '../api/power.ts';
import { didYouMean } from '../lib/words.ts';
import { type Act, declareQueries, declareOutage, declarePower, declareServing, SEVERAL } from './declarations.ts';
import { declarePlans } from './plan-declarations.ts';
import { declareNodeCommands } from './node-declarations.ts';
import { addExitCodes, wordsOf } from './exit-codes.ts';
import { type GlobalOptions, rackListOf, withOneRack } from './server-connection.ts';
import { endQuietlyWithoutReader, explain, hint, shown, UsageFailure } from './terminal-output.ts';

/** Runs one command line (without node and script) and returns the exit code. Prints errors itself. */
export async function run(args: readonly string[]): Promise<number> {
  endQuietlyWithoutReader();
  try {
    // The simulator is a program of its own, with its own options; it shares only this entry.
    if (args[0] === 'sim') return await (await import('../sim/cli.ts')).simulate(args.slice(1));
    return await dispatch(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { message, exitCode } = explain(error);
    // A configuration's problems come in several lines, which may quote the file.
    for (const [index, line] of message.split('\n').entries()) hint(index === 0 ? `rackui: ${line}` : line);
    if (process.env.RACKUI_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return exitCode;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const act: Act =
    (handle, { several = false, racks, together, whole } = {}) =>
    async (...all: unknown[]): Promise<void> => {
      const command = all.at(-1) as Command;
      const options = command.optsWithGlobals<GlobalOptions>();
      const perform = (given: GlobalOptions, words: string[]): Promise<number> =>
        handle(given as Record<string, never>, words);
      const list = racks === undefined || options.rack !== undefined ? null : await rackListOf(options);
      if (racks === undefined || list === null)
        exitCode = await perform(several ? options : await withOneRack(options), command.args);
      else {
        const { forRacks } = await import('./fleet/each-rack.ts');
        const how = { program: wordsOf(command), scope: racks, together, whole };
        exitCode = await forRacks(list, how, options, command.args, perform);
      }
    };
  const program = declareInterface(act);
  const { operands, unknown } = program.parseOptions([...args]);
  // The interface starts without declaring all commands.
  if (operands.length > 0 || unknown.length > 0) declareCommands(program, act);
  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
}

/** Declares all commands with their options; `act` makes their actions. */
export function declare(act: Act): Command {
  return declareCommands(declareInterface(act), act);
}

/** Declares what the program takes without a command. */
function declareInterface(act: Act): Command {
  const program = new Command('rackui')
    .description('Terminal console for a rack whose BMCs share one serial bus. Without a command: the interface.')
    .option('--config <file>', 'configuration file')
    .option('--port <device>', 'serial device of the bus')
    .option('--socket <path>', "the server's socket")
    .option('--rack <name>', 'this one of several racks')
    .option('--view-only', 'view only: no command that changes anything')
    .option('--theme <name>', 'dark, light, contrast, colourblind, mono, pulse, or a file of your own (default: dark)')
    .option('--colours <number>', 'truecolor, 256, 16 or 0, instead of what the terminal reports')
    .option('--ascii', 'draw with ASCII only')
    .option('--plain', 'sentences and a prompt instead of the interface, for screen readers')
    .option('-V, --version', 'the version')
    .addHelpText('after', HELP_END)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${shown(usageSentence(text))}\n`) })
    .showHelpAfterError("'rackui COMMAND --help' lists what a command takes")
    .action(
      act(async (options, [word]) => {
        if (word !== undefined)
          throw new UsageFailure(
            `'${word}' is not a command; 'rackui --help' lists them, 'rackui' alone opens the interface${didYouMean(word, commandNames(program))}`,
          );
        if ('plain' in options)
          return (await import('./plain/session.ts')).plainCommand(await withOneRack(options), run);
        return (await import('./commands/tui.ts')).interfaceCommand(options);
      }, SEVERAL),
    );
  // An extra word is an error that the action reports.
  return program.allowExcessArguments();
}

function declareCommands(program: Command, act: Act): Command {
  // The commands would inherit it: an extra word is an error there.
  program.allowExcessArguments(false);
  program
    .command('plain')
    .description('sentences and a prompt instead of the interface, for screen readers and simple terminals')
    .action(act(async (options) => (await import('./plain/session.ts')).plainCommand(options, run)));
  declareQueries(program, act);
  declareNodeCommands(program, act);
  declarePower(program, act);
  declarePlans(program, act);
  declareOutage(program, act);
  declareServing(program, act, run);
  addExitCodes(program);
  return program.allowExcessArguments();
}

/** Returns the library's message about a wrong command line as one sentence of this program. */
function usageSentence(text: string): string {
  return `rackui: ${text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\(Did you mean (?:one of )?(.*)\?\)$/s, '; did you mean $1?')}`;
}

const commandNames = ({ commands }: Command): string[] => commands.map((command) => command.name());

const HELP_END = `
Selectors: a name, hex address (03), position (A-3), ranges (0c-17, worker-[01-04]), row:A, role:worker,
cluster:dev, all, and !x to exclude x; of several racks north:x, and *:x for all of them.
Exit codes: 0 done, 2 partly, 3 refused, 4 deadline, 5 bus or server unavailable, 6 a node was cut at its deadline without
proof that it had halted, 64 usage, 78 configuration; each command's help lists its own.`;
