/**
 * The states of what runs, each on the disk before what it announces is done: operations in `operations.jsonl`, runs of
 * plans in `plans.jsonl`, in the state directory. A later line of the same id replaces the earlier one; a server that
 * starts reads what was left unfinished.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../api/power.ts';
import { LineStore } from './line-store.ts';
import type { OutageRecord } from './outage/record.ts';
import type { PlanRecord } from './plans/record.ts';

/** Bytes after which the file is emptied as soon as nothing runs. */
const EMPTY_AT = 1024 * 1024;

export interface Journalled {
  id: string;
  startedAt: number;
  endedAt: number | null;
}

export interface Journal<T extends Journalled> {
  readonly path: string;
  /** Resolves when this state is on the disk. @throws what the disk says */
  write(entry: T): Promise<void>;
  /** What an earlier server left that had not ended; oldest first. */
  unfinished(): T[];
  close(): Promise<void>;
}

/** A file that cannot be read is no reason not to serve: `trouble` is told. */
export function openJournal(stateDir: string, trouble: (text: string) => void, emptyAt = EMPTY_AT): Journal<Operation> {
  return open(join(stateDir, 'operations.jsonl'), 'nodes', trouble, emptyAt);
}

export function openOutageJournal(stateDir: string, trouble: (text: string) => void): Journal<OutageRecord> {
  return open(join(stateDir, 'outages.jsonl'), 'lines', trouble, EMPTY_AT);
}

export function openPlanJournal(stateDir: string, trouble: (text: string) => void): Journal<PlanRecord> {
  return open(join(stateDir, 'plans.jsonl'), 'settings', trouble, EMPTY_AT);
}

/** `has`: the field without which a line is none of ours. */
function open<T extends Journalled>(
  path: string,
  has: keyof T & string,
  trouble: (text: string) => void,
  emptyAt: number,
): Journal<T> {
  const store = new LineStore(path);
  const left = readUnfinished<T>(store.path, has, trouble);
  const running = new Set(left.map(({ id }) => id));
  return {
    path: store.path,
    async write(entry) {
      if (entry.endedAt === null) running.add(entry.id);
      await store.append(entry, entry.id);
      if (entry.endedAt !== null) running.delete(entry.id);
      // What ended is in the audit log; this file only has to know what has not.
      if (running.size === 0 && store.size > emptyAt) await store.clear();
    },
    unfinished: () => structuredClone(left),
    close: () => store.close(),
  };
}

function readUnfinished<T extends Journalled>(
  path: string,
  has: keyof T & string,
  trouble: (text: string) => void,
): T[] {
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
  return [...entries.values()].filter(({ endedAt }) => endedAt === null).sort((a, b) => a.startedAt - b.startedAt);
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
