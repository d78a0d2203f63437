import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { readSecret, unreadableSecrets } from '../../src/config/secrets.ts';

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

/** What a check says of the certificate and the key of the HTTP interface, by their settings. */
async function tlsProblems(certificate: string, key: string): Promise<string[]> {
  const tls = `{ certificate: ${certificate}, key: ${key} }`;
  const config = parseConfig(`http: { port: 1, tls: ${tls}, tokens: [{ name: a, file: ${dir}/token }] }`, 'rack.yaml');
  file('token', 'a-token-of-its-own-0123');
  return (await unreadableSecrets(config, 'run')).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('a certificate or key that cannot be used is told once, with its setting and the reason', async () => {
  const [certificate, key, other, locked] = (['certificate', 'key', 'other', 'locked'] as const).map((name) =>
    join(dir, name),
  ) as [string, string, string, string];
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(...['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=x', '-keyout', key, '-out', certificate]);
  openssl('genpkey', '-algorithm', 'ed25519', '-out', other);
  openssl('pkey', '-in', key, '-aes128', '-passout', 'pass:x', '-out', locked);
  const open = file('open.pem', 'x');
  chmodSync(open, 0o644);
  const text = file('text', 'x');
  expect(await tlsProblems(certificate, key)).toEqual([]);
  for (const [bad, why] of [
    [join(dir, 'none'), `cannot read the key in ${join(dir, 'none')}: ENOENT`],
    [open, `the key in ${open} is readable by everyone: chmod 600 ${open}`],
    [text, `${text} holds no private key in PEM`],
    [locked, `the key in ${locked} has a passphrase: write it without one, by openssl pkey`],
    [other, `the key in ${other} is not that of the certificate`],
  ])
    expect(await tlsProblems(certificate, bad ?? '')).toEqual([`http.tls.key: ${why ?? ''}`]);
  for (const [bad, why] of [
    [join(dir, 'none'), `cannot read the certificate in ${join(dir, 'none')}: ENOENT`],
    [open, `${open} holds no certificate in PEM`],
  ])
    expect(await tlsProblems(bad ?? '', key)).toEqual([`http.tls.certificate: ${why ?? ''}`]);
});
