/** How often the interface draws: once for a sweep while nothing else happens. */
import { expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';

const FRAME = '\x1b[?2026h';
const SWEEPS = 5;

test('an interface at rest draws one frame for the samples of a sweep', async () => {
  await using rack = await innerStand({});
  const client = await rack.client();
  await using terminal = rack.open({ cols: 160, rows: 50 });
  await terminal.waitFor(/\b24 on\b/);
  const frames = (): number => terminal.output.split(FRAME).length - 1;
  const before = { frames: 0, at: 0 };
  let [sweeps, updates] = [0, 0];
  await new Promise<void>((resolve) => {
    client.on('update', ({ nodes = [], bus }) => {
      if (nodes.length > 0 && sweeps > 0) updates++;
      // The end of a sweep changes the status of the bus; the first one may still fill the screen.
      if (bus !== undefined && sweeps++ === 0) Object.assign(before, { frames: frames(), at: performance.now() });
      if (sweeps > SWEEPS) resolve();
    });
  });
  const seconds = (performance.now() - before.at) / 1000;
  const drawn = frames() - before.frames;
  // On a busy machine a sweep may take longer than its samples wait, and the clock draws too.
  expect(updates, `updates in ${seconds} s`).toBeLessThanOrEqual(2 * SWEEPS + 2);
  expect(drawn, `frames in ${seconds} s`).toBeLessThanOrEqual(Math.max(2 * SWEEPS, seconds) + 3);
  expect(drawn).toBeGreaterThanOrEqual(SWEEPS - 2);
});
