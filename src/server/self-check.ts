/**
 * Checks what a server needs of its machine: a writable state directory, room on its disk, readable secrets.
 * Repeated, because a disk can fill up or turn read-only while the server runs.
 */
import { constants, type StatsFs } from 'node:fs';
import { access, open, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ServerFinding } from '../api/methods.ts';
import type { Config } from '../config/schema.ts';
import { type UnreadableSecret, unreadableSecrets } from '../config/secrets.ts';
import { messageOf } from '../lib/errors.ts';
import type { AlarmKind } from '../rack/alarms.ts';
import { logLimits } from './consoles/buffer.ts';

/** Without these files no power verb is sent, or its record is lost. */
const FILES = ['audit.jsonl', 'operations.jsonl', 'plans.jsonl', 'outages.jsonl', 'events.jsonl', 'server.log'];
/** Size of the file that tests a directory, bytes: one block, which a full disk does not have. */
const TRIAL_BYTES = 4096;
const MB = 1024 * 1024;
/** Free space below which the disk counts as full, MB. */
const FULL_MB = 1;
const LOOK_MS = 10_000;
/** Interval of retries for a command that returned no secret, ms. */
const COMMAND_RETRY_MS = 60_000;

export interface SelfCheckOptions {
  stateDir: string;
  consoleLogDir: string;
  config: Config;
}

/** Checks a state directory. @param absent true if it need not exist yet */
export async function checkStateDirectory(
  { stateDir, consoleLogDir, config }: SelfCheckOptions,
  { write, absent }: { write: boolean; absent: boolean },
): Promise<ServerFinding[]> {
  const there = await nearest(stateDir);
  const roomless = there === stateDir || absent ? await firstWithoutRoom([stateDir, consoleLogDir], config) : null;
  const why =
    there !== stateDir && !absent
      ? 'it no longer exists'
      : ((await refusal(there)) ?? (there === stateDir ? await firstRefusal(stateDir, write) : null));
  const refused = why !== null && /^(ENOSPC|EDQUOT)/.test(why);
  const noRoom = refused ? { directory: stateDir, there, problem: `cannot be written (${why})` } : roomless;
  return [
    why === null || refused
      ? { id: 'state', trouble: false, seen: `${stateDir} is writable`, todo: null }
      : {
          id: 'state',
          trouble: true,
          seen: `cannot write its state directory ${stateDir} (${why}): no power verb is sent without an audit log`,
          todo: `make ${stateDir} writable for the server's user (ls -ld ${stateDir}; findmnt -T ${there}: a damaged disk is mounted read-only)`,
        },
    noRoom === null
      ? { id: 'disk', trouble: false, seen: `the disk of ${stateDir} has enough space`, todo: null }
      : {
          id: 'disk',
          trouble: true,
          seen: `has too little disk space: the disk of ${noRoom.directory} ${noRoom.problem}`,
          todo: `free space: df -h ${noRoom.there}, df -i ${noRoom.there}`,
        },
  ];
}

export function secretFinding(unreadable: readonly UnreadableSecret[]): ServerFinding {
  if (unreadable.length === 0) return { id: 'secret', trouble: false, seen: 'all secrets can be read', todo: null };
  const all = unreadable.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return {
    id: 'secret',
    trouble: true,
    seen: `cannot read secrets of its configuration: ${all}`,
    todo: "make it readable for the server's user only: chown and chmod 600; then run rackui config check as that user",
  };
}

/** Returns the directory, or its nearest existing parent. */
async function nearest(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => null);
  return found !== null || dirname(directory) === directory ? directory : nearest(dirname(directory));
}

