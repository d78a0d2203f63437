/** `rackui setup`: frees the UART of a Raspberry Pi for the bus. Shows each change and asks before it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../api/power.ts';
import { answerOf } from '../confirm.ts';
import { Machine, piChecks } from '../doctor/machine.ts';
import { talkerChecks } from '../doctor/uart-users.ts';
import { type GlobalOptions, portOf } from '../server-connection.ts';
import { Failure, print, UsageFailure } from '../terminal-output.ts';
import { apply, placeOf, recordedChanges, takeBack } from './apply.ts';
import { type Change, findChanges } from './changes.ts';

export interface SetupOptions extends GlobalOptions {
  dryRun?: boolean;
  undo?: boolean;
  /** A directory in place of the machine. */
  root?: string;
}

/** Checks whose findings are changed here; what others find is left to the operator. */
const OWN = new Set(['uart', 'firmware', 'eeprom', 'console', 'getty']);

export async function setupCommand(options: SetupOptions): Promise<number> {
  const machine = new Machine(options.root);
  const port = await portOf(options);
  const changes =
    options.undo === true
      ? recordedChanges(machine).reverse()
      : findChanges(machine, port, process.env.SUDO_USER ?? (machine.login.uid === 0 ? null : machine.login.user));
  const asks = options.dryRun !== true && changes.length > 0;
  if (asks && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new UsageFailure(
      'setup asks before each change, and standard input is no terminal: add --dry-run to see the changes',
    );
  if (asks && machine.login.uid !== 0 && !machine.prepared)
    throw new Failure(EXIT.refused, 'only root may change these files: sudo rackui setup');

  let declined = 0;
  for (const change of changes) {
    for (const line of describe(change, options.undo === true)) print(line);
    if (options.dryRun === true) continue;
    const question = options.undo === true ? 'Take this back?' : 'Change this?';
    if (!/^y(es)?$/i.test(await answerOf(`${question} [y/N] `, options.plain === true))) declined++;
    else if (options.undo === true) takeBack(machine, change);
    else apply(machine, change);
  }
  if (changes.length === 0) print(options.undo === true ? 'nothing to take back' : 'nothing to change');
  else if (options.dryRun !== true && declined < changes.length) print('sudo reboot: the changes hold from then on');

  if (options.undo === true) return declined > 0 ? EXIT.partly : EXIT.done;
  const left = [...piChecks(machine, port), ...talkerChecks(machine, port)].filter(
    ({ id, verdict }) => verdict !== 'ok' && !OWN.has(id),
  );
  for (const { seen, todo } of left) print(`left to do: ${seen}${todo === null ? '' : `: ${todo}`}`);
  return declined + left.length > 0 ? EXIT.partly : EXIT.done;
}

/** Returns the lines of a change: its reason and what it does; `back`: of its undoing. */
function describe(change: Change, back: boolean): string[] {
  const title = `${placeOf(change)}: ${back ? 'as it was before' : change.why}`;
  switch (change.kind) {
    case 'file':
    case 'eeprom':
      return [title, ...difference(back ? change.after : change.before, back ? change.before : change.after)];
    case 'mask':
      return [title, `${back ? '-' : '+'} link to /dev/null`];
    case 'group':
      return [title, `${back ? '-' : '+'} ${change.user}`];
  }
}

/** Returns the lines that differ, with two lines around them, as diff prints them. */
function difference(before: string, after: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-setup-'));
  try {
    writeFileSync(join(folder, 'before'), before);
    writeFileSync(join(folder, 'after'), after);
    const { stdout } = spawnSync('diff', ['-U2', 'before', 'after'], { cwd: folder, encoding: 'utf8' });
    // The first two lines name the files and their times.
    return stdout.trimEnd().split('\n').slice(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
