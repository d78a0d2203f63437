import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { readLog, type LogQuestion } from '../../src/console/log-reader.ts';
import { Transcript, type TranscriptOptions } from '../../src/console/transcript.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const AT = Date.UTC(2026, 6, 14, 12, 0, 0);
const T = '2026-07-14T12:00:00.000Z';
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'transcript-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A log of so small files that anything makes them turn over. */
function transcript(options: Partial<TranscriptOptions> & { limit?: Partial<typeof LOG_LIMITS> } = {}): Transcript {
  const { limit, ...rest } = options;
  return new Transcript({ dir, name: 'a', now: () => AT, limits: { ...LOG_LIMITS, free: 0, ...limit }, ...rest });
}

async function all(question: Partial<LogQuestion> & { path: string }): Promise<string> {
  const asked = { kind: 'lines', kept: 4, cursor: null, since: null, search: null, ...question } as const;
  let text = '';
  let cursor: string | null = asked.cursor;
  for (;;) {
    const answer = await readLog({ ...asked, cursor });
    text += answer.data.toString('latin1');
    cursor = answer.cursor;
    if (answer.end) return text;
  }
}

test('the raw log keeps every byte and nothing else; the readable one has lines, times and marks', async () => {
  const log = transcript();
  const pieces = [
    encode('pi@node-03:~$ '),
    Uint8Array.of(0, 0xff, 0x1b, 0x0a),
    encode('\x1b[31mred\x1b[0m\r'),
    encode('\n'),
  ];
  log.mark('console opened', AT);
  log.data(pieces[0] as Uint8Array);
  log.markGap('gap of 0.012 s: a sample', AT);
  for (const piece of pieces.slice(1)) log.data(piece);
  await log.close();
  expect(await readFile(log.rawPath)).toEqual(Buffer.concat(pieces));
  expect(await readFile(log.path, 'utf8')).toBe(
    `${T} * console opened\n${T} | pi@node-03:~$ \n${T} * gap of 0.012 s: a sample\n${T} | \ufffd\n${T} | red\n`,
  );
});

test('a flush writes what has come, at once; what comes behind one that had nothing to write is written too', async () => {
  const log = transcript();
  log.data(encode('one\r\ntwo'));
  await log.flush();
  expect(await readFile(log.path, 'utf8')).toBe(`${T} | one\n`);
  expect(await readFile(log.rawPath, 'utf8')).toBe('one\r\ntwo');
  await log.flush();
  log.data(encode('\r\n'));
  await expect.poll(() => readFile(log.path, 'utf8')).toBe(`${T} | one\n${T} | two\n`);
  await expect.poll(() => readFile(log.rawPath, 'utf8')).toBe('one\r\ntwo\r\n');
  await log.close();
});

test('a line has the time of its first character, and what was erased while it was typed is not in it', async () => {
  let now = AT;
  const log = transcript({ now: () => now });
  log.data(encode('unax'));
  now += 5_000;
  log.data(encode('\b \bme\r\nnext\rover\r\n'));
  await log.close();
  expect(await readFile(log.path, 'utf8')).toBe(
    `${T} | uname\n2026-07-14T12:00:05.000Z | next\n2026-07-14T12:00:05.000Z | over\n`,
  );
});

describe('a mark in the middle of a line', () => {
  test('waits for its end, so that triggers see the line whole; one for lost output does not', async () => {
    const seen: string[] = [];
    const log = transcript({ onLine: (text) => seen.push(text) });
    log.data(encode('one\r\nKernel pan'));
    log.mark('bob joined', AT);
    log.mark('bob types', AT);
    log.data(encode('ic - not syncing\r\nhalf'));
    log.markGap('gap of 0.3 s', AT);
    log.data(encode(' a line\r\n'));
    await log.close();
    expect(seen).toEqual(['one', 'Kernel panic - not syncing', ' a line']);
    expect(await readFile(log.path, 'utf8')).toBe(
      ['| one', '| Kernel panic - not syncing', '* bob joined', '* bob types', '| half', '* gap of 0.3 s', '|  a line']
        .map((line) => `${T} ${line}\n`)
        .join(''),
    );
  });

  test('is written without it where the line is a prompt, and where the node falls silent', async () => {
    let now = AT;
    const log = transcript({ now: () => now });
    log.data(encode('login: '));
    now += 1_000;
    log.mark('bob joined', now);
    log.data(encode('Password: '));
    log.mark('bob types', now);
    await expect.poll(() => readFile(log.path, 'utf8'), { timeout: 30_000 }).toMatch(/bob types/);
    expect(await readFile(log.path, 'utf8')).toMatch(
      /\| login: \n.* \* bob joined\n.*\| Password: \n.* \* bob types\n$/,
    );
    await log.close();
  });
});

test('a node cannot imitate a mark, and neither a mark nor a node brings control characters', async () => {
  const log = transcript();
  log.data(encode(`${T} * console closed: nobody\r\n\x1b]52;c;aGk=\x07\u202eevil\x9b2J\r\n`));
  log.mark('note: \x1b[2Jgone\nrow', AT);
  await log.close();
  const text = await readFile(log.path, 'utf8');
  expect(text).toBe(`${T} | ${T} * console closed: nobody\n${T} | ?evil2J\n${T} * note: ?[2Jgone?row\n`);
});

test('a line without end is put down in pieces', async () => {
  const log = transcript();
  for (let n = 0; n < 10; n++) log.data(new Uint8Array(1000).fill(0x78));
  await log.close();
  const lines = (await readFile(log.path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => line.length - `${T} | `.length)).toEqual([4096, 4096, 10_000 - 2 * 4096]);
});

