/** Armed runs: nobody answers, nothing waits for a person, and what fails is tried until the time is up. */
import { expect, test } from 'vitest';
import { EXIT } from '../../src/api/power.ts';
import type { ProgramEnd } from '../../src/lib/subprocess.ts';
import { afterTry, type TryFacts } from '../../src/power/plans/node-task.ts';
import type { Hook } from '../../src/power/ports.ts';
import { OPERATOR, START } from './fake-rack.ts';
import { PlanRack } from './plan-rack.ts';

function hook(
  rack: PlanRack,
  how: { endsS: number | null; code?: number; required?: boolean },
): Hook & { runs: number } {
  const one = {
    when: 'before-off' as const,
    text: 'drain it',
    limit: how.endsS ?? 60,
    required: how.required ?? false,
    runs: 0,
    run: (signal: AbortSignal): Promise<ProgramEnd> => {
      one.runs++;
      return new Promise((resolve) => {
        const end = (why: string, code: number | null): void => resolve({ code, why, output: [] });
        signal.addEventListener('abort', () => end('aborted', null));
        if (how.endsS !== null)
          rack.later(how.endsS * 1000, () => end(how.code ? `exit code ${how.code}` : '', how.code ?? 0));
      });
    },
  };
  rack.hooks.push(one);
  return one;
}

test.each([
  ['fails at once', { endsS: 0.1, code: 3 }],
  ['fails after a while', { endsS: 21, code: 1 }],
  ['never ends', { endsS: null }],
])('a hook that %s keeps no node from being asked', async (_what, how) => {
  const rack = new PlanRack();
  hook(rack, how);
  rack.plan('down', { selector: 'm2' });
  const id = await rack.armed('down', 75);
  await rack.passes(76);
  expect(rack.ended(id)).toEqual(['m2 done']);
  expect(rack.machine(2).asked).toBe(1);
  expect(rack.power.get(2)).toBe('off');
  expect(rack.exitCode(id)).toBe(EXIT.done);
});

test.each([
  ['fails', { endsS: 0.5, code: 4, required: true }, {}],
  ['never ends', { endsS: null, required: true }, {}],
  ['fails in a step that cuts', { endsS: 2, code: 9, required: true }, { deadline: 25, onDeadline: 'cut' as const }],
])('a required hook that %s leaves the node on, by name, and is tried again', async (_what, how, step) => {
  const rack = new PlanRack();
  const tried = hook(rack, how);
  rack.plan('down', { selector: 'm3', ...step });
  const id = await rack.armed('down', 100);
  await rack.passes(130);
  expect(rack.ended(id)).toEqual(['m3 left-on']);
  expect(rack.nodes(id)[0]?.detail).toMatch(/drain it/);
  expect(rack.machine(3).asked).toBe(0);
  expect(rack.verbs).toEqual([]);
  expect(tried.runs).toBeGreaterThan(1);
  expect(rack.exitCode(id)).not.toBe(EXIT.done);
});

test.each([
  ['is silent', (rack: PlanRack) => (rack.machine(1).hung = true)],
  ['never halts', (rack: PlanRack) => (rack.machine(1).haltS = null)],
  [
    'has a BMC that does not answer',
    (rack: PlanRack) => rack.trouble.set(1, { ok: false, failure: 'silent', detail: 'the BMC at 01 does not answer' }),
  ],
  [
    'is held by an operation that asks somebody',
    async (rack: PlanRack) => {
      rack.machine(1).hung = true;
      await rack.start({ verb: 'off', nodes: [1], confirm: 'm1' });
      await rack.passes(20);
      expect(rack.operation.nodes[0]?.question).not.toBeNull();
    },
  ],
])('a node that %s holds up no other, and is tried to the end', async (_what, fault) => {
  const rack = new PlanRack();
  await fault(rack);
  rack.plan(
    'all',
    { name: 'first', selector: 'm1 m2', parallel: 1 },
    { name: 'second', selector: 'm3 m4', parallel: 1 },
    { name: 'third', selector: 'm5' },
  );
  const id = await rack.armed('all', 170);
  await rack.passes(165);
  expect(rack.ended(id).slice(1)).toEqual(['m2 done', 'm3 done', 'm4 done', 'm5 done']);
  expect(rack.run(id).state).toBe('running');
  expect(rack.nodes(id)[0]?.tries).toBeGreaterThan(1);
  await rack.passes(10);
  expect(rack.run(id).state).toBe('ended');
  expect(['failed', 'refused', 'deadline']).toContain(rack.nodes(id)[0]?.outcome);
  expect(rack.exitCode(id)).toBe(EXIT.partly);
});

