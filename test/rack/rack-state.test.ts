import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  nextReading,
  type Power,
  RackState,
  type Reading,
  type Sample,
  shownPower,
  transitions,
} from '../../src/rack/reading.ts';

const sample = (power: Power, at = 0): Sample => ({ power, current: 30, fan: 100, at, rttMs: 3 });
const ok = (power: Power, at = 0): Answer => ({ ok: true, sample: sample(power, at) });
const silent: Answer = { ok: false, failure: 'silent' };

function run(...answers: Answer[]): { reading: Reading; told: string[] } {
  const state = new RackState();
  const told = answers.flatMap((answer, n) => state.apply(3, answer, 'sweep', n * 1000).map(({ kind }) => kind));
  return { reading: state.reading(3), told };
}

describe('transitions', () => {
  test.each<[string, Answer[], string[]]>([
    ['the first answer', [ok('on')], ['appeared']],
    ['nothing changes', [ok('on'), ok('on')], ['appeared']],
    ['it is switched', [ok('on'), ok('off')], ['appeared', 'power']],
    ['it is disabled', [ok('on'), ok('disabled')], ['appeared', 'power']],
    ['it falls silent, once told', [ok('on'), silent, silent], ['appeared', 'lost']],
    ['it comes back as it was', [ok('on'), silent, ok('on', 2000)], ['appeared', 'lost', 'returned']],
    ['it comes back otherwise', [ok('on'), silent, ok('off', 2000)], ['appeared', 'lost', 'returned', 'power']],
    ['it never answered', [silent, silent], []],
    ['it answers late', [silent, ok('on')], ['appeared']],
  ])('%s', (_what, answers, expected) => {
    expect(run(...answers).told).toEqual(expected);
  });

  test('how long it was away is told', () => {
    const lost = nextReading({ state: 'ok', sample: sample('on'), source: 'sweep' }, silent, 'sweep', 5_000);
    expect(transitions(lost, { state: 'ok', sample: sample('on', 8_000), source: 'sweep' })).toEqual([
      { kind: 'returned', power: 'on', afterMs: 3_000 },
    ]);
  });
});

test('silence counts its questions and keeps its beginning', () => {
  expect(run(ok('on'), silent, { ok: false, failure: 'garbled' }).reading).toMatchObject({
    state: 'failed',
    failure: 'garbled',
    since: 1000,
    tries: 2,
    last: { power: 'on' },
  });
});

test('whatever comes: no failure is ever shown as a power, and no answer as anything else (property)', () => {
  const answer = fc.oneof(
    fc.constantFrom<Power>('on', 'off', 'disabled').map((power) => ok(power)),
    fc.constantFrom('silent', 'garbled', 'foreign').map((failure): Answer => ({ ok: false, failure })),
  );
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 30 }), (answers) => {
      const { reading } = run(...answers);
      const last = answers.at(-1);
      const answered = answers.some((one) => one.ok);
      const expected = last?.ok ? last.sample.power : answered ? 'unknown' : 'absent';
      expect(shownPower(reading)).toBe(expected);
    }),
  );
});

test('an address that was never asked is unknown, not absent', () => {
  expect(shownPower(new RackState().reading(0x17))).toBe('unknown');
});
