/** What is concluded of a node's system: only a sign of life makes it up. */
import { describe, expect, test } from 'vitest';
import {
  nextSystem,
  nodeCondition,
  systemAt,
  UNKNOWN_SYSTEM,
  type System,
  type SystemSign,
  type SystemState,
} from '../../src/rack/system-state.ts';

const LIMITS = { unheard: 75_000, stopping: 300_000, boot: 120_000 };
type Seen = [kind: SystemSign['kind'], atS: number, text?: string];

function after(...seen: Seen[]): SystemState {
  return seen.reduce(
    (state, [kind, atS, text = kind]) => nextSystem(state, { kind, at: atS * 1000, text }, LIMITS),
    UNKNOWN_SYSTEM,
  );
}

test.each<[what: string, seen: Seen[], system: System]>([
  ['nothing seen', [], 'unknown'],
  ['a getty', [['login', 1]], 'up'],
  [
    'asked, and its shell comes back at once',
    [
      ['asked', 1],
      ['shell', 2],
    ],
    'going-down',
  ],
  [
    'asked, heard, and its ssh still answers',
    [
      ['asked', 1],
      ['stopping', 5],
      ['alive', 100],
    ],
    'going-down',
  ],
  [
    'asked, unheard, and a prompt two minutes later',
    [
      ['asked', 1],
      ['shell', 121],
    ],
    'up',
  ],
  [
    'heard going down, and a getty long after',
    [
      ['stopping', 1],
      ['login', 302],
    ],
    'up',
  ],
  [
    'asked, and the system refuses',
    [
      ['asked', 1],
      ['refused', 2],
    ],
    'unknown',
  ],
  [
    'refused by another after it was heard',
    [
      ['asked', 1],
      ['stopping', 2],
      ['refused', 3],
    ],
    'going-down',
  ],
  [
    'its last line, whoever asked',
    [
      ['login', 1],
      ['halt', 50],
    ],
    'halted',
  ],
  [
    'its last line, then the firmware and its chatter',
    [
      ['halt', 1],
      ['firmware', 2],
      ['speech', 3],
    ],
    'halted',
  ],
  [
    'a last line that was quoted: it speaks on',
    [
      ['halt', 1],
      ['speech', 2],
    ],
    'unknown',
  ],
  [
    'a last line while it was asked, and it speaks on',
    [
      ['asked', 1],
      ['halt', 5],
      ['speech', 6],
    ],
    'going-down',
  ],
  [
    'a last line, then a prompt',
    [
      ['halt', 1],
      ['shell', 2],
    ],
    'up',
  ],
  [
    'a last line, then an ssh server',
    [
      ['halt', 1],
      ['alive', 60],
    ],
    'up',
  ],
  [
    'a last line, then a kernel that boots',
    [
      ['halt', 1],
      ['boot', 9],
    ],
    'booting',
  ],
  [
    'halted, and asked again',
    [
      ['halt', 1],
      ['asked', 9],
    ],
    'halted',
  ],
  [
    'halted, and its power cycled',
    [
      ['halt', 1],
      ['power-off', 9],
      ['power-on', 12],
    ],
    'booting',
  ],
  [
    'halted, then off',
    [
      ['halt', 1],
      ['power-off', 9],
    ],
    'unknown',
  ],
  [
    'a restart',
    [
      ['asked', 1],
      ['stopping', 2],
      ['restart', 9],
    ],
    'booting',
  ],
  [
    'booted to a getty',
    [
      ['boot', 1],
      ['speech', 5],
      ['login', 20],
    ],
    'up',
  ],
  [
    'an emergency shell: its prompt is no sign of health',
    [
      ['boot', 1],
      ['failed', 9],
      ['shell', 10],
    ],
    'failed',
  ],
  [
    'an emergency shell that was left',
    [
      ['failed', 9],
      ['login', 60],
    ],
    'up',
  ],
  [
    'firmware of a machine that was up',
    [
      ['login', 1],
      ['firmware', 9],
    ],
    'booting',
  ],
])('%s', (_what, seen, system) => {
  expect(after(...seen).system).toBe(system);
});

test('since when it is so does not move with each further sign', () => {
  expect(after(['asked', 1], ['stopping', 4], ['stopping', 9])).toMatchObject({ since: 1000, heardAt: 9000 });
});

test('a boot without a sign of life is not known to go on', () => {
  const state = after(['power-on', 10]);
  expect(systemAt(state, 130_000, LIMITS).system).toBe('booting');
  expect(systemAt(state, 130_001, LIMITS)).toMatchObject({ system: 'unknown', since: 130_000 });
});

describe('what a node is shown as', () => {
  test.each([
    ['on', 'halted', 'halted'],
    ['on', 'going-down', 'going-down'],
    ['on', 'failed', 'failed'],
    ['on', 'up', 'on'],
    ['on', 'unknown', 'on'],
    ['off', 'halted', 'off'],
    ['unknown', 'halted', 'unknown'],
  ] as const)('power %s, system %s: %s', (power, system, shown) => {
    expect(nodeCondition(power, { system })).toBe(shown);
  });
  test('power on and nothing known of its system: on', () => expect(nodeCondition('on', null)).toBe('on'));
});
