/** When other nodes may be read beside an open console. */
import { describe, expect, test } from 'vitest';
import { Silence } from '../../src/server/consoles/silence.ts';

/** Feeds output at these times, ms, and returns the first time after the last of them at which a read is allowed. */
function firstReadAfter(outputs: readonly number[], keys: readonly number[] = []): number {
  const silence = new Silence(0);
  const all = [...outputs.map((at) => ({ at, key: false })), ...keys.map((at) => ({ at, key: true }))];
  for (const { at, key } of all.sort((a, b) => a.at - b.at)) {
    if (key) silence.sent(at);
    else silence.onOutput(at);
  }
  const last = Math.max(0, ...all.map(({ at }) => at));
  for (let now = last; ; now += 100) if (silence.allowsRead(now)) return now - last;
}

describe('a read waits', () => {
  test.each<[situation: string, outputs: number[], keys: number[], waits: number]>([
    ['for 2 s after a single output', [10], [], 2_000],
    ['for 2 s after a key and its echo', [1_010], [1_000], 2_000],
    ['for twice the rhythm of a program that prints every 3 s', [0, 3_000, 6_000, 9_000], [], 6_000],
    ['for twice the rhythm, also of one that prints every 29 s', [0, 29_000, 58_000], [], 58_000],
    ['for 2 s after an output that came out of a long silence', [0, 3_000, 6_000, 3_600_000], [], 2_000],
    ['for 2 s after a burst without pauses', [100, 110, 150, 190], [], 2_000],
    ['without regard to the pause that an answer to a key ended', [0, 9_010], [9_000], 2_000],
  ])('%s', (_situation, outputs, keys, waits) => {
    expect(firstReadAfter(outputs, keys)).toBe(waits);
  });

  test('so that a program which prints every 5 s is never interrupted', () => {
    const silence = new Silence(0);
    silence.onOutput(0);
    silence.onOutput(5_000);
    for (let now = 5_000; now < 600_000; now += 50) {
      if (now % 5_000 === 0) silence.onOutput(now);
      expect(silence.allowsRead(now)).toBe(false);
    }
  });
});

test('gaps are added up until they are taken', () => {
  const silence = new Silence(0);
  expect(silence.takeReads()).toBeNull();
  silence.add(1_000, 12, 1_012);
  silence.add(1_600, 13, 1_613);
  expect(silence.takeReads()).toEqual({ from: 1_000, count: 2, ms: 25 });
  expect(silence.takeReads()).toBeNull();
});
