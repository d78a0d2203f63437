/** `rackui log` as an operator runs it, on a log whose clock was set an hour forth and back between its lines. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clockSet, logLine } from '../../src/console/log-lines.ts';
import { startCommand } from '../support/command.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, type Stand } from '../support/stand.ts';
import { rackui } from './support.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let place: Stand;
let log: string;
beforeAll(async () => {
  place = await innerStand({ config: eightNodes() });
  mkdirSync(join(place.folder, 'consoles'), { recursive: true, mode: 0o700 });
  log = join(place.folder, 'consoles', 'n3.log');
});
afterAll(() => place[Symbol.asyncDispose]());

/** Lines of half an hour, one a minute: right, an hour ahead, an hour behind, right again. */
function wrongClock(now: number): string {
  const wrong = (minutesAgo: number): number =>
    minutesAgo > 20 ? 0 : minutesAgo > 12 ? HOUR : minutesAgo > 4 ? -HOUR : 0;
  return Array.from({ length: 30 }, (_, n) => 30 - n)
    .map((ago) => {
      const step = wrong(ago) - wrong(ago + 1);
      const at = now - ago * MINUTE + wrong(ago);
      return (step === 0 ? '' : logLine('*', at, clockSet(step))) + logLine('|', at, `minute ${ago}`);
    })
    .join('');
}

const minutes = (text: string): number[] => [...text.matchAll(/\| minute (\d+)$/gm)].map(([, ago]) => Number(ago));
const down = (from: number): number[] => Array.from({ length: from }, (_, n) => from - n);

test.each([3, 7, 15, 25])('log --since tells the lines of the last %d minutes, each once', async (ago) => {
  writeFileSync(log, wrongClock(Date.now()));
  const ran = await rackui(['--socket', place.socket, 'log', 'n3', '--since', `${ago * 60 + 30}s`]);
  expect([ran.code, minutes(ran.stdout)], ran.stderr).toEqual([0, down(ago)]);
});

test('log --since --follow goes on with what comes after the clock went back, each line once', async () => {
  const now = Date.now();
  writeFileSync(log, wrongClock(now));
  const command = startCommand(['--socket', place.socket, 'log', 'n3', '--since', '150s', '--follow']);
  try {
    await expect.poll(() => minutes(command.stdout), { timeout: 20_000 }).toEqual([2, 1]);
    appendFileSync(log, logLine('*', now - HOUR, clockSet(-HOUR)) + logLine('|', now - HOUR, 'minute 101'));
    await expect.poll(() => minutes(command.stdout), { timeout: 20_000 }).toEqual([2, 1, 101]);
    appendFileSync(log, logLine('*', now, clockSet(HOUR)) + logLine('|', now, 'minute 102'));
    await expect.poll(() => minutes(command.stdout), { timeout: 20_000 }).toEqual([2, 1, 101, 102]);
  } finally {
    command.signal('SIGINT');
    await command.ended;
  }
});

test('log --follow of a log that begins later, under an earlier time than --since: nothing is lost', async () => {
  const command = startCommand(['--socket', place.socket, 'log', 'n4', '--since', '1m', '--follow']);
  try {
    // It has asked at least once when another reader was answered twice.
    for (let n = 0; n < 2; n++) await rackui(['--socket', place.socket, 'log', 'n3']);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    writeFileSync(join(place.folder, 'consoles', 'n4.log'), logLine('|', Date.now() - HOUR, 'minute 7'));
    await expect.poll(() => minutes(command.stdout), { timeout: 20_000 }).toEqual([7]);
  } finally {
    command.signal('SIGINT');
    await command.ended;
  }
});
