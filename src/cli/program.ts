/** The command line: every command is declared here and lives in its own file, loaded only when it runs. */
import { Command, CommanderError } from 'commander';
import { EXIT } from '../api/power.ts';
import { explain, missing, UsageFailure } from './failure.ts';
import type { GlobalOptions } from './context.ts';

/** Runs one command line (without node and script) and returns the exit code. Prints errors itself. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    // The simulator parses its own arguments: it is a separate program that shares nothing but this door.
    if (args[0] === 'sim') return await runSimulator(args.slice(1));
    return await dispatch(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { message, exitCode } = explain(error);
    process.stderr.write(`rackui: ${message}\n`);
    if (process.env.RACKUI_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return exitCode;
  }
}

async function runSimulator(args: readonly string[]): Promise<number> {
  if (args[0] === 'ctl') {
    const [control, ...words] = args.slice(1);
    if (control === undefined) throw new UsageFailure('name the control socket: rackui sim ctl SOCKET COMMAND…');
    const { simCtl } = await import('../sim/ctl.ts').catch(missing);
    return simCtl(control, words);
  }
  const [{ parseSimArgs }, { runSim }] = await Promise.all([
    import('../sim/options.ts').catch(missing),
    import('../sim/main.ts').catch(missing),
  ]);
  return runSim(parseSimArgs([...args]));
}

async function dispatch(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = new Command('rackui')
    .description('Terminal console for a rack whose BMCs share one serial bus.')
    .option('--config <file>', 'configuration file')
    .option('--port <device>', 'serial device of the bus')
    .option('--socket <path>', "the server's socket")
    .option('--view-only', 'look, and be able to do nothing')
    .exitOverride();
  const globals = (command: Command): GlobalOptions & Record<string, unknown> => command.optsWithGlobals();

  program
    .option('--theme <name>', 'colours: dark, light, mono', 'dark')
    .option('--ascii', 'draw with ASCII only')
    .action(async (_options: unknown, command: Command) => {
      const { interfaceCommand } = await import('./commands/interface.ts');
      exitCode = await interfaceCommand(globals(command));
    });

  program
    .command('serve')
    .description('own the port and serve clients')
    .option('--state <directory>', 'logs and state')
    .option('--autostarted', 'started by a client: leave after server.linger without clients')
    .option('--exit-with-stdin', 'end when standard input ends')
    .action(async (_options: unknown, command: Command) => {
      const { serveCommand } = await import('./commands/serve.ts');
      exitCode = await serveCommand(globals(command));
    });

  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
}
