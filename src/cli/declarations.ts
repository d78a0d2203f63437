/**
 * Declares all commands with their words and options: for viewing and consoles, power, plans, the server, and
 * outages. Each runs an action that resolves with an exit code.
 */
import { Argument, type Command, Option } from 'commander';
import { didYouMean } from '../lib/words.ts';
import { type ConsoleStep, expectStep, sendStep } from './console/script.ts';
import { UsageFailure } from './terminal-output.ts';

/**
 * Makes an action of a function that gets all options, the global ones included, and the positional words. Where
 * several racks are configured it gets the configuration of the chosen one, unless it is for `several`.
 */
export type Act = (
  handle: (options: Record<string, never>, words: string[]) => Promise<number>,
  scope?: { several?: boolean },
) => (...all: unknown[]) => Promise<void>;

/** For commands about all racks at once. */
export const SEVERAL = { several: true };

/** Runs one command line, for commands that take more of them. */
export type Run = (args: readonly string[]) => Promise<number>;

const CONSOLE_HELP = `
Exit codes: 0 done, every --expect met; 3 somebody else types; 4 an --expect was not met in time; 5 the node does not
answer or its console ended.`;

export function declareQueries(program: Command, act: Act): void {
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
    .action(act(async (options, words) => (await import('./commands/status.ts')).statusCommand(words, options)));
  program
    .command('console <node>')
    .description("this terminal becomes the node's console; Ctrl-] d (or Ctrl-5 d) leaves it")
    .option('--force', 'take the keyboard from whoever has it')
    .option('--send <text>', 'type this and Enter (\\c at the end: without); instead of standard input', send)
    .option('--expect <regex>', 'wait until the node prints this; --send and --expect in any number and order', expect)
    .option('--timeout <seconds>', 'how long each --expect waits (default 10)')
    .option('--baud <rate>', "of the node's UART, until the console is closed")
    .option('--raw-output', "the node's bytes unfiltered: what it prints may do anything to this terminal")
    .option('--prefix <key>', 'for Ctrl-], such as Ctrl-A (default: keys.console.prefix of the configuration)')
    .addHelpText('after', CONSOLE_HELP)
    .action(act(async (options, [word = '']) => (await import('./commands/console.ts')).consoleCommand(word, options)));
  program
    .command('log <node>')
    .description("what the node's console showed, with UTC times and marks")
    .option('--follow', 'and on, as it comes')
    .option('--since <time>', 'from 90s, 10m, 2h or 3d ago, or from a time like 2026-07-14T12:00Z')
    .option('--search <text>', 'only lines that hold this, whatever the case')
    .option('--raw', "the node's bytes as they came, into a file or a pipe")
    .action(act(async (options, [word = '']) => (await import('./commands/console.ts')).logCommand(word, options)));
  program
    .command('alarms')
    .description('what is wrong now, and what was and nobody saw')
    .option('--ack <ids>', 'acknowledge these (numbers with commas between, or all)')
    .option('--past', 'those that are over and were seen, too')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('./commands/alarms.ts')).alarmsCommand(options)));
  program
    .command('events')
    .description('what happened, oldest first')
    .option('--follow', 'and on, as it happens')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await import('./commands/alarms.ts')).eventsCommand(options)));
  program
    .command('proxy')
    .description("connects standard input and output with the rack's server, for a rackui that runs this by ssh")
    .action(act(async (options) => (await import('./commands/proxy.ts')).proxyCommand(options)));
  program
    .command('verify [selector...]')
    .description('is each machine the one that the map says? reads host names from consoles, changes nothing')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, words) => (await import('./commands/discover.ts')).verifyCommand(words, options)));
  program
    .command('discover')
    .description('who is on the bus, by UID and host name, as a configuration to begin with')
    .option('--write <file>', 'write it there; an existing file is not overwritten')
    .option('--force', 'overwrite it')
    .option('--no-hosts', 'leave consoles alone: no host names')
    .option('--json', 'one JSON object a node')
    .action(act(async (options) => (await import('./commands/discover.ts')).discoverCommand(options)));
  program
    .command('calibrate <selector...>')
    .description('what a count of current means, from what a meter shows at two loads or more')
    .option('--write', 'put it into the configuration')
    .option('--json', 'as JSON')
    .action(act(async (options, words) => (await import('./commands/calibrate.ts')).calibrateCommand(words, options)));
  program
    .command('bus [node]')
    .description('exchanges on the bus as they passed; bytes by hand with --raw')
    .option('--follow', 'and on, as they pass')
    .option('--json', 'one JSON object a line')
    .option('--raw <bytes>', "for the BIOS of the node, or 'master'; ^G means 0x07")
    .option('--confirm <name>', 'what it takes to send / \\ ~ | ] [ or ^G: the name of the node, or master')
    .action(act(async (options, words) => (await import('./commands/bus.ts')).busCommand(words, options)));
}

