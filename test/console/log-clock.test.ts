/** A log whose clock is set between its lines: `since` chooses by when lines came, and nothing is lost or told twice. */
import { appendFile, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { readLog, type LogQuestion } from '../../src/console/log-reader.ts';
import { clockSet, clockStep, logLine } from '../../src/console/log-lines.ts';
import { Transcript } from '../../src/console/transcript.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BEGAN = Date.UTC(2026, 2, 1, 3, 0, 0);

let dir: string;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  dir = await mkdtemp(join(tmpdir(), 'log-clock-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true, force: true });
});

/** A console's log and its clocks: `passed` of real time, `wrong` by how much the wall clock is off. */
class Scene {
  passed = 0;
  wrong = 0;
  cursor: string | null = null;
  readonly log: Transcript;
  readonly #kept: number;

  constructor({ kept = 4, size = LOG_LIMITS.size } = {}) {
    this.#kept = kept;
    this.log = new Transcript({
      dir,
      name: 'a',
      limits: { ...LOG_LIMITS, free: 0, age: 1000 * HOUR, kept, size },
      now: () => this.wall,
      steady: () => 7_000 + this.passed,
    });
  }

  get wall(): number {
    return BEGAN + this.passed + this.wrong;
  }

  /** Minute by minute a line `m5`, its minute since the beginning. */
  async lines(minutes: number): Promise<void> {
    for (let n = 0; n < minutes; n++) {
      this.log.data(Buffer.from(`m${this.passed / MINUTE}\r\n`));
      await this.log.flush();
      this.passed += MINUTE;
    }
  }

  /** The minutes of the lines that are read from where the reader stands. */
  async read(since: number | null = null): Promise<number[]> {
    let text = '';
    for (;;) {
      const question: LogQuestion = {
        ...{ path: this.log.path, kind: 'lines', kept: this.#kept },
        ...{ cursor: this.cursor, since, search: null },
      };
      const answer = await readLog(question);
      text += answer.data.toString('utf8');
      this.cursor = answer.cursor === '' ? null : answer.cursor;
      if (answer.end) return [...text.matchAll(/\| m(\d+)$/gm)].map(([, minute]) => Number(minute));
    }
  }
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test.each([HOUR, -HOUR, 2_500, -86_400_000, 56 * 365 * 86_400_000])(
  'a mark says that the clock was set by %d ms',
  (ms) => {
    expect(clockStep(logLine('*', BEGAN, clockSet(ms)).trimEnd())).toBe(ms);
    // What the node prints is no mark, and neither is a note.
    expect(clockStep(logLine('|', BEGAN, clockSet(ms)).trimEnd())).toBe(0);
    expect(clockStep(logLine('*', BEGAN, `note by ada: ${clockSet(ms)}`).trimEnd())).toBe(0);
  },
);

describe.each<[steps: string, wrong: number[]]>([
  ['forth', [0, HOUR]],
  ['back', [0, -HOUR]],
  ['forth and back', [0, HOUR, 0]],
  ['back and forth', [0, -HOUR, 0]],
  ['forth twice, then back by both', [0, HOUR, 2 * HOUR, 0]],
  ['from the epoch, as a machine without a clock starts', [-BEGAN, 0]],
])('an hour %s', (_steps, wrong) => {
  test.each([1, 4, 5, 6, 9, 11])('since %d minutes ago: exactly the lines of those', async (minutes) => {
    const scene = new Scene();
    for (const one of wrong) {
      scene.wrong = one;
      await scene.lines(5);
    }
    const all = 5 * wrong.length;
    expect(await scene.read(scene.wall - minutes * MINUTE)).toEqual(span(Math.max(0, all - minutes), all));
    await scene.log.close();
  });

  test('followed: each line once, in order', async () => {
    const scene = new Scene();
    const seen: number[] = [];
    for (const one of wrong) {
      scene.wrong = one;
      for (let n = 0; n < 3; n++) {
        await scene.lines(1);
        seen.push(...(await scene.read()));
      }
    }
    expect(seen).toEqual(span(0, 3 * wrong.length));
    await scene.log.close();
  });

  test.each([0, 1, 3])(
    'followed while files are put aside and %d are kept: each line at most once, none younger lost',
    async (kept) => {
      const scene = new Scene({ kept, size: 120 });
      const seen: number[] = [];
      for (const one of wrong) {
        scene.wrong = one;
        for (let n = 0; n < 6; n++) {
          await scene.lines(1);
          seen.push(...(await scene.read()));
        }
      }
      expect(seen).toEqual(span(0, 6 * wrong.length));
      await scene.log.close();
    },
  );
});

test('the clock is set while nothing is said, and in the middle of a line', async () => {
  const scene = new Scene();
  await scene.lines(2);
  scene.passed += 10 * MINUTE;
  scene.wrong = -HOUR;
  await scene.lines(1);
  scene.log.data(Buffer.from('login: '));
  scene.wrong = 0;
  scene.log.data(Buffer.from('pi\r\n'));
  await scene.log.close();
  const text = await readFile(scene.log.path, 'utf8');
  expect(text.match(/the clock was set \w+ by [\d.]+ s/g)).toEqual([
    'the clock was set back by 3600.0 s',
    'the clock was set forward by 3600.0 s',
  ]);
  expect(text).toMatch(/\| login: ?\n.*\* the clock was set forward.*\n.*\| pi\n/);
  expect(await scene.read(scene.wall - 5 * MINUTE)).toEqual([12]);
});

test('a clock that is regulated leaves no mark', async () => {
  const scene = new Scene();
  for (let n = 0; n < 6; n++) {
    scene.wrong += 900;
    await scene.lines(1);
  }
  await scene.log.close();
  expect(await readFile(scene.log.path, 'utf8')).not.toContain('the clock was set');
});

test('lines with a later time in front of younger ones, and no mark between, are not believed', async () => {
  const now = BEGAN + 10 * HOUR;
  const path = join(dir, 'b.log');
  const at = (minutesAgo: number, word: string): string => logLine('|', now - minutesAgo * MINUTE, word);
  await writeFile(path, at(-300, 'm1') + at(30, 'm2') + at(5, 'm3') + at(2, 'm4'));
  const question: LogQuestion = { path, kind: 'lines', kept: 4, cursor: null, since: now - 10 * MINUTE, search: null };
  expect((await readLog(question)).data.toString()).toBe(at(5, 'm3') + at(2, 'm4'));
});

test('a mark that tells of a moment before hides no line', async () => {
  const now = BEGAN + HOUR;
  const path = join(dir, 'b.log');
  const lines = [logLine('|', now - 1_000, 'm1'), logLine('*', now - 1_900, 'power is on'), logLine('|', now, 'm2')];
  await writeFile(path, lines.join(''));
  const question: LogQuestion = { path, kind: 'lines', kept: 4, cursor: null, since: now - 1_500, search: null };
  expect((await readLog(question)).data.toString()).toBe(lines.join(''));
});

test('followed while another program empties or deletes the file after the clock went back: what comes is read once', async () => {
  for (const lose of [(path: string) => writeFile(path, ''), unlink]) {
    const path = join(dir, 'c.log');
    const at = BEGAN + 5 * HOUR;
    await writeFile(`${path}.1`, logLine('|', at, 'm1'));
    await writeFile(path, logLine('|', at + 1_000, 'm2'));
    const ask = async (cursor: string | null): Promise<{ words: string; cursor: string }> => {
      const answer = await readLog({ path, kind: 'lines', kept: 4, cursor, since: null, search: null });
      return { words: answer.data.toString().match(/m\d/g)?.join(' ') ?? '', cursor: answer.cursor };
    };
    let { words, cursor } = await ask(null);
    while (!words.includes('m2')) {
      const next = await ask(cursor);
      words += ` ${next.words}`;
      cursor = next.cursor;
    }
    expect(words).toBe('m1 m2');
    await lose(path);
    await appendFile(path, logLine('*', at - HOUR, clockSet(-HOUR)) + logLine('|', at - HOUR, 'm3'));
    expect((await ask(cursor)).words).toBe('m3');
  }
});
