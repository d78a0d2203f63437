/** The engine's compiled code of earlier starts, in the user's cache directory. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { PROGRAM } from '../support/program.ts';

const exec = promisify(execFile);
let folder = '';
let cache = '';
function useFolder(): void {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-launch-'));
  cache = join(folder, 'rackui');
}

/** What a first start prints, and the folder that it leaves. */
let first = '';
let firstFolder = '';
beforeAll(async () => {
  useFolder();
  first = await check();
  firstFolder = folder;
});
afterAll(() => rmSync(firstFolder, { recursive: true, force: true }));
beforeEach(useFolder);
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Has the cache be as after a first start. */
function afterFirstStart(): void {
  cpSync(firstFolder, folder, { recursive: true });
}

/** Runs a command that ends by itself and loads a parser. */
async function check(
  env: NodeJS.ProcessEnv = {},
  words: readonly string[] = ['config', 'check'],
  engine: readonly string[] = [],
): Promise<string> {
  const { stdout, stderr } = await exec(process.execPath, [...engine, PROGRAM, ...words], {
    env: { ...process.env, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder, NODE_DISABLE_COMPILE_CACHE: '', ...env },
  });
  expect(stderr).toBe('');
  return stdout;
}

/** The one file of the cache, and its number in the file system, which changes when it is written again. */
function kept(): { path: string; inode: number } {
  const names = readdirSync(cache);
  expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{16}-.*-config$/)]);
  const path = join(cache, names[0] ?? '');
  return { path, inode: statSync(path).ino };
}

test('a second start uses the code of the first, from a folder that is the user’s alone', async () => {
  afterFirstStart();
  const { inode } = kept();
  const written = join(firstFolder, 'rackui');
  const [name = ''] = readdirSync(written);
  const modes = [written, join(written, name)].map((path) => statSync(path).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600]);
  expect(await check()).toBe(first);
  // Code that the engine refused would have been kept anew.
  expect(kept().inode).toBe(inode);
});

test('code of other settings of the engine is refused and kept anew', async () => {
  afterFirstStart();
  const { inode } = kept();
  expect(await check({}, undefined, ['--no-opt'])).toBe(first);
  expect(kept().inode).not.toBe(inode);
});

test('a start uses the code that a program kept while it ran', async () => {
  const env = { ...process.env, XDG_CACHE_HOME: folder, NODE_DISABLE_COMPILE_CACHE: '' };
  const simulate = (): { end: () => void; ended: Promise<unknown> } => {
    const words = [PROGRAM, 'sim', '--exit-with-stdin', '--link', join(folder, 'port')];
    const running = exec(process.execPath, words, { env });
    return { end: () => void running.child.stdin?.end(), ended: running };
  };
  const files = (): string[] => (existsSync(cache) ? readdirSync(cache) : []);
  const running = simulate();
  await expect.poll(files, { timeout: 30_000 }).toEqual([expect.stringMatching(/-sim$/)]);
  running.end();
  await running.ended;
  const [path = ''] = files().map((name) => join(cache, name));
  const { ino } = statSync(path);
  const next = simulate();
  next.end();
  await next.ended;
  expect(statSync(path).ino).toBe(ino);
});

test('a damaged file is not used, and is written again', async () => {
  afterFirstStart();
  const { path } = kept();
  const content = readFileSync(path);
  const changed = content.length >> 1;
  for (const damaged of [
    Buffer.concat([
      content.subarray(0, changed),
      Buffer.of((content[changed] ?? 0) ^ 1),
      content.subarray(changed + 1),
    ]),
    content.subarray(0, content.length >> 2),
    Buffer.alloc(content.length >> 2),
  ]) {
    writeFileSync(path, damaged);
    expect(await check()).toBe(first);
    expect(statSync(path).size).toBeGreaterThan(content.length / 2);
  }
  const { inode } = kept();
  await check();
  expect(kept().inode).toBe(inode);
});

test('a folder that others can write is neither read nor written', async () => {
  afterFirstStart();
  const { path } = kept();
  writeFileSync(path, 'other');
  chmodSync(cache, 0o777);
  expect(await check()).toBe(first);
  expect(readFileSync(path, 'utf8')).toBe('other');
});

test('no code is kept where the environment forbids it, or a command failed', async () => {
  await check({ NODE_DISABLE_COMPILE_CACHE: '1' });
  await expect(check({}, ['config', 'nothing'])).rejects.toMatchObject({ code: 64 });
  expect(existsSync(cache)).toBe(false);
});

test('a start in which a command loads more adds to what is kept', async () => {
  await check({}, ['config', '--help']);
  const { path } = kept();
  const { size } = statSync(path);
  await check();
  expect(statSync(path).size).toBeGreaterThan(size * 2);
  const { inode } = kept();
  await check({}, ['config', '--help']);
  expect(kept().inode).toBe(inode);
});
