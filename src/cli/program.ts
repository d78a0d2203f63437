/** The command line: every command is declared here and lives in its own file, loaded only when it runs. */
import { Command, CommanderError, Option } from 'commander';
import { EXIT } from '../api/power.ts';
import { expectStep, sendStep, type ConsoleStep } from './console/steps.ts';
import { endQuietlyWithoutReader } from './output.ts';
import type { GlobalOptions } from './context.ts';
import { explain, UsageFailure } from './failure.ts';
import { withOneRack } from './racks.ts';

/** Runs one command line (without node and script) and returns the exit code. Prints errors itself. */
export async function run(args: readonly string[]): Promise<number> {
  endQuietlyWithoutReader();
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
    const { simCtl } = await import('../sim/ctl.ts');
    return simCtl(control, words);
  }
  const [{ parseSimArgs }, { runSim }] = await Promise.all([import('../sim/options.ts'), import('../sim/main.ts')]);
  return runSim(parseSimArgs([...args]));
}

async function dispatch(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  /**
   * An action gets all options, the global ones included, and the positional words. Where several racks are configured
   * it gets the configuration of the one that is meant, unless it is for `several`.
   */
  const act: Act =
    (handle, { several = false } = {}) =>
    async (...all: unknown[]): Promise<void> => {
      const command = all.at(-1) as Command;
      const options = command.optsWithGlobals<GlobalOptions>();
      exitCode = await handle((several ? options : await withOneRack(options)) as Record<string, never>, command.args);
    };
  await declare(act).parseAsync([...args], { from: 'user' });
  return exitCode;
}

type Act = (
  handle: (options: Record<string, never>, words: string[]) => Promise<number>,
  scope?: { several?: boolean },
) => (...all: unknown[]) => Promise<void>;

function declare(act: Act): Command {
  const program = new Command('rackui')
    .description('Terminal console for a rack whose BMCs share one serial bus. Without a command: the interface.')
    .option('--config <file>', 'configuration file')
    .option('--port <device>', 'serial device of the bus')
    .option('--socket <path>', "the server's socket")
    .option('--rack <name>', 'this one of several racks')
    .option('--view-only', 'look, and be able to do nothing')
    .option('--theme <name>', 'dark, light, contrast, colourblind, mono, pulse, or a file of your own (default: dark)')
    .option('--colours <number>', '256, 16 or 0, where the terminal says something else')
    .option('--ascii', 'draw with ASCII only')
    .option('--plain', 'sentences and a prompt, nothing drawn anew: for screen readers and for any terminal')
    .option('-V, --version', 'the version')
    .addHelpText('after', HELP_END)
    .exitOverride()
    .allowExcessArguments()
    .action(
      act(async (options, [word]) => {
        if (word !== undefined)
          throw new UsageFailure(
            `'${word}' is no command; 'rackui --help' lists them, and 'rackui' alone is the interface`,
          );
        if ('plain' in options)
          return (await import('./commands/plain.ts')).plainCommand(await withOneRack(options), run);
        const { interfaceCommand } = await import('./commands/interface.ts');
        return interfaceCommand(options);
      }, SEVERAL),
    );
  program
    .command('plain')
    .description('the rack in sentences and by words: for screen readers, and for terminals that can do nothing else')
    .action(act(async (options) => (await import('./commands/plain.ts')).plainCommand(options, run)));
  declareLooking(program, act);
  declarePower(program, act);
  declarePlans(program, act);
  declareServing(program, act);
  return program;
}

/** For commands that are about all racks at once. */
const SEVERAL = { several: true };

const HELP_END = `
Selectors: a name, hex address (03), position (A-3), ranges (0c-17, worker-[01-04]), row:A, role:worker,
cluster:dev, all, and !x to leave x out.
Exit codes: 0 done, 2 partly, 3 refused by a guard, 4 deadline, 5 bus or server unavailable, 64 usage, 78 configuration.`;

const CONSOLE_HELP = `
Exit codes: 0 done, every --expect met; 3 somebody else types; 4 an --expect was not met in time; 5 the node does not
answer or its console ended.`;

