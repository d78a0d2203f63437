import { afterEach, expect, test } from 'vitest';
import { utcOffsetMin } from '../../src/tui/rack-session.ts';
import { Scene } from '../screens/scene.ts';

const zone = process.env['TZ'];
afterEach(() => {
  process.env['TZ'] = zone;
});

test('an interface that stays open over the night in which clocks are changed shows the new time', () => {
  process.env['TZ'] = 'Europe/Berlin';
  const [before, after] = [Date.UTC(2026, 9, 25, 0, 59), Date.UTC(2026, 9, 25, 1, 1)];
  expect([utcOffsetMin(before), utcOffsetMin(after)]).toEqual([120, 60]);
  const scene = new Scene({ cols: 80, rows: 24 });
  for (const [local, shows] of [
    [before, '02:59'],
    [after, '02:01'],
  ] as const) {
    scene.dispatch({ type: 'tick', local, dateAhead: utcOffsetMin(local) * 60_000 });
    expect(scene.seen().lines()[0]).toContain(shows);
  }
});
