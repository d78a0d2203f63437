/**
 * Declares the commands with their words and options: for viewing and consoles, power, the server, and outages; those
 * about plans and in nodes' systems have files of their own. Each runs an action that resolves with an exit code.
 */
import { Argument, type Command, Option } from 'commander';
import { didYouMean } from '../lib/words.ts';
import type { StepText } from './commands/console.ts';
import type { ActForList, ActTogether, RackScope } from './fleet/each-rack.ts';
import { UsageFailure } from './terminal-output.ts';

/**
 * Makes an action of a function that gets all options, the global ones included, and the positional words. Where
 * several racks are configured it gets the configuration of the chosen one; with `racks` it is called for each that
 * the words address, or `together` is called for all of them, and `whole` before; with `several` it finds them itself.
 */
export type Act = (
  handle: (options: Record<string, never>, words: string[]) => Promise<number>,
  scope?: { several?: boolean; racks?: RackScope; together?: ActTogether; whole?: ActForList },
) => (...all: unknown[]) => Promise<void>;

/** For commands about all racks at once. */
export const SEVERAL = { several: true };

/** Runs one command line, for commands that take more of them. */
export type Run = (args: readonly string[]) => Promise<number>;

export function declareQueries(program: Command, act: Act): void {
  const steps: StepText[] = [];
  const step = (kind: StepText['do']) => (text: string) => {
    steps.push({ do: kind, text });
    return steps;
  };
  const [send, expect] = [step('send'), step('expect')];
  program
    .command('status [selector...]')
    .description('state of the nodes, from a new sweep')
    .option('--json', 'as JSON')
    .option('--watch', 'and then each change')
    .action(
      act(async (options, words) => (await import('./commands/status.ts')).statusCommand(words, options), {
        racks: 'nodes',
      }),
    );
  program
    .command('console <node>')
    .description("open the node's console in this terminal; Ctrl-] d (or Ctrl-5 d) leaves it")
    .option('--force', 'take the keyboard from another session')
    .option(
      '--send <text>',
      'type this text and Enter (without Enter: \\c at the end); instead of standard input',
      send,
    )
    .option('--expect <regex>', 'wait until the output matches; --send and --expect in any number and order', expect)
    .option('--timeout <seconds>', 'timeout of each --expect (default 10)')
    .option('--baud <rate>', "rate of the node's UART until the console is closed")
    .option('--raw-output', "the node's output unfiltered: its escape sequences reach this terminal")
    .option(
      '-e, --prefix <key>',
      'prefix key instead of Ctrl-], such as Ctrl-A or ^A (default: keys.console.prefix of the configuration)',
    )
    .option('--pty <path>', 'offer the console as a pseudo-terminal at this path, for tio, picocom, expect and others')
    .action(
      act(async (options, [word = '']) => (await import('./commands/console.ts')).consoleCommand(word, options), {
        racks: 'one',
      }),
    );
  program
    .command('log <node>')
    .description("log of the node's console, with UTC times and marks")
    .option('--follow', 'and then new lines')
    .option('--since <time>', 'only from 90s, 10m, 2h or 3d ago, or from a time such as 2026-07-14T12:00Z')
    .option('--until <time>', 'only up to that time')
    .option('--search <text>', 'only lines that contain this text, ignoring case')
    .option('--raw', "the node's bytes unchanged, to a file or a pipe")
    .option('--cast [version]', 'a recording for asciinema, with times and marks; version 2 for asciinema before 3')
    .option('--idle <seconds>', 'pause to which players of the recording shorten longer ones')
    .option('--html', 'an HTML page with colours and times')
    .option('--boots', 'the boots in the log: time to the login prompt, first error')
    .option('--json', 'with --boots: an object for each boot')
    .option('--changes', 'lines that only one of the last two boots has')
    .action(
      act(async (options, [word = '']) => (await import('./commands/log.ts')).logCommand(word, options), {
        racks: 'one',
      }),
    );
  program
    .command('alarms')
    .description('active alarms, and past ones that are not acknowledged')
    .option('--ack <ids>', 'acknowledge these (numbers separated by commas, or all)')
    .option('--past', 'also past, acknowledged alarms')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('./commands/alarms.ts')).alarmsCommand(options), { racks: 'none' }));
  program
    .command('events')
    .description('events, oldest first')
    .option('--follow', 'and then new events')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await import('./commands/alarms.ts')).eventsCommand(options), { racks: 'none' }));
  program
    .command('proxy')
    .description("connect standard input and output to the rack's server, for a rackui that runs this by ssh")
    .action(act(async (options) => (await import('./commands/proxy.ts')).proxyCommand(options)));
  program
    .command('verify [selector...]')
    .description('check that each machine has the configured host name, by its console; changes nothing')
    .option('--json', 'one JSON object a line')
    .action(
      act(async (options, words) => (await import('./commands/discover.ts')).verifyCommand(words, options), {
        racks: 'nodes',
      }),
    );
  program
    .command('discover')
    .description('find the nodes on the bus, with UID and host name, and print a configuration')
    .option('--write <file>', 'write it to this file; an existing file is not overwritten')
    .option('--force', 'overwrite it')
    .option('--no-hosts', 'without consoles and host names')
    .option('--json', 'one JSON object a node')
    .action(act(async (options) => (await import('./commands/discover.ts')).discoverCommand(options)));
  program
    .command('calibrate <selector...>')
    .description('calibrate counts of current, from readings of a meter at two or more loads')
    .option('--write', 'write it into the configuration')
    .option('--json', 'as JSON')
    .action(act(async (options, words) => (await import('./commands/calibrate.ts')).calibrateCommand(words, options)));
  program
    .command('bus [node]')
    .description('exchanges on the bus; --raw sends a raw command')
    .option('--follow', 'and then new exchanges')
    .option('--json', 'one JSON object a line')
    .option('--raw <bytes>', "for the BIOS of the node, or 'master'; ^G means 0x07")
    .option('--confirm <name>', 'required for / \\ ~ | ] [ and ^G: the name of the node, or master')
    .action(act(async (options, words) => (await import('./commands/bus.ts')).busCommand(words, options)));
}

