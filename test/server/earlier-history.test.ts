/** Samples from before the server's start, out of its state directory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepTime, steadyNow } from '../../src/lib/clock.ts';
import { readEarlierHistory } from '../../src/server/polling/earlier-history.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rackui-history-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function read(content: unknown): { samples: [addr: number, at: number, current: number][]; warnings: string[] } {
  if (content !== null) writeFileSync(join(dir, 'history.json'), JSON.stringify(content));
  const samples: [number, number, number][] = [];
  const warnings: string[] = [];
  readEarlierHistory(
    dir,
    (text) => warnings.push(text),
    (addr, at, { current }) => samples.push([addr, at, current]),
  );
  return { samples, warnings };
}

const nodes = {
  '0a': [
    [30, 100],
    [31, 101],
  ],
};

test('the samples end when the file says, oldest first', () => {
  const until = steadyNow() - 2000;
  const { samples } = read({ until: keepTime(until), stepMs: 1000, nodes });
  expect(samples.map(([addr, , current]) => [addr, current])).toEqual([
    [10, 30],
    [10, 31],
  ]);
  for (const [i, [, at]] of samples.entries()) expect(Math.abs(at - (until - 1000 * (1 - i)))).toBeLessThanOrEqual(1);
});

test('samples of another boot are left out, because their age is not known', () => {
  expect(read({ until: { ...keepTime(steadyNow()), boot: 'another' }, stepMs: 1000, nodes }).samples).toEqual([]);
});

test('a file that is none is named and read as empty; without one nothing is said', () => {
  expect(read({ until: 1 })).toMatchObject({ samples: [], warnings: [expect.stringContaining('history.json')] });
  rmSync(join(dir, 'history.json'));
  expect(read(null)).toEqual({ samples: [], warnings: [] });
});
