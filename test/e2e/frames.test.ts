/** How often the interface draws: once for a sweep while nothing else happens. */
import { expect, test } from 'vitest';
import { sweptStand } from '../support/stand.ts';

const FRAME = '\x1b[?2026h';
const SWEEPS = 5;

test('an interface at rest draws one frame for the samples of a sweep', async () => {
  await using rack = await sweptStand();
  const client = await rack.client();
  await using terminal = rack.open({ cols: 160, rows: 50 });
  await terminal.waitFor(/\b24 on\b/);
  const updates: number[] = [];
  const frames = (): number => terminal.output.split(FRAME).length - 1;
  const drawn: number[] = [];
  const sweeps = new Promise<void>((resolve) => {
    client.on('update', ({ nodes = [] }) => {
      if (nodes.length === 0) return;
      updates.push(nodes.length);
      drawn.push(frames());
      if (nodes.length === 24 && updates.filter((count) => count === 24).length === SWEEPS + 2) resolve();
    });
  });
  const began = performance.now();
  await sweeps;
  const seconds = (performance.now() - began) / 1000;
  // The first and the last sweep are not whole: the interface may still be filling, or not have drawn.
  const whole = (drawn.at(-1) ?? 0) - (drawn.at(1) ?? 0);
  expect(updates.length, `updates of ${updates.join(', ')} nodes in ${seconds} s`).toBeLessThanOrEqual(
    Math.max(SWEEPS, seconds) + 4,
  );
  // A sweep that a busy machine delays leaves its frame to the clock.
  expect(whole, 'frames').toBeLessThanOrEqual(Math.max(SWEEPS, seconds) + 2);
  expect(whole, 'frames').toBeGreaterThanOrEqual(SWEEPS - 1);
});