export function declarePower(program: Command, act: Act): void {
  const verb = (word: 'on' | 'off' | 'cycle', description: string): Command =>
    program
      .command(`${word} <selector...>`)
      .description(description)
      .option('--dry-run', 'show the effect; send nothing')
      .option('--detach', 'print the operation and leave it running')
      .option('--deadline <seconds>', 'stop waiting after this time')
      .option('--json', 'one JSON object a line')
      .action(
        act(async (options, words) => (await import('./commands/power.ts')).powerCommand(word, words, options), {
          racks: 'nodes',
          together: async (...racks) => (await import('./fleet/power.ts')).fleetPowerCommand(word, ...racks),
        }),
      );
  const cut = (command: Command): Command =>
    command
      .option(
        '--confirm <text>',
        "the node's name; for several, the selector and the count: 'row:A 4'; of several racks 'north:n05', '*:row:A 9'",
      )
      .option('--force', 'cut at once, without a shutdown of the operating system')
      .option('--on-deadline <what>', 'leave (the default) the node on, or cut', 'leave')
      .option('--take-console', 'take the console from another session if the shutdown needs it')
      .option('--override <rules>', 'override rules about dependent nodes: dns, quorum, fan');
  verb('on', 'switch power on');
  cut(verb('off', 'shut the operating system down, then cut power'));
  cut(verb('cycle', 'off, then on'));

  program
    .command('ops [id]')
    .description('running and past operations; with an ID its details')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id]) => (await import('./commands/power.ts')).opsCommand(id, options), { racks: 'one' }),
    );
  program
    .command('answer <id> <choice>')
    .description("answer a prompt of an operation; 'ops ID' lists the choices")
    .option('--node <node>', 'the node, if several have a prompt')
    .option('--confirm <text>', "confirmation of a dangerous choice: the node's name")
    .option('--json', 'as JSON')
    .action(
      act(
        async (options, [id = '', choice = '']) =>
          (await import('./commands/power.ts')).answerCommand(id, choice, options),
        { racks: 'one' },
      ),
    );
  program
    .command('abort <id>')
    .description('abort a running operation; nodes that were cut stay off')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id = '']) => (await import('./commands/power.ts')).abortCommand(id, options), {
        racks: 'one',
      }),
    );
}

