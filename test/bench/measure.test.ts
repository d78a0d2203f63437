/** What the measurements decide by themselves. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { notHere } from './measure.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-path-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a program is compared with where it is on the path and can be run, and left out with a word otherwise', () => {
  const [empty, has] = [join(folder, 'empty'), join(folder, 'has')];
  for (const one of [empty, has, join(empty, 'tio')]) mkdirSync(one, { recursive: true });
  writeFileSync(join(has, 'tio'), '');
  expect(notHere('tio', `${empty}:${has}`)).toBe('it is not installed');
  chmodSync(join(has, 'tio'), 0o755);
  expect(notHere('tio', `${empty}:${has}`)).toBeNull();
  for (const path of ['', empty, `:${join(folder, 'gone')}`]) expect(notHere('tio', path)).toBe('it is not installed');
  expect(notHere('screen', has)).toBe('it is not installed');
});
