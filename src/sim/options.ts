/** The options of a simulated rack, and their command line. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CAPTURED_DIALECT, describeDialect, type Dialect, parseDialect } from './rack/responses.ts';

export interface SimOptions {
  /** Rack file, or null for the reference rack. */
  rack: string | null;
  /** Number of unnamed nodes instead of a rack file; null: as the file says. */
  nodes: number | null;
  seed: number;
  /** Symbolic link that always points to the device, or null. */
  link: string | null;
  /** Path of the control socket, or null for one in a new directory under the system's temporary directory. */
  control: string | null;
  /** Bits per second; infinite for a line without a rate. */
  lineRate: number;
  /** Time the BMC takes for an answer, ms; null: the default. */
  turnaround: number | null;
  timeScale: number;
  /** Whether the BMC starts unlocked, as no hardware does. */
  unlocked: boolean;
  unlock: string;
  state: 'booted' | 'off';
  user: string;
  password: string;
  /** Whether sudo asks for the password too; Raspberry Pi OS does not. */
  sudoPassword: boolean;
  /** Whether console bytes sent back to back get lost on their way to a node. */
  loss: boolean;
  /** Whether a console waits for a host that does not read. */
  flowControl: boolean;
  dialect: Dialect;
  /** Real programs as consoles, by node name: given explicitly, one by one. */
  exec: { node: string; command: string[] }[];
  exitWithStdin: boolean;
  /** Port on loopback for the rack's UPS, served as by NUT's upsd (0: any), or null: no UPS. */
  upsd: number | null;
  /** Capacity of its battery, Wh. */
  battery: number;
  /** A recording to play instead of a simulated rack, or null. */
  replay: string | null;
}

export const SIM_DEFAULTS: SimOptions = {
  rack: null,
  nodes: null,
  seed: 1,
  link: null,
  control: null,
  lineRate: 115200,
  turnaround: null,
  timeScale: 1,
  unlocked: false,
  unlock: 'UnLockMe',
  state: 'booted',
  user: 'pi',
  password: 'raspberry',
  sudoPassword: false,
  loss: true,
  flowControl: false,
  dialect: CAPTURED_DIALECT,
  exec: [],
  exitWithStdin: false,
  upsd: null,
  battery: 60,
  replay: null,
};

/** Declares an option for each of {@link SimOptions}; {@link optionsOf} reads the given ones. */
export function withSimOptions(command: Command): Command {
  return command
    .option('--rack <file>', 'nodes from a rack file (default: the reference rack of 24)')
    .option('--nodes <n>', 'so many nodes without names instead (1 to 128)', number(1, 128))
    .option('--seed <n>', 'everything that looks random follows from it (default 1)', number(0, 2 ** 31))
    .option('--link <path>', 'symbolic link that always points to the device')
    .option('--control <path>', 'control socket (default: in a new temporary directory)')
    .option('--line-rate <rate>', '115200 (default), another rate, or unlimited', lineRate)
    .option('--turnaround <ms>', 'time a BMC takes for an answer (default 0.1)', number(0, 10_000))
    .option(
      '--time-scale <n>',
      'guests live so many times as fast; the wire does not (default 1)',
      number(0.01, 10_000),
    )
    .option('--unlocked', 'the BMC starts unlocked (default: locked, as hardware does)')
    .option('--unlock <string>', 'the unlock string (default UnLockMe)')
    .addOption(
      new Option('--unlock-file <file>', "the same, from a file's first line").conflicts('unlock').argParser(firstLine),
    )
    .addOption(new Option('--state <state>', 'nodes at the start (default booted)').choices(['booted', 'off']))
    .option('--user <name>', 'who can log in on the consoles (default pi)')
    .option('--password <word>', 'and with what (default raspberry)')
    .option('--sudo-password', 'sudo asks for it too')
    .option('--no-loss', 'console bytes back to back are not lost')
    .option('--flow-control', 'consoles wait for a host that does not read (hardware does not: it loses bytes)')
    .option('--dialect <switches>', 'how the bus words its answers: NAME=VALUE,… as listed below', dialect)
    .addOption(
      new Option('--node-bell <what>', "what a bell in a node's output does to its pipe (default passes)").choices([
        'passes',
        'closes',
      ]),
    )
    .option('--exec <node=program>', "a real program, run on this machine, as that node's console", execGuest)
    .option(
      '--replay <file>',
      "no rack: the answers of a recording ('rackui serve --record'); only --link goes with it",
    )
    .option(
      '--upsd <port>',
      "a UPS before the rack, told of on loopback as by NUT's upsd (0: any port)",
      number(0, 65_535),
    )
    .option('--battery <wh>', 'how much its battery holds, Wh (default 60)', number(0.01, 100_000))
    .option('--exit-with-stdin', 'end when standard input ends')
    .addHelpText(
      'after',
      `\nDialect:\n${describeDialect()
        .map((line) => `  ${line}`)
        .join('\n')}`,
    );
}

/** Returns the options given to a command that {@link withSimOptions} declared. */
export function optionsOf(command: Command): SimOptions {
  type Given = Partial<SimOptions> & { unlockFile?: string; nodeBell?: Dialect['nodeBell'] };
  const { unlockFile, nodeBell, ...given } = command.opts<Given>();
  const options = { ...SIM_DEFAULTS, ...given, ...(unlockFile === undefined ? {} : { unlock: unlockFile }) };
  return nodeBell === undefined ? options : { ...options, dialect: { ...options.dialect, nodeBell } };
}

/** Parses `argv` (without `sim`). @throws {CommanderError} */
export function parseSimArgs(argv: readonly string[]): SimOptions {
  return optionsOf(withSimOptions(new Command().exitOverride()).parse([...argv], { from: 'user' }));
}

function number(least: number, most: number): (value: string) => number {
  return (value) => {
    const parsed = Number(value);
    if (value.trim() === '' || !(parsed >= least && parsed <= most))
      throw new InvalidArgumentError(`A number from ${least} to ${most}.`);
    return parsed;
  };
}

const lineRate = (value: string): number => (value === 'unlimited' ? Infinity : number(300, 4e6)(value));

function firstLine(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').split('\n')[0] ?? '';
  } catch (error) {
    throw new InvalidArgumentError(reason(error));
  }
  if (text === '') throw new InvalidArgumentError('Its first line is empty.');
  return text;
}

function dialect(value: string, before: Dialect = CAPTURED_DIALECT): Dialect {
  try {
    return parseDialect(value, before);
  } catch (error) {
    throw new InvalidArgumentError(reason(error));
  }
}

function execGuest(value: string, before: SimOptions['exec'] = []): SimOptions['exec'] {
  const at = value.indexOf('=');
  const command = value
    .slice(at + 1)
    .split(' ')
    .filter((word) => word !== '');
  if (at < 1 || command.length === 0) throw new InvalidArgumentError('Give NODE=PROGRAM.');
  return [...before, { node: value.slice(0, at), command }];
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
