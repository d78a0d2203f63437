/**
 * Judges files and folders by their safety from other users, as tmux and sshd do: everything on the way to a path
 * belongs to root or to one of the given owners, and others can write none of it. A configuration that names programs
 * is code: only its owner or root may be able to change it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, join, parse, resolve, sep } from 'node:path';
import type { Config } from './schema.ts';
import { secretsOf } from './secrets.ts';
import { knownHostsFiles } from './ssh-options.ts';

/** Maximum of symbolic links on one way; the kernel's own limit. */
const MOST_LINKS = 40;
const GROUP_AND_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Walks from the root to `path`, through symbolic links, and returns a sentence about the first folder or link that a
 * user other than root and `owners` could replace; null: none. In a sticky folder (/tmp) only owners of an entry can.
 * The last component itself is checked by its owner, and by its mode where it is a folder. `inSticky`: accepted owners
 * of an entry of a sticky folder, where they are fewer, because every user can create entries there. @throws an error
 * of the file system where a part of the way is missing or hidden
 */
export function findUntrusted(
  path: string,
  owners: readonly number[],
  inSticky: readonly number[] = owners,
): string | null {
  let accepted = owners;
  const trusted = (stat: Stats): boolean => stat.uid === 0 || accepted.includes(stat.uid);
  const waiting = parts(resolve(path));
  let at = parse(resolve(path)).root;
  let links = 0;
  for (;;) {
    const stat = lstatSync(at);
    if (!trusted(stat)) return `${at} belongs to user id ${stat.uid}`;
    if (stat.isSymbolicLink()) {
      if (++links > MOST_LINKS) return `${at} is a chain of more than ${MOST_LINKS} links`;
      const target = resolve(dirname(at), readlinkSync(at));
      waiting.unshift(...parts(target));
      at = parse(target).root;
      accepted = owners;
      continue;
    }
    accepted = (stat.mode & STICKY) === 0 ? owners : inSticky;
    if (stat.isDirectory() && isOpen(stat)) return `${at} is writable by others than its owner`;
    const next = waiting.shift();
    if (next === undefined) return null;
    at = join(at, next);
  }
}

/** True where other users than the owner can replace entries of this folder. */
function isOpen({ mode }: Stats): boolean {
  return (mode & GROUP_AND_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
}

function parts(path: string): string[] {
  return path.split(sep).filter((part) => part !== '');
}

/** Returns a sentence where other users than root and `owners` could have written an open file, or null. */
function findForeignWriter(stat: Stats, owners: readonly number[]): string | null {
  if (stat.uid !== 0 && !owners.includes(stat.uid)) return `belongs to user id ${stat.uid}: make it yours or root's`;
  if ((stat.mode & GROUP_AND_OTHERS_WRITE) !== 0) return 'is writable by others than its owner: chmod go-w';
  return null;
}

/** A configuration file's text, and the status of the very file that it was read from. */
export interface ReadFile {
  path: string;
  text: string;
  stat: Stats;
}

/** Reads a file through one descriptor, so that text and owner belong to the same file. @throws errors of the system */
export function readOnce(path: string): ReadFile {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    return { path, text: readFileSync(fd, 'utf8'), stat };
  } finally {
    closeSync(fd);
  }
}

/**
 * Returns the reason to refuse the file, as a sentence; null: it may be used. `uid`: the user who would run its
 * programs.
 */
export function checkOwnership(config: Config, file: Omit<ReadFile, 'text'>, uid: number): string | null {
  return namesPrograms(config) ? (findDistrust(file, uid) ?? checkKnownHosts(config, uid)) : null;
}

/** Returns the reason not to run programs that this file names, as a sentence; null: others cannot have written it. */
export function findDistrust({ path, stat }: Omit<ReadFile, 'text'>, uid: number): string | null {
  const writer = findForeignWriter(stat, [uid]);
  if (writer !== null) return `it names programs to run, and this file ${writer}`;
  const folder = findUntrusted(path, [uid]);
  if (folder !== null)
    return `it names programs to run, and in its path ${folder}: make it yours or root's, chmod go-w`;
  // On such a way, only a trusted user can have exchanged the file while it was read.
  const now = statSync(path);
  if (now.ino !== stat.ino || now.dev !== stat.dev)
    return 'it names programs to run, and it was replaced while it was read: try again';
  return null;
}

function checkKnownHosts(config: Config, uid: number): string | null {
  for (const file of knownHostsFiles(config.ssh?.options ?? [])) {
    const known = statSync(file, { throwIfNoEntry: false });
    // A missing file knows no hosts, and ssh refuses them all.
    if (known === undefined) continue;
    if (!known.isFile()) return `ssh.options: ${file} is not a regular file`;
    const writer = findForeignWriter(known, [uid]);
    if (writer !== null) return `ssh.options: the known hosts file ${file} ${writer}`;
    const folder = findUntrusted(file, [uid]);
    if (folder !== null) return `ssh.options: on the way to the known hosts file ${file}, ${folder}`;
  }
  return null;
}

function namesPrograms(config: Config): boolean {
  const secrets = secretsOf(config).some(({ source }) => 'command' in source);
  const { poweroff, hooks, commands, kubernetes, ssh } = config;
  const single = poweroff !== undefined || kubernetes !== undefined;
  return secrets || single || hooks.length + commands.length + (ssh?.options.length ?? 0) > 0;
}