test.each([2, 5])(
  'a node that goes down when the run ends, with %d s to go, is watched to its end',
  async (seconds) => {
    const timing = new PlanRack();
    timing.plan('down', { selector: 'm2' });
    const whole = await timing.armed('down', 170);
    await timing.passes(100);
    const tookS = ((timing.run(whole).endedAt ?? 0) - timing.run(whole).startedAt) / 1000;

    const rack = new PlanRack();
    rack.plan('down', { selector: 'm2' });
    const id = await rack.armed('down', tookS - seconds);
    await rack.passes(tookS - seconds + 1);
    expect([rack.run(id).state, ...rack.ended(id)]).toEqual(['ended', 'm2 deadline']);
    expect(rack.nodes(id)[0]?.detail).toContain('watches until it has halted');
    await rack.passes(seconds + 5);
    expect(rack.ended(id)).toEqual(['m2 done']);
    expect(rack.power.get(2)).toBe('off');
  },
);

test('a node that goes down when the run ends, and hangs, is left on', async () => {
  const rack = new PlanRack();
  rack.machine(2).hung = true;
  rack.plan('down', { selector: 'm2' });
  const id = await rack.armed('down', 12);
  await rack.passes(300);
  expect(rack.ended(id)).toEqual(['m2 deadline']);
  expect([rack.power.get(2), rack.operations.busy()]).toEqual(['on', false]);
});

test('a node that comes back in time is shut down at a later try', async () => {
  const rack = new PlanRack();
  rack.machine(4).hung = true;
  rack.plan('down', { selector: 'm4 m5' });
  const id = await rack.armed('down', 140);
  await rack.passes(50);
  rack.machine(4).hung = false;
  await rack.passes(80);
  expect(rack.ended(id)).toEqual(['m4 done', 'm5 done']);
});

test.each([3, 11, 27])('a bus that is away for the first %d s is waited for', async (seconds) => {
  const rack = new PlanRack();
  rack.setBus('down');
  rack.plan('down', { selector: 'm1 m6' });
  const id = await rack.armed('down', 90);
  await rack.passes(seconds);
  expect(rack.ended(id)).toEqual(['m1 waiting', 'm6 waiting']);
  rack.setBus('ready');
  await rack.passes(40);
  expect(rack.ended(id)).toEqual(['m1 done', 'm6 done']);
});

test.each([2, 6, 9, 14, 22])('a bus that is away for 12 s after %d s loses no node', async (after) => {
  const rack = new PlanRack();
  rack.plan('down', { selector: 'm1 m2 m3' });
  const id = await rack.armed('down', 200);
  await rack.passes(after);
  const halted = [1, 2, 3].filter((addr) => rack.machine(addr).state === 'halted');
  rack.setBus('down');
  await rack.passes(12);
  rack.setBus('ready');
  await rack.passes(150);
  // One that halts unseen proves nothing: it has halted all the same.
  expect([1, 2, 3].map((addr) => rack.machine(addr).state)).toEqual(['halted', 'halted', 'halted']);
  for (const addr of halted) expect(rack.power.get(addr)).toBe('off');
  expect(rack.ended(id).filter((text) => text.endsWith('done')).length).toBeGreaterThanOrEqual(2);
});

test('a node whose last line was read before the bus went is cut when it is back', async () => {
  const rack = new PlanRack();
  rack.plan('down', { selector: 'm2' });
  const id = await rack.armed('down', 90);
  while (rack.machine(2).state !== 'halted') await rack.passes(0.2);
  rack.setBus('down');
  await rack.passes(17);
  expect(rack.verbs).toEqual([]);
  rack.setBus('ready');
  await rack.passes(20);
  expect(rack.ended(id)).toEqual(['m2 done']);
});

