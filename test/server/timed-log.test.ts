/** When which bytes of a console came: read back across rotations, other programs' moves, and lost bytes. */
import { appendFile, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TimedEvent } from '../../src/api/node.ts';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { Transcript } from '../../src/console/transcript.ts';
import { readTimedLog } from '../../src/server/consoles/timed-log.ts';

const AT = Date.UTC(2026, 6, 14, 12, 0, 0);
let dir: string;
let now: number;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'timed-'));
  now = AT;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const transcript = (limit: Partial<typeof LOG_LIMITS> = {}): Transcript =>
  new Transcript({ dir, name: 'a', now: () => now, limits: { ...LOG_LIMITS, free: 0, ...limit } });

async function events(since: number | null = null): Promise<TimedEvent[]> {
  const found: TimedEvent[] = [];
  for (let cursor: string | null = null; ;) {
    const answer = await readTimedLog({ times: join(dir, 'a.times'), raw: join(dir, 'a.raw'), kept: 4, cursor, since });
    found.push(
      ...answer.data
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as TimedEvent),
    );
    cursor = answer.cursor;
    if (answer.end) return found;
  }
}

/** `1000 one`: milliseconds and text. */
const spelled = (all: readonly TimedEvent[]): string[] =>
  all.map((event) => {
    const text =
      event.is === 'mark'
        ? `* ${event.text}`
        : event.is === 'reset'
          ? '!'
          : Buffer.from(event.bytes, 'base64').toString();
    return `${event.at - AT} ${event.is === 'before' ? '< ' : ''}${text}`;
  });

/** Says each text a second after the former one, each in a server of its own: all of it is on the disk. */
async function say(texts: readonly string[], limit: Partial<typeof LOG_LIMITS> = {}): Promise<void> {
  for (const text of texts) {
    const log = transcript(limit);
    log.data(Buffer.from(text));
    await log.close();
    now += 1000;
  }
}

test('bytes have the time at which they came, marks and resets stand between them, and a size holds from then on', async () => {
  const log = transcript();
  log.mark('console opened', AT);
  log.data(Buffer.from('one '));
  log.data(Buffer.from('together'));
  log.markGap('gap of 0.1 s', AT + 3);
  now += 500;
  log.resize(120, 40);
  log.data(Buffer.from('two'));
  log.resetModes();
  await log.close();
  const all = await events();
  expect(spelled(all)).toEqual(['0 * console opened', '0 one together', '3 * gap of 0.1 s', '500 two', '500 !']);
  expect(all.flatMap((event) => (event.is === 'output' ? [`${event.cols}x${event.rows}`] : []))).toEqual([
    '80x24',
    '120x40',
  ]);
});

test('what comes within a moment has one time, and one line', async () => {
  const log = transcript();
  for (let n = 0; n < 50; n++) log.data(Buffer.from('x'));
  await expect.poll(() => events(), { timeout: 10_000 }).toHaveLength(1);
  now += 1000;
  log.data(Buffer.from('later'));
  await log.close();
  expect(spelled(await events())).toEqual([`0 ${'x'.repeat(50)}`, '1000 later']);
});

test('a reader from a time on gets what was printed before it too, for the screen', async () => {
  await say(['one\r\n', 'two\r\n', 'three\r\n']);
  expect(spelled(await events(AT + 1000))).toEqual(['1000 < one\r\n', '1000 two\r\n', '2000 three\r\n']);
  expect(await events(AT + 60_000)).toEqual([]);
});

test('bytes are found in rotated files, and in those that other programs moved; what is gone is said', async () => {
  const texts = Array.from({ length: 9 }, (_, n) => `${n}: ${'some output '.repeat(3)}\r\n`);
  await say(texts.slice(0, 6), { size: 90 });
  expect(await readdir(dir)).toContain('a.raw.1');
  expect(spelled(await events())).toEqual(texts.slice(0, 6).map((text, n) => `${n * 1000} ${text}`));
  await rename(join(dir, 'a.raw'), join(dir, 'a.raw-20260714'));
  await say(texts.slice(6), { size: 10_000 });
  const later = spelled(await events());
  expect(later.slice(-3)).toEqual(texts.slice(6).map((text, n) => `${(n + 6) * 1000} ${text}`));
  expect(later.filter((line) => /\d+ bytes that came here are no longer in the log/.test(line)).length).toBeGreaterThan(
    0,
  );
  expect(later.filter((line) => !line.includes('no longer'))).toEqual(
    texts.map((text, n) => `${n * 1000} ${text}`).filter((line) => later.includes(line)),
  );
});

test('bytes that another program appended are nobody’s output', async () => {
  await say(['mine\r\n']);
  await appendFile(join(dir, 'a.raw'), 'not mine\r\n');
  await say(['mine too\r\n']);
  expect(spelled(await events())).toEqual(['0 mine\r\n', '1000 mine too\r\n']);
});
