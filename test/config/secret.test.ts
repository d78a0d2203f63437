import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSecret } from '../../src/config/secrets.ts';

let dir = '';
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'rackui-secret-'))));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

test('from a file, without its line end', async () => {
  expect(await readSecret({ file: file('a', 'hunter 2\n') })).toBe('hunter 2');
});

test('from a program, run without a shell', async () => {
  expect(await readSecret({ command: ['printf', '%s\n', '$HOME;x'] })).toBe('$HOME;x');
});

test('no error holds the secret', async () => {
  const open = file('open', 'hunter2\n');
  chmodSync(open, 0o644);
  await expect(readSecret({ file: open })).rejects.toThrow(`the secret in ${open} is readable by everyone`);
  await expect(readSecret({ file: file('two', 'hunter2\nhunter3\n') })).rejects.toThrow(
    /^the secret from .* more than one line$/,
  );
  await expect(readSecret({ file: file('empty', '\n') })).rejects.toThrow('is empty');
  await expect(readSecret({ file: join(dir, 'none') })).rejects.toThrow('ENOENT');
  await expect(readSecret({ file: file('long', 'x'.repeat(5000)) })).rejects.toThrow('too long');
  await expect(readSecret({ file: dir })).rejects.toThrow('is not a regular file');
  const failing = readSecret({ command: ['sh', '-c', 'echo hunter2; echo hunter2 >&2; exit 3', 'hunter2'] });
  await expect(failing).rejects.toThrow(/^the command sh returned no secret: exit code 3$/);
  await expect(readSecret({ command: ['/nonexistent/program'] })).rejects.toThrow('ENOENT');
});
