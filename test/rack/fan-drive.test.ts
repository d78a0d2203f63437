/** Whether ZZ is four times YY: which readings can tell, and how many of them make a meaning. */
import { expect, test } from 'vitest';
import { fanMeaning, FanRatio, keepsRatio } from '../../src/rack/calibration.ts';

const reading = (current: number, fan: number, power: 'on' | 'off' = 'on') => ({ power, current, fan });

test.each([
  // The published pairs.
  [reading(0x1d, 0x74), true],
  [reading(0x1b, 0x6c), true],
  [reading(0x26, 0x98), true],
  [reading(0x22, 0x88), true],
  [reading(0x3f, 0xfc), true],
  [reading(0x1d, 0x75), false],
  [reading(0x10, 0), false],
  // At the byte's end, without current, without power.
  [reading(0x40, 0xff), null],
  [reading(0xff, 0xff), null],
  [reading(0, 0), null],
  [reading(0x1d, 0x74, 'off'), null],
])('%j: %s', (sample, kept) => {
  expect(keepsRatio(sample)).toBe(kept);
});

test.each([
  [5, 5, 'unknown'],
  [6, 6, 'drive'],
  [23, 24, 'drive'],
  [0, 6, 'speed'],
  [3, 100, 'speed'],
  [7, 10, 'unknown'],
])('%i of %i readings keep the ratio: %s', (kept, read, meaning) => {
  expect(fanMeaning(kept, read)).toBe(meaning);
});

test('what was read long ago fades', () => {
  const ratio = new FanRatio();
  const add = (times: number, fan: number): void => {
    for (let i = 0; i < times; i++) ratio.add({ ...reading(20, fan), at: 0, rttMs: 1 });
  };
  add(10_000, 80);
  expect(ratio.meaning).toBe('drive');
  add(3_000, 81);
  expect(ratio.meaning).toBe('speed');
});
