import { describe, expect, test } from 'vitest';
import {
  AlarmStore,
  type AlarmLimits,
  BLANK_MEMORY,
  evaluate,
  type LimitMemory,
  SAMPLE_RULES,
} from '../../src/rack/alarms.ts';
import type { Power, Sample } from '../../src/rack/reading.ts';

describe('the book', () => {
  test('raised once, however often its cause is told, and in the latest words', () => {
    const book = new AlarmStore();
    expect(book.set('lost', 3, 'gone 1 s', 10)).toMatchObject({ id: 1, since: 10, clearedAt: null });
    expect(book.set('lost', 3, 'gone 2 s', 20)).toBeNull();
    expect(book.standing).toMatchObject([{ text: 'gone 2 s', since: 10 }]);
  });

  test('over but not seen, it stays; seen and over, it is history', () => {
    const book = new AlarmStore();
    book.set('lost', 3, 'gone', 10);
    expect(book.set('lost', 3, null, 30)).toMatchObject({ clearedAt: 30 });
    expect(book.set('lost', 3, null, 31)).toBeNull();
    expect(book.standing).toHaveLength(1);
    expect(book.acknowledge(null, 'ann', 40)).toMatchObject([{ acknowledged: { by: 'ann', at: 40 } }]);
    expect(book.standing).toEqual([]);
    expect(book.past(10)).toMatchObject([{ id: 1, clearedAt: 30, acknowledged: { by: 'ann' } }]);
  });

  test('seen while it lasts, it stands until its cause is gone', () => {
    const book = new AlarmStore();
    book.set('bus', null, 'down', 10);
    expect(book.acknowledge([1], 'ann', 20)).toHaveLength(1);
    expect(book.acknowledge([1], 'bob', 21)).toEqual([]);
    expect(book.standing).toMatchObject([{ acknowledged: { by: 'ann' }, clearedAt: null }]);
    book.set('bus', null, null, 30);
    expect(book.standing).toEqual([]);
  });

  test('the same trouble again is a new alarm; the one before is not lost', () => {
    const book = new AlarmStore();
    book.set('lost', 3, 'gone', 10);
    book.set('lost', 3, null, 20);
    expect(book.set('lost', 3, 'gone again', 30)).toMatchObject({ id: 2, acknowledged: null });
    expect(book.standing).toHaveLength(1);
    expect(book.past(10)).toMatchObject([{ id: 1 }]);
  });

  test('history is bounded', () => {
    const book = new AlarmStore();
    for (let n = 0; n < 1200; n++) {
      book.set('lost', 3, 'gone', n);
      book.set('lost', 3, null, n);
    }
    expect(book.past(5000)).toHaveLength(500);
  });
});

/** For each rule: samples by which its alarm stands, and the like by which it does not. */
const RINGS: Record<keyof typeof SAMPLE_RULES, [stands: Partial<Sample>, not: Partial<Sample>]> = {
  disabled: [{ power: 'disabled' }, { power: 'off' }],
};

test.each(Object.entries(SAMPLE_RULES))('%s is judged by one sample', (kind, rule) => {
  const healthy: Sample = { power: 'on', current: 30, fan: 110, at: 1000, rttMs: 1 };
  const [stands, not] = RINGS[kind as keyof typeof RINGS];
  expect(rule({ ...healthy, ...stands })).toMatch(/\S+ \S+/);
  expect(rule({ ...healthy, ...not })).toBeNull();
  expect(rule(healthy)).toBeNull();
});

const LIMITS: AlarmLimits = { fanStopped: 8, currentHigh: 100, currentCollapsed: 0.5, after: 10, settle: 60 };

/** A sample a second of each [current, fan, for how many seconds]; which rules rang, second by second, in short. */
function ring(series: [current: number, fan: number, seconds: number, power?: Power][], limits = LIMITS): string[] {
  let memory: LimitMemory = BLANK_MEMORY;
  let at = 0;
  const said: string[] = [];
  let before = '';
  for (const [current, fan, seconds, power = 'on'] of series)
    for (let n = 0; n < seconds; n++) {
      const sample: Sample = { power, current, fan, at: (at += 1000), rttMs: 1 };
      const judged = evaluate(limits, memory, sample);
      memory = judged.memory;
      const now = Object.entries(judged.verdicts)
        .filter(([, text]) => text !== null)
        .map(([kind]) => kind)
        .join(' ');
      if (now !== before) said.push(`${at / 1000}s ${now === '' ? 'quiet' : now}`);
      before = now;
    }
  return said;
}

describe('limits', () => {
  test.each<[what: string, series: Parameters<typeof ring>[0], rings: string[]]>([
    ['an ordinary day', [[40, 110, 300]], []],
    [
      'a fan that stands still, and turns again',
      [
        [40, 110, 100],
        [40, 0, 30],
        [40, 110, 10],
      ],
      ['111s fan-stopped', '131s quiet'],
    ],
    [
      'a fan that stops for a moment',
      [
        [40, 110, 100],
        [40, 0, 9],
        [40, 110, 10],
      ],
      [],
    ],
    [
      'a fan at the edge rings once',
      [
        [40, 110, 100],
        [40, 8, 12],
        [40, 12, 5],
        [40, 8, 5],
        [40, 17, 5],
      ],
      ['111s fan-stopped', '123s quiet'],
    ],
    [
      'a fan that has not spun up yet, in the first minute',
      [
        [40, 0, 55],
        [40, 110, 100],
      ],
      [],
    ],
    [
      'a node that is off has no fan to miss',
      [
        [40, 110, 100],
        [0, 0, 100, 'off'],
      ],
      [],
    ],
    [
      'switched off while it rings',
      [
        [40, 110, 100],
        [40, 0, 20],
        [0, 0, 5, 'off'],
      ],
      ['111s fan-stopped', '121s quiet'],
    ],
    [
      'too much current',
      [
        [40, 110, 10],
        [120, 110, 20],
        [95, 110, 5],
        [80, 110, 5],
      ],
      ['21s current-high', '36s quiet'],
    ],
    [
      'a boot peak is not long enough',
      [
        [40, 110, 10],
        [120, 110, 8],
        [40, 110, 5],
      ],
      [],
    ],
    [
      'current that collapses while on',
      [
        [40, 110, 100],
        [5, 110, 30],
        [40, 110, 5],
      ],
      ['111s current-collapsed', '131s quiet'],
    ],
    [
      'the end of a long load is no collapse',
      [
        [30, 110, 100],
        [110, 110, 9],
        [75, 110, 300],
        [30, 110, 100],
      ],
      [],
    ],
    [
      'a halted Pi draws two thirds: no collapse',
      [
        [36, 110, 300],
        [24, 110, 300],
      ],
      [],
    ],
    [
      'a load of hours, then idle: the minimum has been forgotten by then, and still half is not reached',
      [
        [30, 110, 100],
        [55, 110, 3600],
        [30, 110, 100],
      ],
      [],
    ],
  ])('%s', (_what, series, rings) => {
    expect(ring(series)).toEqual(rings);
  });

  test('null is never', () => {
    const never: AlarmLimits = { fanStopped: null, currentHigh: null, currentCollapsed: null, after: 1, settle: 60 };
    expect(
      ring(
        [
          [40, 110, 100],
          [255, 0, 100],
          [0, 0, 100],
        ],
        never,
      ),
    ).toEqual([]);
  });
});
