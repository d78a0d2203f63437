/** One console for many last lines: who is asked when, and who has the console when a line is due. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDue, HaltWindows, ConsoleArbiter } from '../../src/power/console-arbiter.ts';

const SETTLE = 5_000;

test('of equals, each is asked a settling time and a change of consoles after the one before', () => {
  const lines = new HaltWindows();
  expect([0, 0, 0, 0].map((now) => lines.reserve(now, 30_000, SETTLE))).toEqual([0, 7_000, 14_000, 21_000]);
  // A quick one fits in before them.
  expect(lines.reserve(0, 10_000, SETTLE)).toBe(0);
  // What is over is over.
  expect(lines.reserve(100_000, 1_000, SETTLE)).toBe(0);
});

test('whatever is asked: no two last lines meet, and nobody waits longer than all before need', () => {
  const asked = fc.array(fc.record({ after: fc.nat(20_000), own: fc.integer({ min: 1, max: 120_000 }) }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(asked, (all) => {
      const lines = new HaltWindows();
      const ends: number[] = [];
      let now = 0;
      for (const { after, own } of all) {
        now += after;
        const waits = lines.reserve(now, own, SETTLE);
        expect(waits).toBeGreaterThanOrEqual(0);
        expect(waits).toBeLessThanOrEqual(2 * (SETTLE + 2_000) * ends.length);
        const at = now + waits + own;
        for (const other of ends) expect(Math.abs(at - other)).toBeGreaterThanOrEqual(SETTLE + 2_000);
        ends.push(at);
      }
    }),
  );
});

test('due: a little before, a little after; what nobody knows is never due', () => {
  expect([8_999, 9_000, 11_999, 12_000].map((now) => isDue(10_000, now))).toEqual([false, true, true, false]);
  expect(isDue(null, 0)).toBe(false);
});

test('the console goes to whose line is due, then to who asks, then to who judges, then to who watches', async () => {
  let now = 0;
  const turns = new ConsoleArbiter(() => now);
  const { signal } = new AbortController();
  const order: string[] = [];
  const first = await turns.acquire('watch', signal, 60_000);
  const rest = (['watch', 'test', 'ask', 'due'] as const).map((name) =>
    turns.acquire(name === 'due' ? 'watch' : name, signal, name === 'due' ? 10_000 : null).then((handOn) => {
      order.push(name);
      handOn?.();
    }),
  );
  expect([turns.wanted, turns.urgent]).toEqual([true, false]);
  now = 9_000;
  expect(turns.urgent).toBe(true);
  first?.();
  await Promise.all(rest);
  expect(order).toEqual(['due', 'ask', 'test', 'watch']);
});