test.each([12, 33, 71])('a node that cannot be asked is cut after its own %d s, and said to be', async (deadline) => {
  const rack = new PlanRack();
  rack.machine(5).hung = true;
  rack.plan('down', { selector: 'm5', deadline, onDeadline: 'cut', onFail: 'skip' });
  const id = await rack.armed('down', 110);
  await rack.passes(deadline - 1);
  expect(rack.verbs).toEqual([]);
  await rack.passes(6);
  expect(rack.ended(id)).toEqual(['m5 cut-unproven']);
  expect(rack.audits.at(-1)).toMatchObject({ stage: 'outcome', outcome: 'cut-unproven' });
  expect(rack.audits[0]?.detail).toMatch(/never asked/);
  expect(rack.exitCode(id)).toBe(EXIT.unproven);
});

test.each([3, 8, 20])(
  'a run that is resumed %d s after it cut a node without proof keeps that outcome',
  async (later) => {
    const rack = new PlanRack();
    rack.machine(5).haltS = null;
    rack.plan('down', { selector: 'm5', deadline: 14, onDeadline: 'cut' }, { selector: 'm6', needs: ['s0'] });
    const id = await rack.armed('down', 120);
    await rack.passes(2);
    await rack.runs.pause(id, OPERATOR);
    while (rack.nodes(id)[0]?.outcome === null) await rack.passes(1);
    await rack.passes(later);
    expect(rack.run(id).state).toBe('paused');
    expect(rack.ended(id)).toEqual(['m5 cut-unproven', 'm6 waiting']);
    await rack.runs.resume(id, OPERATOR);
    await rack.passes(30);
    expect(rack.ended(id)).toEqual(['m5 cut-unproven', 'm6 done']);
    expect(rack.nodes(id)[0]?.tries).toBe(1);
    expect(rack.exitCode(id)).toBe(EXIT.unproven);
  },
);

test('a node whose turn comes just before the end of the run is not cut unasked', async () => {
  const rack = new PlanRack();
  rack.setBus('down');
  rack.machine(3).hung = true;
  rack.plan('down', { selector: 'm3', deadline: 40, onDeadline: 'cut' });
  const id = await rack.armed('down', 60);
  await rack.passes(55);
  rack.setBus('ready');
  await rack.passes(10);
  expect(rack.verbs).toEqual([]);
  expect(rack.run(id).state).toBe('ended');
  expect(rack.exitCode(id)).not.toBe(EXIT.done);
});

test('a disk that takes nothing keeps no node from being asked, and lets none be cut', async () => {
  const rack = new PlanRack();
  rack.planJournalFails = rack.journalFails = rack.auditFails = new Error('ENOSPC');
  rack.plan('down', { selector: 'm1 m2' });
  const id = await rack.armed('down', 120);
  await rack.passes(125);
  expect([rack.machine(1).state, rack.machine(2).state]).toEqual(['halted', 'halted']);
  expect(rack.verbs).toEqual([]);
  expect(rack.run(id).state).toBe('ended');
  expect(rack.events.filter((text) => text.startsWith('alarm: Plan'))).toHaveLength(1);
});

test.each([
  [
    'paused',
    async (rack: PlanRack) => {
      rack.machine(2).hung = true;
      const id = await rack.attended('down', 2);
      await rack.passes(400);
      return id;
    },
  ],
  [
    'running',
    async (rack: PlanRack) => {
      const id = await rack.attended('down', 2);
      await rack.passes(3);
      return id;
    },
  ],
  [
    'pausing',
    async (rack: PlanRack) => {
      const id = await rack.attended('down', 2);
      await rack.passes(3);
      await rack.runs.pause(id, OPERATOR);
      return id;
    },
  ],
  [
    'running',
    async (rack: PlanRack) => {
      rack.power.set(2, 'off');
      rack.boot = { proof: 'any', limit: 120 };
      const { id } = await rack.runs.start({ name: 'up', confirm: null, armed: true, deadlineS: null }, OPERATOR);
      await rack.passes(5);
      return id;
    },
  ],
])('an older run that is %s ends for an armed one', async (state, older) => {
  const rack = new PlanRack();
  rack.plan('down', { selector: 'm2 m4', parallel: 1 });
  rack.plan('up', { selector: 'm2', action: 'on', verify: 'boot' });
  const former = await older(rack);
  expect(rack.run(former).state).toBe(state);
  rack.machine(2).hung = false;
  const id = await rack.armed('down', 100);
  await rack.passes(99);
  expect(rack.run(former)).toMatchObject({
    state: 'ended',
    detail: expect.stringContaining(`superseded by run ${id}`) as string,
  });
  expect(rack.ended(id)).toEqual(['m2 done', 'm4 done']);
});

