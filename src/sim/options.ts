/** What a simulated rack can be asked to be, and the command line that asks. */
import { readFileSync } from 'node:fs';
import { CAPTURED_DIALECT, describeDialect, parseDialect, type Dialect } from './dialect.ts';

export interface SimOptions {
  /** Rack file, or null for the reference rack. */
  rack: string | null;
  /** Unnamed nodes instead of a rack file; null: as the file says. */
  nodes: number | null;
  seed: number;
  /** Symbolic link that always points to the device, or null. */
  link: string | null;
  /** Path of the control socket, or null for one in a new directory under the system's temporary directory. */
  control: string | null;
  /** Bits a second, or null: unlimited. */
  lineRate: number | null;
  /** Time the BMC takes for an answer, ms; null: the default. */
  turnaroundMs: number | null;
  timeScale: number;
  locked: boolean;
  unlock: string;
  state: 'booted' | 'off';
  user: string;
  password: string;
  /** Whether sudo asks for the password too; Raspberry Pi OS does not. */
  sudoPassword: boolean;
  /** Whether console bytes sent back to back get lost on their way to a node. */
  lossy: boolean;
  /** Whether a console waits for a host that does not read. */
  flowControl: boolean;
  dialect: Dialect;
  /** Real programs as consoles, by node name: given explicitly, one by one. */
  exec: { node: string; command: string[] }[];
  exitWithStdin: boolean;
  /** A recording to be played instead of a simulated rack, or null. */
  replay: string | null;
  /** Only say what can be said here. */
  help: boolean;
}

export const SIM_DEFAULTS: SimOptions = {
  rack: null,
  nodes: null,
  seed: 1,
  link: null,
  control: null,
  lineRate: 115200,
  turnaroundMs: null,
  timeScale: 1,
  locked: true,
  unlock: 'UnLockMe',
  state: 'booted',
  user: 'pi',
  password: 'raspberry',
  sudoPassword: false,
  lossy: true,
  flowControl: false,
  dialect: CAPTURED_DIALECT,
  exec: [],
  exitWithStdin: false,
  replay: null,
  help: false,
};

export const SIM_HELP = `Usage: rackui sim [options]        a simulated rack behind a pseudo-terminal
       rackui sim ctl CONTROL VERB …   look at its true state, inject faults (VERB 'help' lists them)

Prints 'port DEVICE', 'control SOCKET' and 'ready', then runs until it is interrupted.

  --rack FILE           nodes from a rack file (default: the reference rack of 24)
  --nodes N             N nodes without names instead (1 to 128)
  --seed N              everything that looks random follows from it (default 1)
  --link PATH           symbolic link that always points to the device
  --control PATH        control socket (default: in a new temporary directory)
  --line-rate R         115200 (default), another rate, or unlimited
  --turnaround MS       time a BMC takes for an answer (default 0.1)
  --time-scale N        guests live N times as fast; the wire does not (default 1)
  --unlocked            the BMC starts unlocked (default: locked, as hardware does)
  --unlock STRING       the unlock string (default UnLockMe)
  --unlock-file FILE    the same, from a file's first line
  --state booted|off    nodes at the start (default booted)
  --user NAME           who can log in on the consoles (default pi)
  --password WORD       and with what (default raspberry)
  --sudo-password       sudo asks for it too
  --no-loss             console bytes back to back are not lost
  --flow-control        consoles wait for a host that does not read (hardware does not: it loses bytes)
  --dialect K=V,…       how the bus words its answers:
${describeDialect()
  .map((line) => `                          ${line}`)
  .join('\n')}
  --exec NODE=PROGRAM   a real program, run on this machine, as that node's console (its arguments: separated by spaces)
  --replay FILE         no rack: the answers of a recording ('rackui serve --record'); only --link goes with it
  --exit-with-stdin     end when standard input ends
`;

/** A command line nobody can mean. `message` is one sentence for the operator. */
export class SimUsage extends Error {
  override readonly name = 'SimUsage';
}

type Setter = (value: string, options: SimOptions) => void;

/** Options that take a value. */
const VALUED: Record<string, Setter> = {
  '--rack': (value, o) => (o.rack = value),
  '--nodes': (value, o) => (o.nodes = number('--nodes', value, 1, 128)),
  '--seed': (value, o) => (o.seed = number('--seed', value, 0, 2 ** 31)),
  '--link': (value, o) => (o.link = value),
  '--control': (value, o) => (o.control = value),
  '--line-rate': (value, o) => (o.lineRate = value === 'unlimited' ? null : number('--line-rate', value, 300, 4e6)),
  '--turnaround': (value, o) => (o.turnaroundMs = number('--turnaround', value, 0, 10_000)),
  '--time-scale': (value, o) => (o.timeScale = number('--time-scale', value, 0.01, 10_000)),
  '--unlock': (value, o) => (o.unlock = value),
  '--unlock-file': (value, o) => (o.unlock = secretFrom(value)),
  '--state': (value, o) => (o.state = oneOf('--state', value, ['booted', 'off'])),
  '--user': (value, o) => (o.user = value),
  '--password': (value, o) => (o.password = value),
  '--dialect': (value, o) => (o.dialect = dialect(value, o.dialect)),
  '--replay': (value, o) => (o.replay = value),
  '--exec': (value, o) => o.exec.push(execGuest(value)),
};

const FLAGS: Record<string, (options: SimOptions) => void> = {
  '--locked': (o) => (o.locked = true),
  '--unlocked': (o) => (o.locked = false),
  '--sudo-password': (o) => (o.sudoPassword = true),
  '--no-loss': (o) => (o.lossy = false),
  '--flow-control': (o) => (o.flowControl = true),
  '--exit-with-stdin': (o) => (o.exitWithStdin = true),
  '--help': (o) => (o.help = true),
};

/** Understands `argv` (without `sim`). Throws {@link SimUsage}. */
export function parseSimArgs(argv: readonly string[]): SimOptions {
  const options: SimOptions = { ...SIM_DEFAULTS, exec: [] };
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, name = word, inline] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const setter = VALUED[name];
    const flag = FLAGS[word];
    if (setter) {
      const value = inline ?? words.shift();
      if (value === undefined) throw new SimUsage(`${name} needs a value`);
      setter(value, options);
    } else if (flag) flag(options);
    else throw new SimUsage(`'${word}' is no option of 'rackui sim'; see 'rackui sim --help'`);
  }
  return options;
}

function number(name: string, value: string, least: number, most: number): number {
  const parsed = Number(value);
  if (value.trim() === '' || !(parsed >= least && parsed <= most))
    throw new SimUsage(`${name} ${value}: a number from ${least} to ${most}`);
  return parsed;
}

function secretFrom(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').split('\n')[0] ?? '';
  } catch (error) {
    throw new SimUsage(`--unlock-file: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text === '') throw new SimUsage(`--unlock-file ${path}: its first line is empty`);
  return text;
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new SimUsage(`${name} ${value}: can be ${choices.join(' or ')}`);
  return found;
}

function dialect(value: string, base: Dialect): Dialect {
  try {
    return parseDialect(value, base);
  } catch (error) {
    throw new SimUsage(error instanceof Error ? error.message : String(error));
  }
}

function execGuest(value: string): { node: string; command: string[] } {
  const at = value.indexOf('=');
  const command = value
    .slice(at + 1)
    .split(' ')
    .filter((word) => word !== '');
  if (at < 1 || command.length === 0) throw new SimUsage(`--exec ${value}: give NODE=PROGRAM`);
  return { node: value.slice(0, at), command };
}
