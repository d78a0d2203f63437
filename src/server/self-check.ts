/**
 * What a server needs of its own machine: a state directory that takes what is written, room on its disk, secrets that can
 * be read. Looked at again and again, because a disk fills up and turns read-only while the server runs.
 */
import { constants, type StatsFs } from 'node:fs';
import { access, open, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ServerFinding } from '../api/methods.ts';
import type { Config } from '../config/schema.ts';
import { type UnreadableSecret, unreadableSecrets } from '../config/secrets.ts';
import type { AlarmKind } from '../rack/alarms.ts';
import { logLimits } from './consoles/buffer.ts';

/** Without these no power verb is sent, or what happened is lost. */
const FILES = ['audit.jsonl', 'operations.jsonl', 'plans.jsonl', 'outages.jsonl', 'events.jsonl', 'server.log'];
/** Bytes of the file by which a directory is tried: one block, which a full disk does not have. */
const TRIAL_BYTES = 4096;
const MB = 1024 * 1024;
/** Below, the disk counts as full, MB. */
const FULL_MB = 1;
const LOOK_MS = 10_000;
/** A command that gave no secret is run again only after so long, ms. */
const COMMAND_RETRY_MS = 60_000;

export interface SelfCheckOptions {
  stateDir: string;
  config: Config;
}

/** @param absent that the directory does not exist yet is in order */
export async function checkStateDirectory(
  { stateDir, config }: SelfCheckOptions,
  { write, absent }: { write: boolean; absent: boolean },
): Promise<ServerFinding[]> {
  const there = await nearest(stateDir);
  const full = there === stateDir || absent ? await judgeRoom(there, config) : null;
  const why =
    there !== stateDir && !absent
      ? 'it does not exist any more'
      : ((await refusal(there)) ?? (there === stateDir ? await firstRefusal(stateDir, write) : null));
  const refused = why !== null && /^(ENOSPC|EDQUOT)/.test(why);
  const noRoom = refused ? `takes no more (${why})` : full;
  return [
    why === null || refused
      ? { id: 'state', trouble: false, seen: `${stateDir} may be written`, todo: null }
      : {
          id: 'state',
          trouble: true,
          seen: `cannot write its state directory ${stateDir} (${why}): without an audit log no power verb is sent, and nothing is kept`,
          todo: `make ${stateDir} writable for the server's user (ls -ld ${stateDir}; findmnt -T ${there}: a damaged disk is mounted read-only)`,
        },
    noRoom === null
      ? { id: 'disk', trouble: false, seen: `the disk of ${stateDir} has room`, todo: null }
      : {
          id: 'disk',
          trouble: true,
          seen: `finds no room on its disk: that of ${stateDir} ${noRoom}`,
          todo: `make room: df -h ${there}, df -i ${there}`,
        },
  ];
}

export function secretFinding(unreadable: readonly UnreadableSecret[]): ServerFinding {
  if (unreadable.length === 0) return { id: 'secret', trouble: false, seen: 'all secrets can be read', todo: null };
  const all = unreadable.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return {
    id: 'secret',
    trouble: true,
    seen: `cannot read what its configuration names: ${all}`,
    todo: "let the server's user read it, and nobody else: chown and chmod 600; then rackui config check as that user",
  };
}

/** The directory, or the nearest that exists above it. */
async function nearest(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => null);
  return found !== null || dirname(directory) === directory ? directory : nearest(dirname(directory));
}

/** Why nothing can be made in a directory, or null. */
async function refusal(directory: string): Promise<string | null> {
  try {
    if (!(await stat(directory)).isDirectory()) return 'it is no directory';
    await access(directory, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

/** Why one of the files cannot be appended to, or a new one not be written; null: they can. */
async function firstRefusal(stateDir: string, write: boolean): Promise<string | null> {
  const { O_WRONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  for (const name of FILES) {
    try {
      const file = await open(join(stateDir, name), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
      const isFile = (await file.stat()).isFile();
      await file.close();
      if (!isFile) return `${name} is no file`;
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

async function judgeRoom(directory: string, config: Config): Promise<string | null> {
  const found = await statfs(directory).catch(() => null);
  return found === null ? null : roomTrouble(found, Math.round(logLimits(config).free / MB));
}

/** What is wrong with the room on a disk; null: nothing. @param wanted MB below which console logs are not written */
export function roomTrouble(
  { bavail, bsize, files, ffree }: Pick<StatsFs, 'bavail' | 'bsize' | 'files' | 'ffree'>,
  wanted: number,
): string | null {
  const free = Math.floor((bavail * bsize) / MB);
  if (free < FULL_MB) return 'is full';
  if (files > 0 && ffree === 0) return 'has no inode left: no new file can be made';
  return free < wanted ? `has ${free} MB left, and below ${wanted} MB no console log is written` : null;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}

export interface SelfCheckPorts extends SelfCheckOptions {
  now: () => number;
  /** A sentence's predicate where something is wrong, null where it is not. */
  alarm: (kind: AlarmKind & ServerFinding['id'], text: string | null) => void;
}

/** Looks at the machine now and then, and raises and clears the alarms of what it finds. */
export class SelfCheck {
  readonly #ports: SelfCheckPorts;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<ServerFinding[]> = Promise.resolve([]);
  /** Commands that gave no secret when they were run last. */
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

  /** Something could not be written or read: looked at now, and by trying. */
  suspect(): void {
    if (this.#suspicious) return;
    this.#suspicious = true;
    void this.#look(false);
  }

  /** Everything, by trying it. */
  check(): Promise<ServerFinding[]> {
    return this.#look(true);
  }

  /** The server may have left while something was looked at. */
  #isClosed(): boolean {
    return this.#closed;
  }

  /** One after another: two at once would write the same file. */
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

  /** A command may ask an agent or its owner: it is run where somebody asks, and again while it gives nothing. */
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