test('a run that an earlier server left interrupted ends for an armed one', async () => {
  const before = new PlanRack();
  before.plan('down', { selector: 'm6' });
  await before.armed('down', 80);
  await before.passes(2);
  const rack = new PlanRack();
  rack.plan('down', { selector: 'm6' });
  rack.unfinishedRuns = before.written.slice(-1);
  rack.runs.recover();
  const [former] = rack.runs.list().runs;
  expect(former?.state).toBe('interrupted');
  await rack.passes(1);
  const id = await rack.armed('down', 80);
  await rack.passes(40);
  expect(rack.run(former?.id ?? '')).toMatchObject({ state: 'ended' });
  expect(rack.ended(id)).toEqual(['m6 done']);
});

test('a run of other nodes is left alone by an armed one, and one with words refuses as before', async () => {
  const rack = new PlanRack();
  rack.plan('one', { selector: 'm1' });
  rack.plan('two', { selector: 'm2' });
  const first = await rack.attended('one', 1);
  const second = await rack.armed('two', 60);
  await expect(rack.attended('one', 1)).rejects.toThrow(/is running/);
  await rack.passes(50);
  expect([...rack.ended(first), ...rack.ended(second)]).toEqual(['m1 done', 'm2 done']);
});

test('without armed a silent node is asked about, and its run pauses', async () => {
  const rack = new PlanRack();
  rack.machine(1).hung = true;
  rack.plan('down', { selector: 'm1' }, { selector: 'm2' });
  const id = await rack.attended('down', 2);
  await rack.passes(60);
  expect(rack.operation.nodes[0]?.question).not.toBeNull();
  await rack.passes(400);
  expect(rack.run(id).state).toBe('paused');
  expect(rack.ended(id)).toEqual(['m1 left-on', 'm2 waiting']);
});

const FACTS: TryFacts = {
  now: START,
  run: { armed: true, state: 'running', deadlineAt: START + 200_000 },
  onFail: 'pause',
  end: { outcome: 'failed', detail: 'x', again: null },
  triesBefore: 0,
  cutAt: null,
  busReady: true,
};

test.each<[string, Partial<TryFacts>, number | null]>([
  ['a first failure', {}, 5],
  ['a third failure', { triesBefore: 2 }, 20],
  ['a tenth failure', { triesBefore: 9 }, 50],
  ['a failure near the end', { run: { ...FACTS.run, deadlineAt: START + 12_000 } }, 3],
  ['a failure in the last second', { run: { ...FACTS.run, deadlineAt: START + 900 } }, 1],
  ['no bus', { triesBefore: 7, end: { ...FACTS.end, outcome: 'bus' } }, 0],
  ['a bus that went meanwhile', { busReady: false }, 0],
  ['success', { end: { ...FACTS.end, outcome: 'done' } }, null],
  ['an unproven cut', { end: { ...FACTS.end, outcome: 'cut-unproven' } }, null],
  ['somebody who aborts', { end: { ...FACTS.end, outcome: 'aborted' } }, null],
  ['nothing left to try', { end: { ...FACTS.end, again: 'no' } }, null],
  ['nothing left but a cut that nobody wants', { end: { ...FACTS.end, again: 'at-deadline' } }, null],
  ['nothing left but the cut', { end: { ...FACTS.end, again: 'at-deadline' }, cutAt: START + 31_000 }, 31],
  ['a cut before the next try', { triesBefore: 3, cutAt: START + 7_000 }, 7],
  ['a run that is over', { run: { ...FACTS.run, deadlineAt: START } }, null],
  ['a run that somebody pauses', { run: { ...FACTS.run, state: 'pausing' } }, null],
  ['a run with words', { run: { ...FACTS.run, armed: false } }, null],
  ['a step that ends its run', { onFail: 'abort' }, null],
  ['a second failure without an end', { triesBefore: 1, run: { ...FACTS.run, deadlineAt: null } }, 10],
  ['a third failure without an end', { triesBefore: 2, run: { ...FACTS.run, deadlineAt: null } }, null],
])('after %s', (_what, facts, seconds) => {
  const failed = afterTry({ ...FACTS, ...facts });
  expect(failed === null ? null : (failed.againAt - START) / 1000).toBe(seconds);
});