/** Returns the reason why no file can be made in a directory, or null. */
async function refusal(directory: string): Promise<string | null> {
  try {
    if (!(await stat(directory)).isDirectory()) return 'it is not a directory';
    await access(directory, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

/** Returns the reason why one of the files cannot be appended to, or a new one not be written; null: they can. */
async function firstRefusal(stateDir: string, write: boolean): Promise<string | null> {
  const { O_WRONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  for (const name of FILES) {
    try {
      const file = await open(join(stateDir, name), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
      const isFile = (await file.stat()).isFile();
      await file.close();
      if (!isFile) return `${name} is not a file`;
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOENT') return `${code} at ${name}`;
    }
  }
  return write ? tryToWrite(join(stateDir, `.check-${process.pid}`)) : null;
}

async function tryToWrite(path: string): Promise<string | null> {
  try {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    const file = await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(Buffer.alloc(TRIAL_BYTES, 1));
      await file.datasync();
    } finally {
      await file.close();
      await unlink(path);
    }
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

/** Returns the first directory whose disk lacks space, with its nearest existing parent; null: all have enough. */
async function firstWithoutRoom(
  directories: readonly string[],
  config: Config,
): Promise<{ directory: string; there: string; problem: string } | null> {
  for (const directory of directories) {
    const there = await nearest(directory);
    const found = await statfs(there).catch(() => null);
    const problem = found === null ? null : roomProblem(found, Math.round(logLimits(config).free / MB));
    if (problem !== null) return { directory, there, problem };
  }
  return null;
}

/** Describes a lack of disk space; null: none. @param wanted MB below which console logs are not written */
export function roomProblem(
  { bavail, bsize, files, ffree }: Pick<StatsFs, 'bavail' | 'bsize' | 'files' | 'ffree'>,
  wanted: number,
): string | null {
  const free = Math.floor((bavail * bsize) / MB);
  if (free < FULL_MB) return 'is full';
  if (files > 0 && ffree === 0) return 'has no free inodes: no new file can be created';
  return free < wanted ? `has ${free} MB left, and below ${wanted} MB no console log is written` : null;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return messageOf(error);
}

export interface SelfCheckPorts extends SelfCheckOptions {
  now: () => number;
  /** Raises the alarm with this predicate of a sentence; null clears it. */
  alarm: (kind: AlarmKind & ServerFinding['id'], text: string | null) => void;
}

/** Checks the machine regularly, and raises and clears the alarms of its findings. */
export class SelfCheck {
  readonly #ports: SelfCheckPorts;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<ServerFinding[]> = Promise.resolve([]);
  /** Commands that returned no secret in their last run. */
  #silent: readonly UnreadableSecret[] = [];
  #ranAt: number | null = null;
  #suspicious = false;
  #closed = false;

  constructor(ports: SelfCheckPorts) {
    this.#ports = ports;
  }

  start(): void {
    void this.#look(false);
    this.#timer = setInterval(() => void this.#look(false), LOOK_MS).unref();
  }

  stop(): void {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Checks again at once, with a trial write, after a file could not be written or read. */
  suspect(): void {
    if (this.#suspicious) return;
    this.#suspicious = true;
    void this.#look(false);
  }

  /** Runs all checks, with a trial write. */
  check(): Promise<ServerFinding[]> {
    return this.#look(true);
  }

  /** The server may have been closed during a check. */
  #isClosed(): boolean {
    return this.#closed;
  }

  /** Runs checks one after another: two at once would write the same file. */
  #look(thorough: boolean): Promise<ServerFinding[]> {
    this.#last = this.#last.then(async (before) => {
      if (this.#isClosed()) return before;
      const write = thorough || this.#suspicious || before.some(({ id, trouble }) => trouble && id !== 'secret');
      this.#suspicious = false;
      const found = [
        ...(await checkStateDirectory(this.#ports, { write, absent: false })),
        secretFinding(await this.#secrets(thorough)),
      ];
      if (!this.#isClosed()) for (const { id, trouble, seen } of found) this.#ports.alarm(id, trouble ? seen : null);
      return found;
    });
    return this.#last;
  }

  /**
   * Checks the secrets. A command may prompt an agent or its owner: it is run when a client requests it, and again
   * while it returns nothing.
   */
  async #secrets(thorough: boolean): Promise<readonly UnreadableSecret[]> {
    const { config, now } = this.#ports;
    const due = this.#silent.length > 0 && now() - (this.#ranAt ?? 0) >= COMMAND_RETRY_MS;
    if (thorough || due) {
      const found = await unreadableSecrets(config, 'run');
      this.#silent = found.filter(({ command }) => command);
      this.#ranAt = now();
      return found;
    }
    const found = await unreadableSecrets(config, 'look');
    const known = new Set(found.map(({ path }) => path.join('.')));
    return [...found, ...this.#silent.filter(({ path }) => !known.has(path.join('.')))];
  }
}
