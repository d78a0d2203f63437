import { afterEach, expect, test, vi } from 'vitest';
import { collector, EMULATOR_BYTES } from '../../src/lib/memory.ts';

const MB = 1024 * 1024;
const SOON_MS = 250;

/** Of emulators in use. */
const held: ArrayBuffer[] = [];

afterEach(() => {
  vi.useRealTimers();
  held.length = 0;
});

/** True if something that nothing refers to is gone after an emulator was disposed. */
async function isCollected(collectGarbage: () => void): Promise<boolean> {
  const dropped = new WeakRef({ lines: [] });
  // What was referred to in a turn stays until its end.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  vi.advanceTimersByTime(SOON_MS);
  return dropped.deref() === undefined;
}

test('memory is collected after an emulator’s end where two full ones are left behind, then for each full one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const collectGarbage = collector(2 * EMULATOR_BYTES);
  held.push(new ArrayBuffer(64 * MB));
  expect(await isCollected(collectGarbage)).toBe(true);
  // The 64 MB are in use: collecting again would stop the program for nothing.
  expect(await isCollected(collectGarbage)).toBe(false);
  held.push(new ArrayBuffer(MB));
  expect(await isCollected(collectGarbage)).toBe(false);
  held.push(new ArrayBuffer(MB));
  expect(await isCollected(collectGarbage)).toBe(true);
  expect(await isCollected(collectGarbage)).toBe(false);
});
