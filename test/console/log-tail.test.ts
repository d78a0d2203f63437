/** The end of a console's log, as the detail pane shows it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tailLog } from '../../src/console/log-reader.ts';
import { carried, logLine } from '../../src/console/log-lines.ts';

const T0 = Date.UTC(2026, 2, 14, 9, 26, 53);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-tail-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const logged = (...lines: string[]): string => {
  const path = join(folder, 'node.log');
  writeFileSync(path, lines.join(''));
  return path;
};

test('the latest lines, oldest first; ours are told from the node’s; empty and torn ones are left out', async () => {
  const path = logged(
    logLine('*', T0, 'console opened'),
    logLine('|', T0 + 1, 'first'),
    logLine('|', T0 + 2, '   '),
    logLine('|', T0 + 3, '2026-03-14T09:26:53.000Z * not a mark'),
    '2026-03-14T09:2',
  );
  expect(await tailLog(path, 2)).toEqual([
    { at: T0 + 1, text: 'first', ours: false },
    { at: T0 + 3, text: '2026-03-14T09:26:53.000Z * not a mark', ours: false },
  ]);
  expect(await tailLog(path, 99)).toHaveLength(3);
});

test('what was carried over from the file before counts, as whose it was', async () => {
  const path = logged(
    `${carried(logLine('*', T0, 'somebody types').trimEnd())}\n`,
    `${carried(logLine('|', T0 + 1, 'login:').trimEnd())}\n`,
  );
  expect(await tailLog(path, 9)).toEqual([
    { at: T0, text: 'somebody types', ours: true },
    { at: T0 + 1, text: 'login:', ours: false },
  ]);
});

test('no file: no lines; a large file is read from its end only', async () => {
  expect(await tailLog(join(folder, 'none.log'), 5)).toEqual([]);
  const path = logged(...Array.from({ length: 5000 }, (_, n) => logLine('|', T0 + n, `line ${n}`)));
  expect((await tailLog(path, 3)).map(({ text }) => text)).toEqual(['line 4997', 'line 4998', 'line 4999']);
});
