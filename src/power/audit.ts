/** Who cut what, when, on which evidence: `audit.jsonl` in the state directory. It only grows; nothing rotates it away. */
import { join } from 'node:path';
import { LineStore } from './line-store.ts';
import type { AuditEntry, RawAuditEntry } from './ports.ts';
import { wallTime } from '../lib/clock.ts';

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
