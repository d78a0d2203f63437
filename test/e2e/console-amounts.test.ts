/**
 * Two megabytes of a node's output at once: all of it in the log, the interface at hand meanwhile, memory as before. The
 * bench sends ten.
 */
import { expect, test } from 'vitest';
import { percentile } from '../bench/measure.ts';
import { muchThroughAConsole } from '../support/amounts.ts';

const MB = 1024 * 1024;

test('2 MB at an unlimited line rate: every byte in the log and in order, keys answered, memory flat', async () => {
  const { printed, logged, same, keys, serverGrewMB, interfaceGrewMB } = await muchThroughAConsole(2 * MB, MB / 4);
  expect([logged, same]).toEqual([printed, true]);
  expect(keys.length).toBeGreaterThan(3);
  // A timing is no test: this one says only that keys did not wait for the flood's end. The figure is the bench's.
  expect(percentile(keys, 0.99)).toBeLessThan(2_000);
  // 2 000 lines of scrollback each and what is under way: some 40 and 20 MB. An object kept of each byte is 100 MB more.
  expect(serverGrewMB).toBeLessThan(60);
  expect(interfaceGrewMB).toBeLessThan(60);
}, 90_000);
