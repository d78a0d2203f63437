import { appendFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Operation } from '../../src/api/power.ts';
import { type Journal, openAudit, openJournal } from '../../src/power/journal.ts';
import { type OutageRecord, openOutageJournal } from '../../src/power/outage/record.ts';
import type { AuditEntry } from '../../src/power/ports.ts';
import { OPERATOR, START } from './fake-rack.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'power-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const never = (text: string): never => {
  throw new Error(text);
};

function operation(id: string, endedAt: number | null = null, label = ''): Operation {
  return { id, verb: 'off', label, by: 'ada', startedAt: START, endedAt, nodes: [] };
}

function outage(id: string, policy: number, endedAt: number | null): OutageRecord {
  return {
    ...{ id, policy, endedAt, startedAt: START, startedWall: START, endedWall: endedAt, since: START },
    ...{ drill: false, phase: endedAt === null ? 'battery' : 'ended', committed: false, known: null, told: null },
    ...{ kept: { boot: null, up: 0, wall: START }, nodes: [], runs: [], lines: [] },
  };
}

const ENTRY: AuditEntry = {
  at: START,
  stage: 'intent',
  op: 'a',
  verb: 'force-off',
  reportedBy: OPERATOR,
  session: 1,
  node: { name: 'k8s-worker-04', pos: 'A-3', addr: '03' },
  evidence: [],
  outcome: null,
  detail: 'confirmed by name',
  tries: 0,
};

test('audit: one JSON line an entry, for its owner only, over several runs', async () => {
  for (const op of ['a', 'b']) {
    const audit = openAudit(join(dir, 'state'));
    await audit.write({ ...ENTRY, op });
    await audit.close();
  }
  const path = join(dir, 'state', 'audit.jsonl');
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  expect(lines.map((line) => (JSON.parse(line) as AuditEntry).op)).toEqual(['a', 'b']);
  expect(lines[0]).toContain('"at":"2026-07-14T12:00:00.000Z"');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('audit: a disk that does not take it is told to who asked, and a planted link is not followed', async () => {
  await writeFile(join(dir, 'victim'), '');
  await symlink(join(dir, 'victim'), join(dir, 'audit.jsonl'));
  const audit = openAudit(dir);
  await expect(audit.write(ENTRY)).rejects.toThrow(/ELOOP/);
  await rm(join(dir, 'audit.jsonl'));
  await audit.write(ENTRY);
  await audit.close();
  expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('');
});

test('journal: the last whole line of each operation counts; ended ones are not unfinished', async () => {
  const first = openJournal(dir, never);
  expect(first.unfinished()).toEqual([]);
  await Promise.all([
    first.write(operation('a')),
    first.write(operation('b', null, 'early')),
    first.write(operation('b', null, 'late')),
    first.write(operation('a', START)),
  ]);
  await first.close();
  await appendFile(first.path, '{"id":"b","verb":"off","nod');
  const second = openJournal(dir, never);
  expect(second.unfinished()).toEqual([operation('b', null, 'late')]);
  // What follows a torn line stands on its own.
  await second.write(operation('b', START));
  await second.close();
  expect(openJournal(dir, never).unfinished()).toEqual([]);
});

test('journal: emptied when it is long and nothing runs, not before', async () => {
  const journal = openJournal(dir, never, 10);
  await journal.write(operation('a'));
  await journal.write(operation('b'));
  await journal.write(operation('a', START));
  expect((await stat(journal.path)).size).toBeGreaterThan(10);
  await journal.write(operation('b', START));
  expect((await stat(journal.path)).size).toBe(0);
  await journal.close();
});

test('outage journal: the last outage of each policy is there for the next server, also from a file that was emptied', async () => {
  const first = openOutageJournal(dir, never, 1_000);
  for (const [id, policy, endedAt] of [
    ['o1', 0, null],
    ['o2', 1, START + 2_000],
    ['o1', 0, START + 1_000],
    ['o3', 0, START + 3_000],
  ] as const)
    await first.write(outage(id, policy, endedAt));
  const ids = (journal: Journal<OutageRecord>): string[] => journal.ended().map(({ id, policy }) => `${policy} ${id}`);
  expect(ids(first).sort()).toEqual(['0 o3', '1 o2']);
  expect((await stat(first.path)).size).toBeLessThan(1_000);
  await first.close();
  const second = openOutageJournal(dir, never);
  expect([ids(second).sort(), second.unfinished()]).toEqual([['0 o3', '1 o2'], []]);
  expect(second.ended().find(({ id }) => id === 'o2')).toEqual(outage('o2', 1, START + 2_000));
  await second.close();
});

test('journal: one that cannot be read is told', async () => {
  await mkdir(join(dir, 'operations.jsonl'));
  const told: string[] = [];
  expect(openJournal(dir, (text) => told.push(text)).unfinished()).toEqual([]);
  expect(told.join()).toContain('operations.jsonl');
});
