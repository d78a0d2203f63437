/**
 * The states of what runs, each on the disk before what it announces is done: operations in `operations.jsonl`, runs of
 * plans in `plans.jsonl`, in the state directory. A later line of the same id replaces the earlier one; a server that
 * starts reads what was left unfinished. Times in a line are the steady ones of the server that wrote it; the line says
 * when that was by the machine's boot, so that a later server can tell them in its own.
 *
 * Who cut what, when, on which evidence: `audit.jsonl` in the state directory. It only grows; nothing rotates it away.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../api/power.ts';
import { keepTime, type KeptTime, recallTime, steadyNow, timeOfDate, wallTime } from '../lib/clock.ts';
import { LineStore } from '../lib/jsonl-file.ts';
import { moveOperationTimes } from './operation.ts';
import type { AuditEntry, RawAuditEntry } from './ports.ts';

export interface AuditLog {
  readonly path: string;
  /** Resolves when the entry is on the disk. @throws what the disk says: then nothing may be cut */
  write(entry: AuditEntry | RawAuditEntry): Promise<void>;
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

function dated(entry: AuditEntry | RawAuditEntry): object {
  const at = new Date(wallTime(entry.at)).toISOString();
  if (!('evidence' in entry)) return { ...entry, at };
  return { ...entry, at, evidence: entry.evidence.map((piece) => ({ ...piece, at: wallTime(piece.at) })) };
}

/** Bytes after which the file is emptied as soon as nothing runs. */
export const EMPTY_AT = 1024 * 1024;

export interface Journalled {
  id: string;
  startedAt: number;
  endedAt: number | null;
}

/** When a line was written: `at` is the writer's steady time. */
interface Written {
  at: number;
  kept: KeptTime;
}

/** Changes all times of an entry. `known`: false where the machine was booted anew, so that only dates tell how long ago. */
type MoveTimes<T> = (entry: T, move: (at: number) => number, known: boolean) => void;

export interface Journal<T extends Journalled> {
  readonly path: string;
  /** Resolves when this state is on the disk. @throws what the disk says */
  write(entry: T): Promise<void>;
  /** What an earlier server left that had not ended, in this server's time; oldest first. */
  unfinished(): T[];
  /** Of each subject what ended last, here or in an earlier server; empty where the journal keeps none. */
  ended(): T[];
  close(): Promise<void>;
}

/** A file that cannot be read is no reason not to serve: `trouble` is told. */
export function openJournal(stateDir: string, trouble: (text: string) => void, emptyAt = EMPTY_AT): Journal<Operation> {
  return openJournalFile(join(stateDir, 'operations.jsonl'), {
    has: 'nodes',
    moveTimes: moveOperationTimes,
    trouble,
    emptyAt,
  });
}

interface Kind<T> {
  /** The field without which a line is none of ours. */
  has: keyof T & string;
  moveTimes: MoveTimes<T>;
  trouble: (text: string) => void;
  emptyAt: number;
  /** What an entry is about, where the last that ended is kept. */
  subject?: (entry: T) => number;
}

export function openJournalFile<T extends Journalled>(path: string, kind: Kind<T>): Journal<T> {
  const { emptyAt, subject } = kind;
  const store = new LineStore(path);
  const entries = readEntries<T>(store.path, kind);
  const left = entries.filter(({ endedAt }) => endedAt === null);
  const running = new Set(left.map(({ id }) => id));
  const ended = new Map<number, T>();
  const end = (entry: T): void => {
    if (entry.endedAt !== null && subject) ended.set(subject(entry), entry);
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
      // What ended is in the audit log; this file only has to know what has not, and what is kept.
      if (running.size > 0 || store.size <= emptyAt) return;
      await store.clear();
      await Promise.all([...ended.values()].map(append));
    },
    unfinished: () => structuredClone(left),
    ended: () => structuredClone([...ended.values()]),
    close: () => store.close(),
  };
}

/** The last line of each entry, oldest first. */
function readEntries<T extends Journalled>(path: string, { has, moveTimes, trouble }: Kind<T>): T[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      trouble(`the journal ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  const entries = new Map<string, T>();
  for (const line of text.split('\n')) {
    const entry = parse<T>(line, has);
    if (entry) entries.set(entry.id, entry);
  }
  return [...entries.values()].map((entry) => inOurTime(entry, moveTimes)).sort((a, b) => a.startedAt - b.startedAt);
}

/** In the time of this server; where the boot is another, by the dates, which are for people only. */
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

/** The last line before a crash may be torn: it says nothing, the one before it still does. */
function parse<T extends Journalled>(line: string, has: keyof T & string): T | null {
  try {
    const value = JSON.parse(line) as Partial<T> | null;
    return typeof value?.id === 'string' && Array.isArray(value[has]) ? (value as T) : null;
  } catch {
    return null;
  }
}
