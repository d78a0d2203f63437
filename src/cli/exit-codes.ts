/** Exit codes of every command, for its help and docs/json.md. */
import type { Command } from 'commander';

/** Exit codes of every command. */
export const COMMON_EXITS = {
  0: 'done',
  5: 'bus or server unavailable',
  64: 'usage',
  78: 'configuration',
  141: 'the reader of the output closed it',
} as const;

const FOLLOWED = {
  2: 'some nodes done, others not',
  3: 'refused by a guard, or not confirmed',
  4: 'not done before the deadline',
  130: 'interrupted: the operation continues',
};
const FOLLOWED_RACKS = { ...FOLLOWED, 2: 'some nodes done, others not, or several racks ended differently' };
const CUTS = { 6: 'a node was cut at its deadline, without proof that it had halted' };
const REFUSED = { 3: 'refused, or this session is view-only' };
const FILES = {
  1: 'the node refused it: no such file, no space, another checksum',
  3: 'it is the master, a session has the keyboard, an operation runs, or view-only',
  5: 'no shell could be reached, or the console was lost: the same command continues',
};
const RACKS = { 2: 'several racks ended differently' };

/** Exit codes of commands besides {@link COMMON_EXITS}, by the words that call them. */
export const EXITS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  plain: {},
  status: RACKS,
  console: {
    3: 'another session has the keyboard',
    4: 'an --expect was not met in time',
    5: 'the node does not answer, its console ended, or bus or server unavailable',
  },
  run: {
    1: 'the command ended with an exit code other than 0 on every node',
    2: 'exit code 0 on some nodes, not on others',
    3: 'refused: a session has the keyboard, an operation runs, or this session is view-only',
    4: 'it did not end in time',
    5: 'no shell could be reached',
  },
  sysrq: {
    1: 'the node did not take it: no root, or sysctl kernel.sysrq',
    3: 'refused: it would cut, it was not confirmed, a session has the keyboard, or this session is view-only',
    5: 'no shell could be reached, or it gave no answer',
  },
  put: FILES,
  get: FILES,
  log: REFUSED,
  alarms: { ...RACKS, ...REFUSED },
  events: RACKS,
  proxy: {},
  verify: {
    2: 'some host names could not be read, or several racks ended differently',
    3: 'a machine has another host name than configured',
  },
  discover: { 3: 'the file exists, or this session is view-only' },
  calibrate: { 3: 'no calibration from these readings' },
  bus: { 3: 'refused, or not confirmed' },
  on: FOLLOWED_RACKS,
  off: { ...FOLLOWED_RACKS, ...CUTS },
  cycle: { ...FOLLOWED_RACKS, ...CUTS },
  ops: RACKS,
  answer: { 3: 'refused, or not confirmed' },
  abort: REFUSED,
  plan: {},
  'plan list': RACKS,
  'plan show': { ...RACKS, 3: 'a guard would refuse' },
  'plan run': { ...FOLLOWED_RACKS, ...CUTS },
  'plan resume': { ...FOLLOWED_RACKS, ...CUTS },
  'plan pause': REFUSED,
  'plan abort': REFUSED,
  'plan skip': REFUSED,
  outage: { 2: 'the mains have failed, or the supply is unknown' },
  'outage report': { 2: 'nodes are not on again' },
  'outage last': { ...FOLLOWED, ...CUTS },
  'outage battery': REFUSED,
  'outage mains': REFUSED,
  'outage drill': { 2: 'nodes are not on again', ...REFUSED },
  demo: {},
  sim: {},
  serve: {},
  doctor: { 5: 'a check failed' },
  setup: {
    2: 'a change was declined, or something is left to do by hand',
    3: 'refused: not as root, no Raspberry Pi, a file that is not understood, or one that was changed since',
  },
  server: {},
  'server status': {},
  'server reload': { 2: 'some of the file is not in force yet', ...REFUSED },
  'server stop': REFUSED,
  config: {},
  'config check': {},
  'config show': {},
  'config schema': {},
  'config import': { 3: 'the file exists' },
  'config export': { 3: 'the file exists' },
  completion: {},
};

/** Returns the words that call a command: `plan run`. */
export function wordsOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${wordsOf(parent)} ${command.name()}` : command.name();
}

/** Adds the command's own exit codes to the end of its help, and of those below it. */
export function addExitCodes({ commands }: Command): void {
  for (const command of commands) {
    const all: Record<number, string> = { ...COMMON_EXITS, ...EXITS[wordsOf(command)] };
    const lines = Object.entries(all).map(([code, when]) => `  ${code.padEnd(4)} ${when}`);
    if (command.commands.length === 0 || wordsOf(command) === 'outage')
      command.addHelpText('after', `\nExit codes:\n${lines.join('\n')}`);
    addExitCodes(command);
  }
}
