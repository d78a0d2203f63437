import { describe, expect, test } from 'vitest';
import { Pace, QUESTION } from '../../src/tui/terminal/output.ts';

const ANSWER = new TextEncoder().encode('\x1b[0n');

/** A pace whose terminal has answered once. */
function answering(): Pace {
  const pace = new Pace();
  expect(pace.sent(5000, 0)).toBe(QUESTION);
  pace.answered(ANSWER);
  return pace;
}

describe('how much is on its way', () => {
  test('a terminal that never answers is asked once and never waited for', () => {
    const pace = new Pace();
    expect(pace.sent(5000, 0)).toBe(QUESTION);
    for (let n = 0; n < 100; n++) expect(pace.sent(5000, n)).toBe('');
    expect(pace.full(100)).toBe(false);
    expect(pace.awaits(100)).toBe(false);
  });

  test('small frames go without a question until they make up a kilobyte', () => {
    const pace = answering();
    expect(Array.from({ length: 11 }, () => pace.sent(100, 1)).filter((text) => text !== '')).toEqual([QUESTION]);
  });

  test('full when more than eight kilobytes are unanswered, free again with the answer', () => {
    const pace = answering();
    pace.sent(5000, 1);
    expect(pace.full(1)).toBe(false);
    pace.sent(5000, 2);
    expect(pace.full(2)).toBe(true);
    pace.answered(new TextEncoder().encode('\x1b[?62;22c'));
    expect(pace.full(2)).toBe(true);
    pace.answered(ANSWER);
    expect(pace.full(3)).toBe(false);
    expect(pace.awaits(3)).toBe(true);
    pace.answered(ANSWER);
    expect(pace.awaits(3)).toBe(false);
  });

  test('a frame of which must be known when it was seen is asked about however small it is', () => {
    const pace = answering();
    expect(pace.sent(10, 1, true)).toBe(QUESTION);
    expect(pace.awaits(1)).toBe(true);
  });

  test('one that has stopped to answer is waited for through a stall of ten seconds, and not for ever', () => {
    const pace = answering();
    pace.sent(9000, 0);
    expect(pace.full(10_000)).toBe(true);
    expect(pace.full(16_000)).toBe(false);
    // And asked again, in case it was only slow.
    expect(pace.sent(2000, 16_001)).toBe(QUESTION);
    pace.answered(ANSWER);
    pace.sent(9000, 16_002);
    expect(pace.full(16_003)).toBe(true);
  });
});
