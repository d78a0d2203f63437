import { expect, test } from 'vitest';
import { nextServerTime, serverNow } from '../../src/client/client.ts';

const SERVER = 1_790_000_000_000;

test('the server’s time goes on by our own clock while nothing is heard', () => {
  const time = nextServerTime(null, SERVER, 500);
  expect(serverNow(time, 500 + 47_000)).toBe(SERVER + 47_000);
});

test.each([900, 60_000, 7_200_000])(
  'a note that waited %d ms because this program stood still makes nothing younger',
  (held) => {
    let time = nextServerTime(null, SERVER, 0);
    // Sent just before the program was stopped, read just after it went on.
    time = nextServerTime(time, SERVER + 100, held + 100);
    const error = SERVER + held + 100 - serverNow(time, held + 100);
    expect(error).toBeGreaterThanOrEqual(0);
    expect(error).toBeLessThanOrEqual(held / 900);
  },
);

test('a welcome that came late is put right by the next note', () => {
  let time = nextServerTime(null, SERVER, 9_000);
  time = nextServerTime(time, SERVER + 9_100, 9_100);
  expect(serverNow(time, 9_100)).toBe(SERVER + 9_100);
});

test('two machines whose clocks run apart by 200 parts in a million agree within a second for weeks', () => {
  let time = nextServerTime(null, SERVER, 0);
  let worst = 0;
  for (let local = 0; local < 14 * 86_400_000; local += 10_000) {
    const server = SERVER + Math.round(local * 0.9998);
    time = nextServerTime(time, server, local);
    worst = Math.max(worst, Math.abs(serverNow(time, local) - server));
  }
  expect(worst).toBeLessThan(1_000);
});
