/** Requests with an id: repeating one begins nothing, also at a later server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PlanRunRequest } from '../../src/api/plans.ts';
import { KEPT_REQUESTS, openPlanJournal, type PlanRecord } from '../../src/power/plans/record.ts';
import { OPERATOR } from './fake-rack.ts';
import { PlanRack } from './plan-rack.ts';

const request = (id: string): PlanRunRequest => ({
  ...{ name: 'down', confirm: 'down 1', armed: false, deadlineS: null, request: id },
});

test('a repeated request returns its run, running or ended, and asks no node again', async () => {
  const rack = new PlanRack();
  rack.plan('down', { selector: 'm2' });
  const [first, twin] = await Promise.all([
    rack.runs.start(request('a'), OPERATOR),
    rack.runs.start(request('a'), OPERATOR),
  ]);
  expect(twin.id).toBe(first.id);
  await rack.passes(30);
  expect(rack.ended(first.id)).toEqual(['m2 done']);
  rack.power.set(2, 'on');
  expect(await rack.runs.start(request('a'), OPERATOR)).toMatchObject({ id: first.id, state: 'ended', request: 'a' });
  await rack.passes(30);
  expect(rack.machine(2).asked).toBe(1);
  expect(rack.runs.list().runs).toHaveLength(1);
});

test('a later server knows the last ended requests, and not those without an id', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-requests-'));
  try {
    const rack = new PlanRack();
    rack.plan('down', { selector: 'm2' });
    await rack.runs.start(request('a'), OPERATOR);
    await rack.passes(30);
    const record = rack.written.at(-1);
    expect(record?.endedAt).not.toBeNull();
    const journal = openPlanJournal(folder, (text) => expect.fail(text));
    const written = (id: string, of: string | null): PlanRecord => {
      const copy = structuredClone(record as PlanRecord);
      return { ...copy, id, run: { ...copy.run, id, request: of } };
    };
    for (let n = 0; n < KEPT_REQUESTS + 2; n++) await journal.write(written(`p${n}`, `r${n}`));
    await journal.write(written('other', null));
    await journal.close();
    const next = openPlanJournal(folder, (text) => expect.fail(text));
    expect(next.unfinished()).toEqual([]);
    expect(next.ended().map(({ run }) => run.request)).toEqual(
      Array.from({ length: KEPT_REQUESTS }, (_, n) => `r${n + 2}`),
    );
    await next.close();

    // The plan is never asked for again there.
    const later = new PlanRack();
    later.endedRuns = [written('p1', 'a')];
    later.plan('down', { selector: 'm2' });
    later.runs.recover();
    expect(await later.runs.start(request('a'), OPERATOR)).toMatchObject({ id: 'p1', state: 'ended' });
    await later.passes(30);
    expect(later.machine(2).asked).toBe(0);
    expect((await later.runs.start(request('b'), OPERATOR)).id).not.toBe('p1');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
