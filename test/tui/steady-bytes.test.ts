/** Bytes to the terminal while nothing happens but a sweep a second, and while nothing happens at all. */
import { expect, test } from 'vitest';
import type { Heat, View } from '../../src/tui/model/state.ts';
import { HEATS } from '../../src/tui/model/state.ts';
import { SteadyScreen } from '../support/steady-screen.ts';

const SECONDS = 60;
const WIDE = { cols: 160, rows: 50, nodes: 24 };

async function rateOf(theme: string, view: Partial<View> = {}): Promise<number> {
  using screen = new SteadyScreen({ ...WIDE, theme, view });
  screen.run(3);
  const before = await screen.bytes();
  screen.run(SECONDS);
  return ((await screen.bytes()) - before) / SECONDS / 1024;
}

test('at 160x50 and 1 Hz strips of 60 s send at most 3 KB a second', async () => {
  expect(await rateOf('dark')).toBeLessThan(3);
});

test('at 160x50 and 1 Hz the beats of the theme pulse send at most 5 KB a second', async () => {
  expect(await rateOf('pulse')).toBeLessThan(5);
});

test.each(HEATS)('at 160x50 and 1 Hz cells coloured by %s send at most 5 KB a second', async (heat: Heat) => {
  expect(await rateOf('dark', { heat })).toBeLessThan(5);
});

test.each(['dark', 'pulse'])(
  'in the theme %s a rack without new samples sends nothing once its beats have ended',
  async (theme) => {
    using screen = new SteadyScreen({ ...WIDE, theme });
    screen.scene.state = { ...screen.scene.state, intervalMs: 600_000 };
    screen.run(3);
    screen.wait(1000);
    const before = await screen.bytes();
    for (let i = 0; i < 20; i++) screen.wait(100);
    expect(await screen.bytes()).toBe(before);
  },
);