export function declareServing(program: Command, act: Act, run: Run): void {
  program
    .command('demo')
    .description('simulated rack, server and interface in one; leaves no files')
    .option('--rack <file>', 'nodes of the simulated rack (default: the reference rack of 24)')
    .option('--seed <number>', 'seed of all random values')
    .option('--headless', 'no interface: print port and socket, and wait')
    .action(act(async (options) => (await import('./commands/demo.ts')).demoCommand(options, run), SEVERAL));
  // Only for `--help`: `run` has handed the words over before they come here.
  program.command('sim').description("simulated rack behind a pseudo-terminal; see 'rackui sim --help'");
  program
    .command('serve')
    .description('own the port and serve clients')
    .option('--state <directory>', 'logs and state')
    .option('--record <file>', 'record every byte of the line; secrets are masked')
    .addOption(new Option('--autostarted', 'started by a client: stop when idle').hideHelp())
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp())
    .action(act(async (options) => (await import('./commands/server.ts')).serveCommand(options), SEVERAL));
  program
    .command('doctor')
    .description('check port, permissions, other programs, the Pi and the bus, with remedies; changes nothing')
    .option('--json', 'as JSON')
    .option('--ups', 'check UPS, UPS software and plans instead')
    .option('--root <directory>', 'check this copy of a machine’s files instead; without the bus')
    .action(
      act(async (options) =>
        'ups' in options && options.ups === true
          ? (await import('./commands/doctor.ts')).doctorUps(options)
          : (await import('./commands/doctor.ts')).doctorCommand(options),
      ),
    );
  program
    .command('setup')
    .description('free the UART of this Raspberry Pi for the bus; shows each change and asks before it')
    .option('--dry-run', 'show the changes; make none')
    .option('--undo', 'undo the changes of setup')
    .option('--root <directory>', 'work on this copy of a machine’s files instead')
    .action(act(async (options) => (await import('./setup/setup.ts')).setupCommand(options)));
  const server = program.command('server').description('the server of this rack');
  server
    .command('status')
    .description('its user, port, socket and sessions')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('./commands/server.ts')).serverStatusCommand(options)));
  server
    .command('reload')
    .description('reload the configuration file; prints what needs a restart')
    .action(act(async (options) => (await import('./commands/server.ts')).serverReloadCommand(options)));
  server
    .command('stop')
    .description('stop it; refused while operations run')
    .action(act(async (options) => (await import('./commands/server.ts')).serverStopCommand(options)));
  const config = program.command('config').description('the configuration file');
  for (const [name, description] of [
    ['check', 'check it and print a summary'],
    ['show', 'print it with all defaults'],
    ['schema', 'print its JSON schema, for editors'],
  ] as const)
    config
      .command(name)
      .description(description)
      .action(act(async (options) => (await import('./commands/config.ts')).configCommand(name, options), SEVERAL));
  const sheet = () => import('./commands/config-sheet.ts');
  config
    .command('import <sheet>')
    .description(
      'merge a CSV sheet of the boards (BMC id, name, ip, mac, BMC UID, vlan) into the configuration; print it',
    )
    .option('--write <file>', 'write it into this file instead')
    .option('--force', 'overwrite the file')
    .action(act(async (options, [path = '']) => (await sheet()).importCommand(path, options)));
  config
    .command('export')
    .description('print the configured nodes as such a sheet')
    .option('--write <file>', 'write it into this file instead')
    .option('--force', 'overwrite the file')
    .action(act(async (options) => (await sheet()).exportCommand(options)));
  program
    .command('completion')
    .description('print a completion script for a shell: source <(rackui completion bash)')
    .addArgument(
      new Argument('<what>', 'a shell; nodes and plans are for its script').choices([
        'bash',
        'zsh',
        'fish',
        'nodes',
        'plans',
      ]),
    )
    .action(
      act(
        async (options, [what = '']) =>
          (await import('./completion/completion.ts')).completionCommand(what, program, options),
        SEVERAL,
      ),
    );
}

function unknownWord(word: string, { commands }: Command): UsageFailure {
  const names = commands.map((command) => command.name());
  return new UsageFailure(`outage has no '${word}'; it has ${names.join(', ')}${didYouMean(word, names)}`);
}

export function declareOutage(program: Command, act: Act): void {
  const load = () => import('./commands/outage.ts');
  const outage = program
    .command('outage')
    .description('state of mains, UPS and battery, and a forecast')
    .option('--json', 'as JSON')
    .allowExcessArguments()
    .action(
      act(async (options, [word]) => {
        if (word !== undefined) throw unknownWord(word, outage);
        return (await load()).outageCommand(options);
      }),
    );
  outage
    .command('report')
    .description('report of the present or the last outage, by node')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await load()).outageReportCommand(options)));
  outage
    .command('last')
    .description('for UPS software: this machine shuts down; run the last plan, return within the time')
    .option('--within <seconds>', 'runtime that the battery is sure to have')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await load()).outageLastCommand(options)));
  for (const [supply, description] of [
    ['battery', 'for UPS software that the server does not query: the mains have failed'],
    ['mains', 'for UPS software that the server does not query: the mains have returned'],
  ] as const)
    outage
      .command(supply)
      .description(description)
      .option('--runtime <seconds>', 'runtime of the battery')
      .option('--now', 'the mains are stable: switch nodes on at once')
      .option('--json', 'as JSON')
      .action(act(async (options) => (await load()).outageSupplyCommand(supply, options)));
  outage
    .command('drill')
    .description('run an outage on these nodes: shut down, power off, power on')
    .requiredOption('--nodes <selector>', 'nodes of the drill; others are not changed')
    .option('--json', 'the report as JSON')
    .action(act(async (options) => (await load()).outageDrillCommand(options)));
}
