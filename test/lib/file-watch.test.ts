/** Changes of files as the system reports them: replaced, removed, or there at last. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchFiles } from '../../src/lib/file-watch.ts';

let folder: string;
let stop: () => void = () => undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-watch-'));
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a file that appears, is replaced and is removed is reported each time', async () => {
  const path = join(folder, 'rack.yaml');
  const changed = vi.fn();
  stop = watchFiles([join(folder, 'none', 'rack.yaml'), path], changed);
  for (const change of [
    () => writeFileSync(path, 'a'),
    () => {
      writeFileSync(join(folder, 'new'), 'b');
      renameSync(join(folder, 'new'), path);
    },
    () => rmSync(path),
  ]) {
    changed.mockClear();
    change();
    await expect.poll(() => changed.mock.calls.length, { timeout: 5_000 }).toBe(1);
  }
});

test('other files of the folder are not reported, nor anything after the end', async () => {
  const path = join(folder, 'rack.yaml');
  const changed = vi.fn();
  stop = watchFiles([path], changed);
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'journal'), 'x');
  writeFileSync(path, 'a');
  await expect.poll(() => changed.mock.calls.length, { timeout: 5_000 }).toBe(1);
  stop();
  writeFileSync(path, 'b');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(changed).toHaveBeenCalledTimes(1);
});
