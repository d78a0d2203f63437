/** The live views, as frames. */
import { render } from 'ink-testing-library';
import { expect, test } from 'vitest';
import type { NodeProgress, Operation } from '../../src/api/power.ts';
import type { StatusReport } from '../../src/cli/format/status.ts';
import { OperationView, StatusView } from '../../src/cli/live-views.tsx';

const node = (change: Partial<NodeProgress>): NodeProgress => ({
  addr: 4,
  name: 'ns01',
  phase: 'stopping',
  since: 0,
  until: 180_000,
  detail: 'a stop job is running',
  evidence: [],
  question: null,
  outcome: null,
  ...change,
});

const operation = (nodes: NodeProgress[], endedAt: number | null = null): Operation => ({
  id: '7',
  verb: 'off',
  label: 'role:dns',
  by: 'pi',
  startedAt: 0,
  endedAt,
  nodes,
});

test('a running operation shows phase, elapsed and remaining time, and how to leave and to abort', () => {
  const { lastFrame } = render(<OperationView operation={operation([node({})])} now={12_000} />);
  expect(lastFrame()).toBe(
    '… ns01 stopping 12 s, 168 s left a stop job is running\n' +
      'Ctrl-C leaves; the operation goes on. End it with: rackui abort 7',
  );
});

test('a question is shown with its choices and where to answer', () => {
  const question = {
    id: 'q1',
    text: 'It does not halt. What now?',
    choices: [
      { key: 'w', label: 'wait 60 s', danger: false, confirm: null },
      { key: 'f', label: 'force off', danger: true, confirm: 'ns01' },
    ],
    since: 0,
  };
  const { lastFrame } = render(<OperationView operation={operation([node({ phase: 'asking', question })])} now={0} />);
  expect(lastFrame()).toContain(
    "ns01 (B-0, 04) asks: It does not halt. What now?\n  w: wait 60 s\n  f: force off (--confirm 'ns01')",
  );
});

test('an ended operation ends with its summary; names are shown, never executed', () => {
  const done = node({ outcome: 'done', phase: 'ended', detail: '' });
  const left = node({ addr: 8, name: 'ns\x1b[2J02', outcome: 'left-on', phase: 'ended', detail: 'still running' });
  const { lastFrame } = render(<OperationView operation={operation([done, left], 9)} now={10} />);
  expect(lastFrame()).toMatch(
    /^✓ ns01 +done\n✗ ns\\x1b\[2J02 left on still running\noff role:dns \(operation 7, by pi\): 1 done/,
  );
});

test('a table that is too long for the screen says how much is missing', () => {
  const values = { power: 'on', current: 1, amps: null, fan: 1, ageMs: 1, source: 'sweep' } as const;
  const last = { power: 'on', current: 1, amps: null, fan: 1 } as const;
  const known = { freshness: 'fresh', last, system: null, systemAgeMs: null, systemWhy: null } as const;
  const cluster = { kubernetes: null, kubernetesAgeMs: null, kubernetesWhy: null } as const;
  const line = { ...cluster, pos: 'A-0', name: 'n', role: null, cluster: null, uid: null, ...values };
  const report: StatusReport = {
    rack: 'r',
    bus: { state: 'ready', port: '/dev/x', detail: '', master: '00', sweepMs: 70, sweepsPerS: 1 },
    console: null,
    supply: [],
    nodes: Array.from({ length: 30 }, (_, i) => ({
      ...line,
      ...known,
      addr: i.toString(16).padStart(2, '0'),
      master: false,
      alarms: [],
      op: null,
    })),
  };
  const frame = render(<StatusView report={report} rows={24} />).lastFrame() ?? '';
  expect(frame.split('\n')).toHaveLength(22);
  expect(frame).toMatch(/… 11 more lines/);
});
