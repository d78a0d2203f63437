/** What a new server makes of the outage that a former one left, and what a run adds to its record. */
import { describe, expect, test } from 'vitest';
import type { OutageNode } from '../../../src/api/outage.ts';
import type { PlanNodeRun, PlanRun } from '../../../src/api/plans.ts';
import { foldRun, leavesNodes, missingNodes, type OutageRecord, takeOver } from '../../../src/power/outage/record.ts';

const node = (addr: number, state: OutageNode['state']): OutageNode => ({ addr, name: `n${addr}`, state, detail: '' });

function left(over: Partial<OutageRecord> = {}): OutageRecord {
  return {
    ...{ id: 'o1', startedAt: 0, endedAt: null, policy: 0, drill: false, phase: 'battery', committed: false },
    ...{ since: 5_000, known: { at: 9_000, runtimeS: 300 }, kept: { boot: 'b', up: 0, wall: 0 }, told: null },
    ...{ nodes: [node(1, 'on'), node(2, 'taken')], lines: [], startedWall: 0, endedWall: null },
    runs: [{ id: 'p1', plan: 'shed-all', kind: 'last', ended: false, onBefore: [] }],
    ...over,
  };
}

function run(node: Partial<PlanNodeRun>, action: 'on' | 'off' = 'off'): PlanRun {
  const own: PlanNodeRun = {
    ...{ addr: 1, name: 'n1', state: 'ended', since: 0, operation: 'op', phase: null, outcome: 'done', tries: 1 },
    ...{ detail: 'done', ...node },
  };
  return {
    ...{ id: 'p2', request: null, plan: 'x', by: 'rackui', armed: true, startedAt: 0, endedAt: null, deadlineAt: null },
    ...{ predictedEndAt: 0, state: 'running', detail: '' },
    steps: [{ name: 's', action, needs: [], state: 'running', nodes: [own] }],
  };
}

const here = { now: 20_000, wall: 0, sameBoot: true, told: false };

describe('takeover', () => {
  test.each(['battery', 'last'] as const)(
    'phase %s in the same boot goes on, with its time and what is known',
    (phase) => {
      const record = left({ phase });
      expect(takeOver(record, here)).toMatchObject({ phase, since: 5_000, known: { at: 9_000, runtimeS: 300 } });
      expect(record.runs[0]?.ended).toBe(true);
      expect(record.nodes.map(({ state }) => state)).toEqual(['on', 'taken']);
    },
  );

  test('a battery of which nothing was known is critical soon, not never', () => {
    expect(takeOver(left({ known: null }), here).known).toEqual({ at: 20_000, runtimeS: null });
  });

  test.each(['mains', 'restoring'] as const)('phase %s in the same boot waits for the mains anew', (phase) => {
    expect(takeOver(left({ phase }), here)).toMatchObject({ phase: 'mains', since: 20_000, dark: false });
  });

  test('another boot means darkness: what was on has lost its power, and no UPS is waited for', () => {
    const record = left();
    expect(takeOver(record, { ...here, sameBoot: false })).toMatchObject({ phase: 'mains', dark: true });
    expect(record.nodes.map(({ state }) => state)).toEqual(['lost', 'taken']);
  });

  test('an announced end in the same boot waits for the UPS where one can be asked', () => {
    expect(takeOver(left({ committed: true, phase: 'last' }), here)).toMatchObject({ phase: 'mains', dark: false });
    expect(takeOver(left({ committed: true, phase: 'last' }), { ...here, told: true })).toMatchObject({ dark: true });
  });
});

describe('record', () => {
  const fold = (state: OutageNode['state'], over: Partial<PlanNodeRun>): OutageNode | undefined => {
    const record = left({ nodes: [node(1, state)] });
    foldRun(record, run(over), { id: 'p2', plan: 'x', kind: 'last', ended: false, onBefore: [] });
    return record.nodes[0];
  };

  test.each(['on', 'restored', 'came-back', 'lost', 'missing'] as const)(
    'a node that was %s and is shut down is to be brought back',
    (state) => {
      expect(fold(state, {})?.state).toBe('taken');
    },
  );

  test('a node that was being shut down when the server ended counts as taken', () => {
    expect(fold('on', { outcome: 'interrupted' })?.state).toBe('taken');
    expect(fold('on', { outcome: 'aborted' })?.state).toBe('on');
  });

  test('a run that finds a node off keeps what the run before said of it', () => {
    const record = left({ nodes: [{ ...node(1, 'taken'), detail: 'halted, cut' }] });
    foldRun(record, run({ detail: 'was off already' }), {
      id: 'p2',
      plan: 'x',
      kind: 'last',
      ended: false,
      onBefore: [],
    });
    expect(record.nodes[0]?.detail).toBe('halted, cut');
    expect(missingNodes(record)).toEqual([1]);
  });

  test.each([
    ['deadline', true],
    ['bus', true],
    ['left-on', false],
    ['refused', false],
    ['done', false],
  ] as const)('a last plan whose node ended as %s leaves it to another try: %s', (outcome, leaves) => {
    expect(leavesNodes(left(), () => run({ outcome }))).toBe(leaves);
    expect(leavesNodes(left({ nodes: [node(1, 'taken')] }), () => run({ outcome }))).toBe(false);
    expect(leavesNodes(left({ runs: [] }), () => null)).toBe(true);
  });
});
