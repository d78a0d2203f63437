/** The options of a simulated rack, and their command line. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CAPTURED_DIALECT, describeDialect, type Dialect, parseDialect } from './rack/responses.ts';

export interface SimOptions {
  /** Rack file, or null for the reference rack. */
  rack: string | null;
  /** Number of unnamed nodes instead of a rack file; null: those of the file. */
  nodes: number | null;
  seed: number;
  /** Symbolic link that always points to the device, or null. */
  link: string | null;
  /** Path of the control socket, or null for one in a new directory under the system's temporary directory. */
  control: string | null;
  /** Bits per second; infinite for a line without a rate. */
  lineRate: number;
  /** Time before each reply of a BMC, ms; null: the default. */
  turnaround: number | null;
  timeScale: number;
  /** Whether the BMC starts unlocked, as no hardware does. */
  unlocked: boolean;
  unlock: string;
  state: 'booted' | 'off';
  user: string;
  password: string;
  /** Whether sudo requires the password too; not so on Raspberry Pi OS. */
  sudoPassword: boolean;
  /** Whether console bytes sent back to back get lost on their way to a node. */
  loss: boolean;
  /** Whether a console waits for a host that does not read. */
  flowControl: boolean;
  dialect: Dialect;
  /** Real programs as consoles, by node name. */
  exec: { node: string; command: string[] }[];
  exitWithStdin: boolean;
  /** Port on loopback for the rack's UPS, served as by NUT's upsd (0: any), or null: no UPS. */
  upsd: number | null;
  /** Capacity of its battery, Wh. */
  battery: number;
  /** File of a recording to replay instead of a simulated rack, or null. */
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
    .option('--nodes <n>', 'number of nodes without names instead (1 to 128)', number(1, 128))
    .option('--seed <n>', 'seed of all random values (default 1)', number(0, 2 ** 31))
    .option('--link <path>', 'symbolic link that always points to the device')
    .option('--control <path>', 'control socket (default: in a new temporary directory)')
    .option('--line-rate <rate>', 'rate of the line: 115200 (default), another, or unlimited', lineRate)
    .option('--turnaround <ms>', 'time before each reply of a BMC (default 0.1)', number(0, 10_000))
    .option('--time-scale <n>', 'speed of the guests; the wire is not faster (default 1)', number(0.01, 10_000))
    .option('--unlocked', 'the BMC starts unlocked (default: locked, as hardware does)')
    .option('--unlock <string>', 'the unlock string (default UnLockMe)')
    .addOption(
      new Option('--unlock-file <file>', "the same, from a file's first line").conflicts('unlock').argParser(firstLine),
    )
    .addOption(
      new Option('--state <state>', 'state of the nodes at the start (default booted)').choices(['booted', 'off']),
    )
    .option('--user <name>', 'user for the login on consoles (default pi)')
    .option('--password <word>', 'password of that user (default raspberry)')
    .option('--sudo-password', 'sudo requires that password too')
    .option('--no-loss', 'console bytes that are sent back to back are not lost')
    .option('--flow-control', 'consoles wait for a host that does not read (hardware loses the bytes)')
    .option('--dialect <switches>', 'form of the replies: NAME=VALUE,… as listed below', dialect)
    .addOption(
      new Option('--node-bell <what>', "effect of 0x07 in a node's output on its pipe (default passes)").choices([
        'passes',
        'closes',
      ]),
    )
    .option('--exec <node=program>', "run a real program on this machine as that node's console", execGuest)
    .option('--replay <file>', "no rack: replies from a recording ('rackui serve --record'); only with --link")
    .option(
      '--upsd <port>',
      "a UPS that feeds the rack, served on loopback as by NUT's upsd (0: any port)",
      number(0, 65_535),
    )
    .option('--battery <wh>', 'capacity of its battery, Wh (default 60)', number(0.01, 100_000))
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