function declareLooking(program: Command, act: Act): void {
  const steps: ConsoleStep[] = [];
  const step = (make: (text: string) => ConsoleStep) => (text: string) => {
    steps.push(make(text));
    return steps;
  };
  const [send, expect] = [step(sendStep), step(expectStep)];
  program
    .command('status [selector...]')
    .description('the rack as a fresh sweep finds it')
    .option('--json', 'as JSON')
    .option('--watch', 'and on, as it changes')
    .action(
      act(async (options, words) => {
        const { statusCommand } = await import('./commands/status.ts');
        return statusCommand(words, options);
      }),
    );
  program
    .command('console <node>')
    .description("this terminal becomes the node's console; Ctrl-] d leaves it")
    .option('--force', 'take the keyboard from whoever has it')
    .option('--send <text>', 'type this and Enter (\\c at the end: without); instead of standard input', send)
    .option('--expect <regex>', 'wait until the node prints this; --send and --expect in any number and order', expect)
    .option('--timeout <seconds>', 'how long each --expect waits (default 10)')
    .option('--baud <rate>', "of the node's UART, until the console is closed")
    .option('--raw-output', "the node's bytes unfiltered: what it prints may do anything to this terminal")
    .addHelpText('after', CONSOLE_HELP)
    .action(
      act(async (options, [word = '']) => {
        const { consoleCommand } = await import('./commands/console.ts');
        return consoleCommand(word, options);
      }),
    );
  program
    .command('log <node>')
    .description("what the node's console showed, with UTC times and marks")
    .option('--follow', 'and on, as it comes')
    .option('--since <time>', 'from 90s, 10m, 2h or 3d ago, or from a time like 2026-07-14T12:00Z')
    .option('--search <text>', 'only lines that hold this, whatever the case')
    .option('--raw', "the node's bytes as they came, into a file or a pipe")
    .action(
      act(async (options, [word = '']) => {
        const { logCommand } = await import('./commands/log.ts');
        return logCommand(word, options);
      }),
    );
  program
    .command('alarms')
    .description('what is wrong now, and what was and nobody saw')
    .option('--ack <ids>', 'acknowledge these (numbers with commas between, or all)')
    .option('--past', 'those that are over and were seen, too')
    .option('--json', 'as JSON')
    .action(
      act(async (options) => {
        const { alarmsCommand } = await import('./commands/alarms.ts');
        return alarmsCommand(options);
      }),
    );
  program
    .command('events')
    .description('what happened, oldest first')
    .option('--follow', 'and on, as it happens')
    .option('--json', 'one JSON object a line')
    .action(
      act(async (options) => {
        const { eventsCommand } = await import('./commands/events.ts');
        return eventsCommand(options);
      }),
    );
  program
    .command('verify [selector...]')
    .description('is each machine the one that the map says? reads host names from consoles, changes nothing')
    .option('--json', 'one JSON object a line')
    .action(
      act(async (options, words) => {
        const { verifyCommand } = await import('./commands/verify.ts');
        return verifyCommand(words, options);
      }),
    );
  program
    .command('discover')
    .description('who is on the bus, by UID and host name, as a configuration to begin with')
    .option('--write <file>', 'write it there; an existing file is not overwritten')
    .option('--force', 'overwrite it')
    .option('--no-hosts', 'leave consoles alone: no host names')
    .option('--json', 'one JSON object a node')
    .action(
      act(async (options) => {
        const { discoverCommand } = await import('./commands/discover.ts');
        return discoverCommand(options);
      }),
    );
  program
    .command('bus [node]')
    .description('exchanges on the bus as they passed; bytes by hand with --raw')
    .option('--follow', 'and on, as they pass')
    .option('--json', 'one JSON object a line')
    .option('--raw <bytes>', "for the BIOS of the node, or 'master'; ^G means 0x07")
    .option('--confirm <name>', 'what it takes to send / \\ ~ | ] [ or ^G: the name of the node, or master')
    .action(
      act(async (options, words) => {
        const { busCommand } = await import('./commands/bus.ts');
        return busCommand(words, options);
      }),
    );
}

function declarePower(program: Command, act: Act): void {
  const verb = (word: 'on' | 'off' | 'cycle', description: string): Command =>
    program
      .command(`${word} <selector...>`)
      .description(description)
      .option('--dry-run', 'say what would happen; send nothing')
      .option('--detach', 'print the operation and leave it running')
      .option('--deadline <seconds>', 'give up after this time')
      .option('--json', 'one JSON object a line')
      .action(
        act(async (options, words) => {
          const { powerCommand } = await import('./commands/power.ts');
          return powerCommand(word, words, options);
        }),
      );
  const cut = (command: Command): Command =>
    command
      .option('--confirm <text>', "the node's name; for several, the selector and the count: 'row:A 4'")
      .option('--force', 'cut at once, without asking the operating system')
      .option('--on-deadline <what>', 'leave (the default) the node on, or cut', 'leave')
      .option('--take-console', 'take the console from somebody if the shutdown needs it')
      .option('--override <rules>', 'break rules about dependent nodes on purpose: dns, quorum, fan');
  verb('on', 'switch power on');
  cut(verb('off', 'shut the operating system down, then cut power'));
  cut(verb('cycle', 'off, then on'));

  program
    .command('ops [id]')
    .description('operations, running and past; with an ID all that is known of it')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id]) => {
        const { opsCommand } = await import('./commands/operations.ts');
        return opsCommand(id, options);
      }),
    );
  program
    .command('abort <id>')
    .description('end a running operation; what was cut stays cut')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id = '']) => {
        const { abortCommand } = await import('./commands/operations.ts');
        return abortCommand(id, options);
      }),
    );
}

