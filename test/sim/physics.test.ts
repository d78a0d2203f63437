/** Current and fan, in counts, as they have to move. */
import { expect, test } from 'vitest';
import { Physics, type Activity } from '../../src/sim/rack/physics.ts';

const idle: Activity = { kind: 'running', load: 0.05 };

function settled(activity: Activity): Physics {
  const physics = new Physics(7, 0);
  physics.become(activity, 0);
  physics.settle();
  return physics;
}

test('off is nothing at all', () => {
  expect(settled({ kind: 'off' }).read(1_000)).toEqual({ current: 0, fan: 0 });
});

test('halted draws less than idle, and more than nothing', () => {
  const halted = settled({ kind: 'halted' }).read(1_000).current;
  expect(halted).toBeGreaterThan(8);
  expect(halted).toBeLessThan(settled(idle).read(1_000).current);
});

test('load shows in the current at once, in the fan later', () => {
  const physics = settled(idle);
  const before = physics.read(10_000);
  physics.become({ kind: 'running', load: 1 }, 10_000);
  const soon = physics.read(11_000);
  expect(soon.current).toBeGreaterThan(before.current + 20);
  expect(soon.fan).toBeLessThan(before.fan + 5);
  expect(physics.read(200_000).fan).toBeGreaterThan(before.fan + 15);
});

test('a start peaks far above idle', () => {
  const physics = settled({ kind: 'off' });
  physics.become({ kind: 'booting', since: 0 }, 0);
  const peak = Math.max(...Array.from({ length: 20 }, (_, step) => physics.read(step * 200).current));
  expect(peak).toBeGreaterThan(settled(idle).read(0).current + 12);
});

test('values jitter, and do not depend on how often somebody looks', () => {
  const often = settled(idle);
  const values = Array.from({ length: 100 }, (_, step) => often.read(step * 700));
  expect(new Set(values.map(({ current }) => current)).size).toBeGreaterThan(2);
  expect(settled(idle).read(99 * 700)).toEqual(values.at(-1));
});
