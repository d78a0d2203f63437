/**
 * Keeps operations (`operations.jsonl`) and plan runs (`plans.jsonl`) in the state directory: each state is on the disk
 * before the action that it announces. A later line of the same id replaces the earlier one; a server that starts reads
 * the unfinished ones. Times in a line are the steady ones of the server that wrote it, with that server's boot, so
 * that a later server can convert them to its own.
 *
 * Also keeps the audit log, `audit.jsonl`: intents and outcomes of all verbs, with operator, time and evidence. It only
 * grows; it is never rotated.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../api/power.ts';
import { keepTime, type KeptTime, recallTime, steadyNow, timeOfDate, wallTime } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { LineStore } from '../lib/jsonl-file.ts';
import { moveOperationTimes } from './operation.ts';
import type { AuditEntry, CallAuditEntry, RawAuditEntry } from './ports.ts';

export interface AuditLog {
  readonly path: string;
  /** Resolves when the entry is on the disk. @throws the disk's error: then nothing may be cut */
  write(entry: AuditEntry | CallAuditEntry | RawAuditEntry): Promise<void>;
  close(): Promise<void>;
}

export function openAudit(stateDir: string): AuditLog {
  const store = new LineStore(join(stateDir, 'audit.jsonl'));
  return {
    path: store.path,
    write: (entry) => store.append(dated(entry)),
    close: () => store.close(),
  };
}

function dated(entry: AuditEntry | CallAuditEntry | RawAuditEntry): object {
  const at = new Date(wallTime(entry.at)).toISOString();
  if (!('evidence' in entry)) return { ...entry, at };
  return { ...entry, at, evidence: entry.evidence.map((piece) => ({ ...piece, at: wallTime(piece.at) })) };
}

/** Size above which the file is emptied as soon as nothing runs, bytes. */
export const EMPTY_AT = 1024 * 1024;

export interface Journalled {
  id: string;
  startedAt: number;
  endedAt: number | null;
}

/** Time at which a line was written: `at` is the writer's steady time. */
interface Written {
  at: number;
  kept: KeptTime;
}

/** Changes all times of an entry. `known`: false where the machine was rebooted, so that only dates tell the age. */
type MoveTimes<T> = (entry: T, move: (at: number) => number, known: boolean) => void;

export interface Journal<T extends Journalled> {
  readonly path: string;
  /** Resolves when this state is on the disk. @throws the disk's error */
  write(entry: T): Promise<void>;
  /** Entries of an earlier server that had not ended, in this server's time; oldest first. */
  unfinished(): T[];
  /**
   * Returns the last ended entry of each subject, from here or an earlier server; empty where the journal keeps none.
   */
  ended(): T[];
  close(): Promise<void>;
}

/**
 * Opens the journal of operations. A file that cannot be read does not stop the server: `warn` receives the message.
 */
export function openJournal(stateDir: string, warn: (text: string) => void, emptyAt = EMPTY_AT): Journal<Operation> {
  return openJournalFile(join(stateDir, 'operations.jsonl'), {
    has: 'nodes',
    moveTimes: moveOperationTimes,
    warn,
    emptyAt,
  });
}

interface Kind<T> {
  /** Field without which a line is not of this journal. */
  has: keyof T & string;
  moveTimes: MoveTimes<T>;
  warn: (text: string) => void;
  emptyAt: number;
  /** Returns the subject of an entry, of which the last that ended is kept; null: this one is not kept. */
  subject?: (entry: T) => number | string | null;
  /** Number of subjects, the latest, of which an entry is kept; default: all. */
  subjects?: number;
}

export function openJournalFile<T extends Journalled>(path: string, kind: Kind<T>): Journal<T> {
  const { emptyAt, subject, subjects = Infinity } = kind;
  const store = new LineStore(path);
  const entries = readEntries<T>(store.path, kind);
  const left = entries.filter(({ endedAt }) => endedAt === null);
  const running = new Set(left.map(({ id }) => id));
  const ended = new Map<number | string, T>();
  const end = (entry: T): void => {
    const of = entry.endedAt === null ? null : (subject?.(entry) ?? null);
    if (of === null) return;
    ended.delete(of);
    ended.set(of, entry);
    for (const oldest of ended.keys()) if (ended.size > subjects) ended.delete(oldest);
  };
  entries.forEach(end);
  const append = (entry: T): Promise<void> => {
    const at = steadyNow();
    const written: Written = { at, kept: keepTime(at) };
    return store.append({ ...entry, written }, entry.id);
  };
  return {
    path: store.path,
    async write(entry) {
      if (entry.endedAt === null) running.add(entry.id);
      end(entry);
      await append(entry);
      if (entry.endedAt !== null) running.delete(entry.id);
      // Ended entries are in the audit log; this file only needs the unfinished ones, and those that are kept.
      if (running.size > 0 || store.size <= emptyAt) return;
      await store.clear();
      await Promise.all([...ended.values()].map(append));
    },
    unfinished: () => structuredClone(left),
    ended: () => structuredClone([...ended.values()]),
    close: () => store.close(),
  };
}

/** Returns the last line of each entry, oldest first. */
function readEntries<T extends Journalled>(path: string, { has, moveTimes, warn }: Kind<T>): T[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      warn(`the journal ${path} cannot be read: ${messageOf(error)}`);
    return [];
  }
  const entries = new Map<string, T>();
  for (const line of text.split('\n')) {
    const entry = parse<T>(line, has);
    if (entry) entries.set(entry.id, entry);
  }
  return [...entries.values()].map((entry) => inOurTime(entry, moveTimes)).sort((a, b) => a.startedAt - b.startedAt);
}

/** Converts times to those of this server; after another boot by the dates, which are for display only. */
function inOurTime<T extends Journalled>({ written, ...rest }: T & { written?: Written }, moveTimes: MoveTimes<T>): T {
  const entry = rest as unknown as T;
  if (written === undefined) {
    moveTimes(entry, (at) => at, false);
    return entry;
  }
  const known = recallTime(written.kept);
  const by = (known ?? timeOfDate(written.kept.wall)) - written.at;
  moveTimes(entry, (at) => at + by, known !== null);
  return entry;
}

/**
 * Parses one line; null: not of this journal. The last line before a crash may be torn: it is dropped, the one before
 * it still counts.
 */
function parse<T extends Journalled>(line: string, has: keyof T & string): T | null {
  try {
    const value = JSON.parse(line) as Partial<T> | null;
    return typeof value?.id === 'string' && Array.isArray(value[has]) ? (value as T) : null;
  } catch {
    return null;
  }
}
