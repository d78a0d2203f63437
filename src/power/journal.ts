/**
 * The operations' states, each on the disk before what it announces is done: `operations.jsonl` in the state directory.
 * A later line of the same operation replaces the earlier one; a server that starts reads what was left unfinished.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../api/power.ts';
import { LineStore } from './line-store.ts';
import type { JournalPort } from './ports.ts';

/** Bytes after which the file is emptied as soon as nothing runs. */
const EMPTY_AT = 1024 * 1024;

export interface Journal extends JournalPort {
  readonly path: string;
  close(): Promise<void>;
}

/** Reads what an earlier server left. A file that cannot be read is no reason not to serve: `trouble` is told. */
export function openJournal(stateDir: string, trouble: (text: string) => void, emptyAt = EMPTY_AT): Journal {
  const store = new LineStore(join(stateDir, 'operations.jsonl'));
  const left = readUnfinished(store.path, trouble);
  const open = new Set(left.map(({ id }) => id));
  return {
    path: store.path,
    async write(operation) {
      if (operation.endedAt === null) open.add(operation.id);
      await store.append(operation);
      if (operation.endedAt !== null) open.delete(operation.id);
      // What ended is in the audit log; this file only has to know what has not.
      if (open.size === 0 && store.size > emptyAt) await store.clear();
    },
    unfinished: () => structuredClone(left),
    close: () => store.close(),
  };
}

function readUnfinished(path: string, trouble: (text: string) => void): Operation[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      trouble(`the journal ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  const operations = new Map<string, Operation>();
  for (const line of text.split('\n')) {
    const operation = parseOperation(line);
    if (operation) operations.set(operation.id, operation);
  }
  return [...operations.values()].filter(({ endedAt }) => endedAt === null).sort((a, b) => a.startedAt - b.startedAt);
}

/** The last line before a crash may be torn: it says nothing, the one before it still does. */
function parseOperation(line: string): Operation | null {
  try {
    const value = JSON.parse(line) as Partial<Operation> | null;
    return typeof value?.id === 'string' && Array.isArray(value.nodes) ? (value as Operation) : null;
  } catch {
    return null;
  }
}
