import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ampsOf,
  drawOf,
  drawText,
  fitCalibration,
  implausible,
  meterValue,
  totalDraw,
} from '../../src/rack/calibration.ts';

test('a line is found again from points on it, for one node and for several under one meter', () => {
  const line = fc.record({
    amps: fc.double({ min: 0.001, max: 0.1, noNaN: true }),
    zero: fc.integer({ min: 0, max: 20 }),
    nodes: fc.integer({ min: 1, max: 24 }),
    loads: fc.uniqueArray(fc.integer({ min: 3, max: 20 }), { minLength: 2, maxLength: 6 }),
  });
  fc.assert(
    fc.property(line, ({ amps, zero, nodes, loads }) => {
      const points = loads.map((load) => ({ counts: nodes * (zero + load * 10), amps: nodes * load * 10 * amps }));
      const fit = fitCalibration(points, nodes);
      if (!fit.ok) throw new Error(fit.problem);
      for (const [i, load] of loads.entries()) {
        const said = ampsOf(zero + load * 10, fit.calibration);
        expect(said).toBeCloseTo((points[i]?.amps ?? 0) / nodes, 1);
      }
      expect(fit.calibration.amps / amps).toBeCloseTo(1, 2);
    }),
  );
});

test.each([
  ['one load', [{ counts: 30, amps: 0.4 }], /two loads/],
  [
    'the same load twice',
    [
      { counts: 30, amps: 0.4 },
      { counts: 34, amps: 0.5 },
    ],
    /too similar: 4\.0 counts/,
  ],
  [
    'a meter at another node',
    [
      { counts: 30, amps: 0.6 },
      { counts: 60, amps: 0.4 },
    ],
    /another node/,
  ],
])('%s gives no line', (_what, points, problem) => {
  const fit = fitCalibration(points, 1);
  expect(fit).toMatchObject({ ok: false });
  expect(fit.ok ? '' : fit.problem).toMatch(problem);
});

test('a line that would begin below no counts is held at none', () => {
  const fit = fitCalibration(
    [
      { counts: 20, amps: 0.4 },
      { counts: 40, amps: 0.6 },
    ],
    1,
  );
  expect(fit).toMatchObject({ ok: true, calibration: { zero: 0 } });
  expect(fit.ok ? fit.worst : 0).toBeGreaterThan(0.05);
});

test.each([
  ['0.42', 0.42],
  [' 0,42 a ', 0.42],
  ['2.1 W', 0.42],
  ['0', 0],
  ['-1', null],
  ['0.4 V', null],
  ['', null],
])('%j from a meter is %j', (text, amps) => {
  const value = meterValue(text, 5);
  if (amps === null) expect(value).toBeNull();
  else expect(value).toBeCloseTo(amps, 9);
});

test('amperes are said only where every node is calibrated', () => {
  const calibration = { amps: 0.01, zero: 2 };
  expect(drawText(drawOf(42, calibration), 'ct')).toBe('0.40 A');
  expect(drawText(drawOf(42, null), 'ct')).toBe('42 ct');
  expect(totalDraw([drawOf(42, calibration), drawOf(12, calibration)])).toEqual({ counts: 54, amps: 0.5 });
  expect(totalDraw([drawOf(42, calibration), drawOf(12, null)])).toEqual({ counts: 54, amps: null });
});

test.each<[what: string, amps: number, zero: number, nodes: number, seen: RegExp | null]>([
  ['what a Pi 4 draws', 0.0156, 0, 1, null],
  ['the same of eight together', 0.0156, 0, 8, null],
  ['a Pi Zero', 0.004, 2, 1, null],
  ['the meter saw all four of a blade', 0.0156 * 4, 0, 1, /measured only these nodes/],
  ['watts typed as amperes', 0.078, 0, 1, /the unit that was typed/],
  ['milliamperes typed as amperes', 15.6, 0, 1, /implausible/],
  ['one node of eight was measured', 0.0156 / 8, 0, 8, /measured all of these nodes/],
])('a calibration is held against what nodes were seen to draw: %s', (_what, amps, zero, nodes, seen) => {
  const points = [30, 65].map((counts) => ({ counts: counts * nodes, amps: (counts - zero) * amps * nodes }));
  const said = implausible(points, nodes, { amps, zero }, 5);
  if (seen === null) expect(said).toBeNull();
  else expect(said).toMatch(seen);
});
