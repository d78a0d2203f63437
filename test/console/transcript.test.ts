import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Transcript } from '../../src/console/transcript.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const AT = Date.UTC(2026, 6, 14, 12, 0, 0);
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'transcript-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('keeps every byte, and marks on lines of their own', async () => {
  const log = new Transcript({ dir, name: 'node-03' });
  log.data(encode('pi@node-03:~$ '));
  log.mark('telemetry sample: 12 ms', AT);
  log.data(Uint8Array.of(0, 0xff, 0x1b, 0x0a));
  log.mark('detached', AT);
  await log.close();
  expect(await readFile(log.path, 'latin1')).toBe(
    'pi@node-03:~$ \r\n[rackui 2026-07-14T12:00:00.000Z] telemetry sample: 12 ms\r\n' +
      '\x00\xff\x1b\n[rackui 2026-07-14T12:00:00.000Z] detached\r\n',
  );
});

test('only the owner can read it; a later run appends on a new line', async () => {
  for (const text of ['first', 'second']) {
    const log = new Transcript({ dir: join(dir, 'consoles'), name: 'a' });
    log.data(encode(text));
    await log.close();
    expect((await stat(log.path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'consoles'))).mode & 0o777).toBe(0o700);
  }
  expect(await readFile(join(dir, 'consoles', 'a.log'), 'utf8')).toBe('first\r\nsecond');
});

test('rotates by size and keeps a bounded number of files', async () => {
  for (let n = 0; n < 8; n++) {
    const log = new Transcript({ dir, name: 'a', rotateAt: 10 });
    log.data(encode(`0123456789-${n}`));
    await log.close();
  }
  const names = (await readdir(dir)).sort();
  expect(names).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3', 'a.log.4']);
  for (const [age, name] of names.entries())
    expect(await readFile(join(dir, name), 'latin1')).toContain(`0123456789-${7 - age}`);
});

test('a name cannot leave the directory, a mark cannot bring control characters', async () => {
  const log = new Transcript({ dir, name: '../../etc/passwd' });
  log.mark('note: \x1b[2Jgone\nrow', AT);
  await log.close();
  expect(await readdir(dir)).toEqual(['__.._etc_passwd.log']);
  expect(await readFile(log.path, 'utf8')).toContain('note: ?[2Jgone?row\r\n');
});

test('a planted link is not followed; the trouble is told once and later writes do not throw', async () => {
  await writeFile(join(dir, 'victim'), 'untouched');
  await symlink(join(dir, 'victim'), join(dir, 'a.log'));
  const told: string[] = [];
  const log = new Transcript({ dir, name: 'a', onTrouble: (text) => told.push(text) });
  log.data(encode('one'));
  await expect.poll(() => told.length).toBe(1);
  log.data(encode('two'));
  await rm(join(dir, 'a.log'));
  log.data(encode('three'));
  await log.close();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('a.log');
  expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('untouched');
});
