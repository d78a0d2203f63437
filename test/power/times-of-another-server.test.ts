/** Journals of an earlier server: its times in this one's, whatever the wall clock did between; none after another boot. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import type { Operation } from '../../src/api/power.ts';
import { keepTime, steadyNow, wallTime } from '../../src/lib/clock.ts';
import { openJournal } from '../../src/power/journal.ts';
import { type PlanRecord, recoverRuns, openPlanJournal } from '../../src/power/plans/record.ts';
import { OPERATOR } from './fake-rack.ts';

const HOUR = 3_600_000;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'times-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const never = (text: string): never => {
  throw new Error(text);
};

function operation(at: number): Operation {
  const evidence = [{ at: at - 20_000, kind: 'request', text: '' }];
  const question = { id: 'q', text: '?', since: at - 5_000, choices: [] };
  const rest = { addr: 3, name: 'k8s-worker-04', phase: 'asking' as const, detail: '', outcome: null };
  const node = { ...rest, since: at - 10_000, until: at + 60_000, evidence, question };
  return { id: 'a', verb: 'off', label: '03', by: 'ada', startedAt: at - 30_000, endedAt: null, nodes: [node] };
}

function planRecord(at: number, deadlineAt: number | null): PlanRecord {
  const node = { addr: 3, name: 'k8s-worker-04', state: 'started', since: at - 10_000, operation: null, phase: null };
  const run = {
    ...{
      id: 'p1',
      request: null,
      plan: 'down',
      by: 'ada',
      armed: true,
      startedAt: at - 30_000,
      endedAt: null,
      deadlineAt,
    },
    ...{ predictedEndAt: at + 90_000, state: 'running', detail: 'runs' },
    steps: [
      {
        ...{ name: 'all', action: 'off', needs: [], state: 'running' },
        nodes: [{ ...node, outcome: null, tries: 1, detail: '' }],
      },
    ],
  } as PlanRun;
  const rest = { settings: [], who: OPERATOR, takes: [], overrides: [] };
  return { id: 'p1', startedAt: run.startedAt, endedAt: null, run, ...rest };
}

/** As a server left it that died `agoMs` ago, whose own clock read `at` then. */
async function leave(file: string, entry: object, at: number, agoMs: number, boot?: string): Promise<void> {
  const kept = keepTime(steadyNow() - agoMs);
  const written = { at, kept: boot === undefined ? kept : { ...kept, boot } };
  await writeFile(join(dir, file), `${JSON.stringify({ ...entry, written })}\n`);
}

test.each([
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
  ['at 1970', -Date.now()],
  ['where ours is', 0],
])('an operation of a server whose clock began %s: its times are right in the same boot', async (_what, byMs) => {
  const at = steadyNow() + byMs;
  await leave('operations.jsonl', operation(at), at, 7_000);
  const [found] = openJournal(dir, never).unfinished();
  const then = steadyNow() - 7_000;
  const near = (value: number | null | undefined, wanted: number): void =>
    expect(Math.abs((value ?? 0) - wanted)).toBeLessThan(2_000);
  near(found?.startedAt, then - 30_000);
  near(found?.nodes[0]?.since, then - 10_000);
  near(found?.nodes[0]?.until, then + 60_000);
  near(found?.nodes[0]?.evidence[0]?.at, then - 20_000);
  near(found?.nodes[0]?.question?.since, then - 5_000);
  expect(found).not.toHaveProperty('written');
});

test.each([HOUR, -HOUR, 40 * 24 * HOUR])(
  "an armed run's deadline is as far away as it was, with a clock %d ms from ours",
  async (byMs) => {
    const at = steadyNow() + byMs;
    await leave('plans.jsonl', planRecord(at, at + 300_000), at, 60_000);
    const [record] = openPlanJournal(dir, never).unfinished();
    expect(Math.abs((record?.run.deadlineAt ?? 0) - (steadyNow() + 240_000))).toBeLessThan(2_000);
    expect(record?.deadlineLost).toBe(false);
  },
);

test.each([300_000, -300_000, 5 * HOUR])(
  'after another boot a run has no deadline (it was %d ms away), and its words say so',
  async (awayMs) => {
    const at = steadyNow() + 2 * HOUR;
    await leave('plans.jsonl', planRecord(at, at + awayMs), at, 60_000, 'another-boot');
    const events: string[] = [];
    const inventory = { name: '', configured: true, calibration: null, nodes: [] };
    const [record] = recoverRuns({
      now: steadyNow,
      inventory: () => inventory,
      planJournal: openPlanJournal(dir, never),
      event: (_level, _addr, text) => events.push(text),
    });
    expect(record?.run).toMatchObject({ state: 'interrupted', deadlineAt: null });
    expect(record?.run.detail).toContain('the deadline is unknown');
    expect(events.join()).toContain('the deadline is unknown');
    // Dates are for people: as right as the clock was then and is now.
    expect(Math.abs(wallTime(record?.run.startedAt ?? 0) - (Date.now() - 90_000))).toBeLessThan(3_000);
  },
);

test('a run without a deadline says nothing of one, whatever the boot; nor does a line of an earlier version', async () => {
  const at = steadyNow();
  await leave('plans.jsonl', planRecord(at, null), at, 0, 'another-boot');
  expect(openPlanJournal(dir, never).unfinished()[0]?.deadlineLost).toBe(false);
  await writeFile(join(dir, 'operations.jsonl'), `${JSON.stringify(operation(at))}\n`);
  expect(openJournal(dir, never).unfinished()).toEqual([operation(at)]);
});
