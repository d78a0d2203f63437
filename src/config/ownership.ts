/** A configuration that names programs is code: only its owner or root may be able to change it. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type Stats } from 'node:fs';
import type { Config } from './schema.ts';
import { knownHostsFiles } from './ssh-options.ts';
import { findForeignWriter, findUntrusted } from './trust.ts';

/** A configuration file's text, and the status of the very file that it was read from. */
export interface ReadFile {
  path: string;
  text: string;
  stat: Stats;
}

/** Reads a file through one descriptor, so that text and owner belong to the same file. @throws what the system says */
export function readOnce(path: string): ReadFile {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    return { path, text: readFileSync(fd, 'utf8'), stat };
  } finally {
    closeSync(fd);
  }
}

/** The sentence that refuses the file, or null where it may be used. `uid` is the user who would run its programs. */
export function checkOwnership(config: Config, { path, stat }: Omit<ReadFile, 'text'>, uid: number): string | null {
  if (!namesPrograms(config)) return null;
  const writer = findForeignWriter(stat, [uid]);
  if (writer !== null) return `it names programs to run, and this file ${writer}`;
  const folder = findUntrusted(path, [uid]);
  if (folder !== null) return `it names programs to run, and on its way ${folder}: make it yours or root's, chmod go-w`;
  // With a closed way, only a trusted user can have exchanged the file while it was read.
  const now = statSync(path);
  if (now.ino !== stat.ino || now.dev !== stat.dev)
    return 'it names programs to run, and it was replaced while it was read: try again';
  return checkKnownHosts(config, uid);
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
  const secrets = [config.unlock, config.login?.password].some((secret) => secret !== undefined && 'command' in secret);
  return secrets || config.poweroff !== undefined || config.hooks.length > 0 || (config.ssh?.options.length ?? 0) > 0;
}