export function declarePlans(program: Command, act: Act): void {
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
    .command('show <plan>')
    .description('the exact order, times, and who would refuse; sends nothing')
    .option('--json', 'as JSON')
    .action(act(async (options, [name = '']) => (await load()).planShowCommand(name, options)));
  plan
    .command('run <plan>')
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

export function declarePower(program: Command, act: Act): void {
  const verb = (word: 'on' | 'off' | 'cycle', description: string): Command =>
    program
      .command(`${word} <selector...>`)
      .description(description)
      .option('--dry-run', 'say what would happen; send nothing')
      .option('--detach', 'print the operation and leave it running')
      .option('--deadline <seconds>', 'give up after this time')
      .option('--json', 'one JSON object a line')
      .action(act(async (options, words) => (await import('./commands/power.ts')).powerCommand(word, words, options)));
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
    .action(act(async (options, [id]) => (await import('./commands/power.ts')).opsCommand(id, options)));
  program
    .command('answer <id> <choice>')
    .description("answer an operation's question; 'ops ID' lists the choices")
    .option('--node <node>', 'whose question, where several ask')
    .option('--confirm <text>', "the words that a dangerous choice needs: the node's name")
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id = '', choice = '']) =>
        (await import('./commands/power.ts')).answerCommand(id, choice, options),
      ),
    );
  program
    .command('abort <id>')
    .description('end a running operation; what was cut stays cut')
    .option('--json', 'as JSON')
    .action(act(async (options, [id = '']) => (await import('./commands/power.ts')).abortCommand(id, options)));
}

export function declareServing(program: Command, act: Act, run: Run): void {
  program
    .command('demo')
    .description('simulated rack, server and interface in one; nothing stays behind')
    .option('--rack <file>', 'nodes of the simulated rack (default: the reference rack of 24)')
    .option('--seed <number>', 'everything that looks random follows from it')
    .option('--headless', 'no interface: print port and socket, and wait')
    .action(act(async (options) => (await import('./commands/demo.ts')).demoCommand(options, run), SEVERAL));
  // Only for `--help`: `run` has handed the words over before they come here.
  program.command('sim').description("simulated rack behind a pseudo-terminal; see 'rackui sim --help'");
  program
    .command('serve')
    .description('own the port and serve clients')
    .option('--state <directory>', 'logs and state')
    .option('--record <file>', 'write down every byte of the line; secrets are masked')
    .addOption(new Option('--autostarted', 'started by a client: leave when nobody needs it').hideHelp())
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp())
    .action(act(async (options) => (await import('./commands/server.ts')).serveCommand(options), SEVERAL));
  program
    .command('doctor')
    .description('port, rights, other programs, the Pi, the bus: what is wrong and what to do; changes nothing')
    .option('--json', 'as JSON')
    .option('--ups', 'the UPS, its software, its users and the plans instead: would the rack go down in order?')
    .option('--root <directory>', 'look at this copy of a machine’s files instead; no bus is asked')
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
    .option('--undo', 'take back what setup changed')
    .option('--root <directory>', 'work on this copy of a machine’s files instead')
    .action(act(async (options) => (await import('./setup/setup.ts')).setupCommand(options)));
  const server = program.command('server').description('the server of this rack');
  server
    .command('status')
    .description('whose it is, where, and who is connected')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('./commands/server.ts')).serverStatusCommand(options)));
  server
    .command('reload')
    .description('read the configuration file anew; says what needs a restart')
    .action(act(async (options) => (await import('./commands/server.ts')).serverReloadCommand(options)));
  server
    .command('stop')
    .description('end it; refused while operations run')
    .action(act(async (options) => (await import('./commands/server.ts')).serverStopCommand(options)));
  const config = program.command('config').description('the configuration file');
  for (const [name, description] of [
    ['check', 'is it right, and what does it say'],
    ['show', 'with every default filled in'],
    ['schema', 'JSON schema, for editors'],
  ] as const)
    config
      .command(name)
      .description(description)
      .action(act(async (options) => (await import('./commands/config.ts')).configCommand(name, options), SEVERAL));
  program
    .command('completion')
    .description('script that completes this command line in a shell: source <(rackui completion bash)')
    .addArgument(
      new Argument('<what>', 'a shell; or what its script asks for: names of nodes or plans').choices([
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
    .description('mains, UPS and battery: how they stand, and what would happen')
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
    .description('the outage that is under way, or the last one, node by node')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await load()).outageReportCommand(options)));
  outage
    .command('last')
    .description('for UPS software: this machine goes down; the last plan, back within the time whatever happens')
    .option('--within <seconds>', 'how long the battery is trusted for')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await load()).outageLastCommand(options)));
  for (const [supply, description] of [
    ['battery', 'for UPS software that the server does not ask itself: the mains are away'],
    ['mains', 'the same: the mains are back'],
  ] as const)
    outage
      .command(supply)
      .description(description)
      .option('--runtime <seconds>', 'how long the battery lasts')
      .option('--now', 'mains have been back for long enough: nodes come back at once')
      .option('--json', 'as JSON')
      .action(act(async (options) => (await load()).outageTellCommand(supply, options)));
  outage
    .command('drill')
    .description('play an outage on these nodes, for real: shut down, power off, power on')
    .requiredOption('--nodes <selector>', 'the nodes; every other one is left alone')
    .option('--json', 'the report as JSON')
    .action(act(async (options) => (await load()).outageDrillCommand(options)));
}
