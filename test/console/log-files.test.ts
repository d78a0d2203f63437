/** Files of a console's log are known by what is written in them: whatever file systems and other programs do to them. */
import {
  appendFile,
  copyFile,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { readLog, type LogQuestion } from '../../src/console/log-reader.ts';
import { carried, logLine } from '../../src/console/log-lines.ts';
import { Transcript } from '../../src/console/transcript.ts';

const DAY_MS = 86_400_000;
let dir: string;
const open: Transcript[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'logs-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((log) => log.close()));
  await rm(dir, { recursive: true, force: true });
});

function transcript(limit: Partial<typeof LOG_LIMITS> = {}, told: string[] = []): Transcript {
  const limits = { ...LOG_LIMITS, free: 0, ...limit };
  const log = new Transcript({ dir, name: 'a', limits, warn: (text) => told.push(text) });
  open.push(log);
  return log;
}
async function say(log: Transcript, ...lines: string[]): Promise<void> {
  for (const line of lines) {
    log.data(Buffer.from(`${line}\n`));
    for (const path of [log.path, log.rawPath])
      await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toContain(line);
  }
}
async function read(
  path: string,
  kind: LogQuestion['kind'],
  from: string | null,
): Promise<{ text: string; cursor: string }> {
  let text = '';
  let cursor = from;
  for (;;) {
    const answer = await readLog({ path, kind, kept: 4, cursor, since: null, search: null });
    text += answer.data.toString('utf8');
    cursor = answer.cursor;
    if (answer.end) return { text, cursor };
  }
}
const names = async (): Promise<string[]> => (await readdir(dir)).filter((name) => !name.includes('.times')).sort();
const numbers = (text: string): number[] => (text.match(/n\d+/g) ?? []).map((word) => Number(word.slice(1)));
const count = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const words = (from: number, to: number): string[] => count(from, to).map((n) => `n${n}`);

test('a file is as old as its own first line, not as what was carried into it or as the file system says', async () => {
  const line = (sign: '|' | '*', daysAgo: number): string => logLine(sign, Date.now() - daysAgo * DAY_MS, 'of then');
  await writeFile(join(dir, 'a.log'), `${carried(line('*', 30).trimEnd())}\n${line('|', 1)}`);
  await writeFile(join(dir, 'a.raw'), 'of then\n');
  const young = transcript();
  await say(young, 'one', 'two', 'three');
  expect(await names()).toEqual(['a.log', 'a.raw']);
  await young.close();
  await writeFile(join(dir, 'a.log'), line('|', 8));
  await say(transcript(), 'four', 'five', 'six');
  expect(await names()).toEqual(['a.log', 'a.log.1', 'a.raw', 'a.raw.1']);
});

test('with keep 0 a file stays below its size, and files of a former, larger keep go', async () => {
  for (const name of ['a.log.1', 'a.raw.3', 'a.log.12']) await writeFile(join(dir, name), 'old\n');
  await writeFile(join(dir, 'a.log.gz'), 'of somebody else');
  const log = transcript({ size: 100, kept: 0 });
  await say(log, ...words(100, 140));
  expect(await names()).toEqual(['a.log', 'a.log.gz', 'a.raw']);
  expect((await stat(log.path)).size).toBeLessThan(2500);
  expect((await stat(log.rawPath)).size).toBeLessThan(300);
});

test.each([
  ['renamed', (path: string) => rename(path, `${path}-20260101`)],
  ['deleted', (path: string) => unlink(path)],
])('a file %s by another program: the log goes on under its name, and so does who follows it', async (_, takeAway) => {
  const log = transcript();
  await say(log, ...words(0, 5));
  const lines = await read(log.path, 'lines', null);
  const raw = await read(log.rawPath, 'raw', null);
  for (const path of [log.path, log.rawPath]) await takeAway(path);
  await say(log, ...words(5, 9));
  expect(numbers((await read(log.path, 'lines', lines.cursor)).text)).toEqual(count(5, 9));
  expect(numbers((await read(log.rawPath, 'raw', raw.cursor)).text)).toEqual(count(5, 9));
  expect(numbers(await readFile(log.path, 'utf8'))).toEqual(count(5, 9));
});

test('a file copied and emptied by another program: what was cut is marked and told, and nothing after it is missing', async () => {
  const told: string[] = [];
  const log = transcript({}, told);
  await say(log, ...words(0, 5));
  const { cursor } = await read(log.path, 'lines', null);
  const { size } = await stat(log.path);
  await copyFile(log.path, `${log.path}-20260101`);
  await truncate(log.path, 0);
  await say(log, ...words(5, 9));
  const { text } = await read(log.path, 'lines', cursor);
  expect(text).toContain(` * this log was cut from ${size} to 0 bytes by another program`);
  expect(numbers(text.replace(/.* \* .*\n/, ''))).toEqual(count(5, 9));
  expect(told).toEqual([expect.stringContaining('by another program')]);
});

test('a reader is not fooled by a young file that has the inode and the size of the one it read', async () => {
  const path = join(dir, 'a.log');
  const of = (from: number, to: number): string =>
    words(from, to)
      .map((word, i) => logLine('|', 1_800_000_000_000 + (from + i) * 1000, word))
      .join('');
  await writeFile(path, of(100, 120));
  const { cursor } = await read(path, 'lines', null);
  await writeFile(`${path}.1`, of(120, 140));
  // In place: the same inode, and longer than the cursor's offset.
  await writeFile(path, of(140, 165));
  expect(numbers((await read(path, 'lines', cursor)).text)).toEqual(count(120, 165));
  await appendFile(path, of(165, 167));
  const { cursor: later } = await read(path, 'lines', cursor);
  await rename(path, `${path}.1`);
  await writeFile(path, of(167, 170));
  expect(numbers((await read(path, 'lines', later)).text)).toEqual(count(167, 170));
});

test('raw files that begin alike are told apart by what stands before the place', async () => {
  const path = join(dir, 'a.raw');
  const banner = `${'Debian GNU/Linux 13 host ttyS0 '.repeat(6)}\n`;
  await writeFile(path, `${banner}n1\nn2\n`);
  const { cursor } = await read(path, 'raw', null);
  await rename(path, `${path}.1`);
  await writeFile(path, `${banner}n3\nn4\nn5\n`);
  expect(numbers((await read(path, 'raw', cursor)).text)).toEqual([3, 4, 5]);
});

test('whole readings while files are put aside have no hole and no repeat', async () => {
  const log = transcript({ size: 4_000, kept: 4 });
  for (let n = 1000; n < 1600; n++) {
    log.data(Buffer.from(`n${n}\n`));
    if (n % 20 !== 0) continue;
    const seen = numbers((await read(log.path, 'lines', null)).text);
    expect(seen).toEqual(count(seen[0] ?? 0, (seen[0] ?? 0) + seen.length));
  }
});