test('only the owner can read it; a later run appends', async () => {
  for (const text of ['first\n', 'second\n']) {
    const log = transcript({ dir: join(dir, 'consoles') });
    log.data(encode(text));
    await log.close();
    for (const path of [log.path, log.rawPath]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'consoles'))).mode & 0o777).toBe(0o700);
  }
  expect(await readFile(join(dir, 'consoles', 'a.raw'), 'utf8')).toBe('first\nsecond\n');
});

test('rotates by size, keeps a bounded number of files, and carries the tail', async () => {
  for (let n = 0; n < 8; n++) {
    const log = transcript({ limit: { size: 10 } });
    log.data(encode(`0123456789-${n}\n`));
    await log.close();
  }
  const names = (await readdir(dir)).sort();
  expect(names).toEqual(
    ['log', 'raw', 'times'].flatMap((kind) => ['', '.1', '.2', '.3', '.4'].map((n) => `a.${kind}${n}`)),
  );
  for (const [age, suffix] of ['', '.1', '.2', '.3', '.4'].entries())
    expect(await readFile(join(dir, `a.raw${suffix}`), 'latin1')).toBe(`0123456789-${7 - age}\n`);
  expect(await readFile(join(dir, 'a.log'), 'utf8')).toMatch(
    new RegExp(`${T} : \\| 0123456789-6\\n${T} \\| 0123456789-7\\n$`),
  );
  // Whoever reads all of it gets each line once, carried over or not.
  expect(await all({ path: join(dir, 'a.log') })).toBe([3, 4, 5, 6, 7].map((n) => `${T} | 0123456789-${n}\n`).join(''));
});

test('rotates by age', async () => {
  for (const later of [0, 8]) {
    const log = transcript({ now: () => Date.now() + later * 86_400_000 });
    log.data(encode(`day ${later}\n`));
    await log.close();
  }
  expect((await readdir(dir)).sort()).toEqual(['a.log', 'a.log.1', 'a.raw', 'a.raw.1', 'a.times', 'a.times.1']);
});

test('all logs together have a bound: the oldest file that was put aside goes', async () => {
  for (const name of ['a', 'b', 'c', 'd']) {
    const log = transcript({ name, limit: { size: 10, total: 250 } });
    for (let n = 0; n < 4; n++) {
      log.data(encode(`${name}0123456789-${n}\n`));
      // Each on its own: what waits together is written together.
      await expect.poll(() => readFile(log.rawPath, 'utf8').catch(() => '')).toContain(`${name}0123456789-${n}`);
    }
    await log.close();
  }
  const names = (await readdir(dir)).filter((name) => /\.\d+$/.test(name));
  expect(names.length).toBeLessThan(8);
  for (const name of ['a', 'b', 'c', 'd']) expect(await readFile(join(dir, `${name}.raw`), 'utf8')).toContain('-3');
});

test('a disk that is nearly full is left alone, told once, and the loss is in the log when there is room again', async () => {
  const told: string[] = [];
  const limits = { ...LOG_LIMITS, free: Number.MAX_SAFE_INTEGER };
  const log = new Transcript({ dir, name: 'a', now: () => AT, limits, warn: (text) => told.push(text) });
  log.data(encode('lost\n'));
  await expect.poll(() => told.length).toBe(2);
  log.data(encode('lost too\n'));
  limits.free = 0;
  await expect
    .poll(async () => {
      log.data(encode('kept\n'));
      return readFile(log.path, 'utf8');
    })
    .toContain('kept');
  await log.close();
  expect(told.map((text) => /only \d+ MB are left/.test(text))).toEqual([true, true]);
  expect(await readFile(log.path, 'utf8')).toMatch(/^\S+ \* \d+ bytes of this log were lost here\n/);
});

test('a name cannot leave the directory', async () => {
  const log = transcript({ name: '../../etc/passwd' });
  log.mark('here', AT);
  await log.close();
  expect(await readdir(dir)).toEqual(['__.._etc_passwd.log', '__.._etc_passwd.times']);
});

test('a planted link is not followed; the trouble is told once and later writes do not throw', async () => {
  await writeFile(join(dir, 'victim'), 'untouched');
  await symlink(join(dir, 'victim'), join(dir, 'a.raw'));
  const told: string[] = [];
  const log = transcript({ warn: (text) => told.push(text) });
  log.data(encode('one'));
  await expect.poll(() => told.length).toBe(1);
  log.data(encode('two'));
  await rm(join(dir, 'a.raw'));
  log.data(encode('three'));
  await log.close();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('a.raw');
  expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('untouched');
});

test('reading: from a time, what holds a text, and on from where it ended, across a rotation', async () => {
  let now = AT;
  const log = transcript({ now: () => now, limit: { size: 200 } });
  const say = async (text: string): Promise<void> => {
    log.data(encode(`${text}\n`));
    now += 1000;
    await expect.poll(() => all({ path: log.path })).toContain(text);
  };
  for (const text of ['one', 'Two', 'three']) await say(text);
  const { cursor } = await readLog({ path: log.path, kind: 'lines', kept: 4, cursor: null, since: null, search: null });
  expect(await all({ path: log.path, since: AT + 1000 })).toMatch(/^\S+ \| Two\n\S+ \| three\n$/);
  expect(await all({ path: log.path, search: 'TWO' })).toMatch(/^\S+ \| Two\n$/);
  for (let n = 0; n < 12; n++) await say(`more ${n}`);
  await log.flush();
  expect((await readdir(dir)).length).toBeGreaterThan(2);
  const rest = (await all({ path: log.path, cursor })).match(/more \d+/g);
  expect(rest).toEqual(Array.from({ length: 12 }, (_, n) => `more ${n}`));
  expect(await all({ path: log.rawPath, kind: 'raw' })).toBe(await readFile(log.rawPath, 'latin1'));
  expect(await all({ path: join(dir, 'nobody.log') })).toBe('');
  await log.close();
});