function declarePlans(program: Command, act: Act): void {
  const plan = program
    .command('plan')
    .description('sequences from the configuration: off in the right order, and on again');
  const load = () => import('./commands/plan.ts');
  plan
    .command('list')
    .description('the plans, and their runs')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await load()).planListCommand(options)));
  plan
    .command('show <name>')
    .description('the exact order, times, and who would refuse; sends nothing')
    .option('--json', 'as JSON')
    .action(act(async (options, [name = '']) => (await load()).planShowCommand(name, options)));
  plan
    .command('run <name>')
    .description('carry it out')
    .option('--confirm <text>', "the plan's name and how many nodes lose power: 'shed-dev 9'")
    .option('--armed', 'for scripts: no words needed, nobody is asked, steps that say so cut at their deadline')
    .option('--detach', 'print the run and leave it running')
    .option('--deadline <seconds>', 'begin nothing new after this time')
    .option('--dry-run', 'as show')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, [name = '']) => (await load()).planRunCommand(name, options)));
  plan
    .command('resume <run>')
    .description('go on; nodes that were under way are looked at afresh')
    .option('--detach', 'leave it running')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, [id = '']) => (await load()).planResumeCommand(id, options)));
  for (const [what, description] of [
    ['pause', 'begin nothing new; what runs goes on'],
    ['abort', 'end it; what was cut stays cut'],
  ] as const)
    plan
      .command(`${what} <run>`)
      .description(description)
      .option('--json', 'as JSON')
      .action(act(async (options, [id = '']) => (await load()).planChangeCommand(what, id, options)));
  plan
    .command('skip <run> [selector...]')
    .description('leave nodes, or a step, out')
    .option('--step <name>', 'the whole step')
    .option('--json', 'as JSON')
    .action(act(async (options, [id = '', ...words]) => (await load()).planSkipCommand(id, words, options)));
}

function declareServing(program: Command, act: Act): void {
  program
    .command('demo')
    .description('simulated rack, server and interface in one; nothing stays behind')
    .option('--rack <file>', 'nodes of the simulated rack (default: the reference rack of 24)')
    .option('--seed <number>', 'everything that looks random follows from it')
    .option('--headless', 'no interface: print port and socket, and wait')
    .action(
      act(async (options) => {
        const { demoCommand } = await import('./commands/demo.ts');
        return demoCommand(options, run);
      }, SEVERAL),
    );
  // Only for `--help`: `run` has handed the words over before they come here.
  program.command('sim').description("simulated rack behind a pseudo-terminal; see 'rackui sim --help'");
  program
    .command('serve')
    .description('own the port and serve clients')
    .option('--state <directory>', 'logs and state')
    .option('--record <file>', 'write down every byte of the line; secrets are masked')
    .addOption(new Option('--autostarted', 'started by a client: leave when nobody needs it').hideHelp())
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp())
    .action(
      act(async (options) => {
        const { serveCommand } = await import('./commands/serve.ts');
        return serveCommand(options);
      }, SEVERAL),
    );
  program
    .command('doctor')
    .description('port, rights, other programs, the Pi, the bus: what is wrong and what to do; changes nothing')
    .option('--json', 'as JSON')
    .option('--root <directory>', 'look at this copy of a machine’s files instead; no bus is asked')
    .action(
      act(async (options) => {
        const { doctorCommand } = await import('./commands/doctor.ts');
        return doctorCommand(options);
      }),
    );
  const server = program.command('server').description('the server of this rack');
  server
    .command('status')
    .description('whose it is, where, and who is connected')
    .option('--json', 'as JSON')
    .action(
      act(async (options) => {
        const { serverStatusCommand } = await import('./commands/server.ts');
        return serverStatusCommand(options);
      }),
    );
  server
    .command('stop')
    .description('end it; refused while operations run')
    .action(
      act(async (options) => {
        const { serverStopCommand } = await import('./commands/server.ts');
        return serverStopCommand(options);
      }),
    );
  const config = program.command('config').description('the configuration file');
  for (const [name, description] of [
    ['check', 'is it right, and what does it say'],
    ['show', 'with every default filled in'],
    ['schema', 'JSON schema, for editors'],
  ] as const)
    config
      .command(name)
      .description(description)
      .action(
        act(async (options) => {
          const { configCommand } = await import('./commands/config.ts');
          return configCommand(name, options);
        }, SEVERAL),
      );
}
