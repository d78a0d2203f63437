/** Triggers for boots: one event for each boot, and when it comes. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LineAlarms } from '../../src/server/consoles/line-alarms.ts';

const KERNEL = '[    0.000000] Linux version 6.12';
let events: string[];
let alarms: LineAlarms;

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  alarms = new LineAlarms(() => ['boot-error'], {
    now: () => Date.now(),
    inventory: () => ({ name: 'r', configured: true, nodes: [] }) as never,
    label: () => 'a',
    event: (level, _addr, text) => events.push(`${level} ${text}`),
    set: () => undefined,
  });
});
afterEach(() => void vi.useRealTimers());

const lines = (...texts: string[]): void => texts.forEach((text) => alarms.line(1, text));

test('boots that follow each other within a minute are an event each, with their number of errors', () => {
  for (let boot = 1; boot <= 3; boot++) lines(KERNEL, ...Array<string>(boot).fill('[FAILED] Failed to start x.'));
  lines(KERNEL, 'a login:');
  expect(events).toEqual([
    'warning a: boot-error on its console: [FAILED] Failed to start x.',
    'warning a: boot-error on its console: 2 lines in this boot, the first: [FAILED] Failed to start x.',
    'warning a: boot-error on its console: 3 lines in this boot, the first: [FAILED] Failed to start x.',
  ]);
});

test('a boot that does not end is reported a minute after its first error, and not again at its end', () => {
  lines(KERNEL, 'error: one', 'error: two');
  vi.advanceTimersByTime(59_000);
  expect(events).toEqual([]);
  vi.advanceTimersByTime(1_000);
  const report = 'warning a: boot-error on its console: 2 lines in this boot, the first: error: one';
  expect(events).toEqual([report]);
  lines('error: three', 'a login:');
  vi.advanceTimersByTime(120_000);
  expect(events).toEqual([report]);
});

test('a change of power ends a boot', () => {
  lines(KERNEL, 'error: one');
  alarms.over(1);
  expect(events).toEqual(['warning a: boot-error on its console: error: one']);
});
