/**
 * Carries out changes of the machine's set-up, and takes them back. What was there before is kept in a record that only
 * root can write, on the disk before anything is changed.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EXIT } from '../../api/power.ts';
import { messageOf } from '../../lib/errors.ts';
import { eepromText, type Machine } from '../doctor/machine.ts';
import { Failure } from '../terminal-output.ts';
import type { Change } from './changes.ts';

const RECORD = '/var/backups/rackui/setup.json';

/** Returns the changes that were carried out and not taken back, in their order. */
export function recordedChanges(machine: Machine): Change[] {
  const text = machine.text(RECORD);
  if (text === null) return [];
  try {
    return JSON.parse(text) as Change[];
  } catch {
    throw new Failure(EXIT.refused, `${RECORD} is damaged: what it kept cannot be restored by this command`);
  }
}

function record(machine: Machine, changes: readonly Change[]): void {
  const path = join(machine.root, RECORD);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (changes.length === 0) rmSync(path);
  else replace(path, `${JSON.stringify(changes, null, 1)}\n`, 0o600);
}

export function apply(machine: Machine, change: Change): void {
  attempt(change, () => {
    record(machine, [...recordedChanges(machine), change]);
    switch (change.kind) {
      case 'file':
        replace(join(machine.root, machine.resolve(change.path)), change.after);
        break;
      case 'mask':
        mkdirSync(dirname(join(machine.root, change.path)), { recursive: true });
        symlinkSync('/dev/null', join(machine.root, change.path));
        break;
      case 'group':
        run('usermod', '--prefix', machine.root, '--append', '--groups', change.group, change.user);
        break;
      case 'eeprom':
        writeEeprom(change.after);
    }
  });
}

/**
 * Takes a change back and strikes it off the record. @throws Failure where another program changed the same thing since
 */
export function takeBack(machine: Machine, change: Change): void {
  attempt(change, () => {
    switch (change.kind) {
      case 'file': {
        const path = join(machine.root, machine.resolve(change.path));
        const now = machine.text(change.path);
        if (now === change.after) replace(path, change.before);
        // Recorded, and then not carried out.
        else if (now !== change.before) throw new Error(`it was changed since; ${RECORD} has its former text`);
        break;
      }
      case 'mask': {
        const path = join(machine.root, change.path);
        if (machine.exists(change.path) && lstatSync(path).isSymbolicLink() && readlinkSync(path) === '/dev/null')
          rmSync(path);
        break;
      }
      case 'group':
        run('usermod', '--prefix', machine.root, '--remove', '--groups', change.group, change.user);
        break;
      case 'eeprom':
        if (eepromText(machine) !== change.before) writeEeprom(change.before);
    }
    record(
      machine,
      recordedChanges(machine).filter((one) => JSON.stringify(one) !== JSON.stringify(change)),
    );
  });
}

/** Names the thing that is changed, for messages. */
export function placeOf(change: Change): string {
  if (change.kind === 'group') return `group ${change.group}`;
  return change.kind === 'eeprom' ? "the boot loader's EEPROM" : change.path;
}

function attempt(change: Change, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Failure(EXIT.refused, `${placeOf(change)} was not changed: ${messageOf(error)}`);
  }
}

/**
 * Replaces a file at once, with the owner and mode of the former one: a reader, or the next start, sees one or the
 * other.
 */
function replace(path: string, text: string, mode?: number): void {
  const fresh = `${path}.rackui-new`;
  rmSync(fresh, { force: true });
  const file = openSync(fresh, 'wx', mode ?? 0o600);
  try {
    writeFileSync(file, text);
    if (mode === undefined) {
      const former = statSync(path);
      const own = statSync(fresh);
      // A FAT file system has one owner and mode for all files, and refuses to set another.
      if (own.uid !== former.uid || own.gid !== former.gid) chownSync(fresh, former.uid, former.gid);
      if (own.mode !== former.mode) chmodSync(fresh, former.mode);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** Hands a configuration to the boot loader's own program, which writes it at the next start. */
function writeEeprom(text: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-eeprom-'));
  try {
    writeFileSync(join(folder, 'boot.conf'), text);
    run('rpi-eeprom-config', '--apply', join(folder, 'boot.conf'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws Error with the program's output */
function run(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.trim()}`);
}
