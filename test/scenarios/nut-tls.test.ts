/** STARTTLS against NUT's own upsd, as Debian builds it (with NSS), and a certificate made here. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NutClient } from '../../src/server/ups/nut-client.ts';
import { UpsMonitor } from '../../src/server/ups/ups-monitor.ts';
import { missingNut, startNut, until, type NutServer } from '../support/nut.ts';

const missing = [...missingNut, ...['/usr/bin/certutil', '/usr/bin/openssl'].filter((path) => !existsSync(path))];

describe.skipIf(missing.length > 0)(`TLS${missing.length > 0 ? ` (missing here: ${missing.join(', ')})` : ''}`, () => {
  let folder = '';
  let nut: NutServer;
  const run = (program: string, ...args: string[]): void =>
    void execFileSync(program, args, { cwd: folder, stdio: 'pipe' });
  const authority = (name: string): void =>
    run(
      ...(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`] as const),
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', `${name}.key`, '-out', `${name}.pem`],
    );

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rackui-tls-'));
    authority('right');
    authority('wrong');
    writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    run(
      'openssl',
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=upsd',
      '-keyout',
      'u.key',
      '-out',
      'u.csr',
    );
    run(
      ...(['openssl', 'x509', '-req', '-in', 'u.csr', '-CA', 'right.pem', '-CAkey', 'right.key'] as const),
      ...['-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'u.pem'],
    );
    run(
      'openssl',
      'pkcs12',
      '-export',
      '-name',
      'upsd',
      '-in',
      'u.pem',
      '-inkey',
      'u.key',
      '-passout',
      'pass:',
      '-out',
      'u.p12',
    );
    mkdirSync(join(folder, 'db'));
    writeFileSync(join(folder, 'secret'), 'secret\n');
    run('certutil', '-N', '-d', 'db', '-f', 'secret');
    run('pk12util', '-i', 'u.p12', '-d', 'db', '-k', 'secret', '-W', '');
    run('certutil', '-A', '-d', 'db', '-n', 'right', '-t', 'CT,,', '-i', 'right.pem', '-f', 'secret');
    const upsd = `CERTPATH ${join(folder, 'db')}\nCERTIDENT "upsd" "secret"\nCERTREQUEST 0\n`;
    nut = await startNut(folder, ['apc'], { upsd });
  }, 120_000);
  afterAll(async () => {
    await nut[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const pem = (name: string): string => readFileSync(join(folder, `${name}.pem`), 'utf8');

  test.each(['127.0.0.1', 'localhost'])('a connection to %s is encrypted, and a UPS read through it', async (host) => {
    const client = await NutClient.connect({ host, port: nut.port, tls: true, ca: pem('right') });
    expect((await client.variables('apc')).get('ups.status')).toBe('OL');
    await client.login('apc', 'admin', 'x');
    client.close();
  });

  test.each<[what: string, ca: () => string | null]>([
    ['another authority', () => pem('wrong')],
    ["the system's authorities", () => null],
  ])('a certificate that %s did not sign is refused', async (_what, ca) => {
    const address = { host: '127.0.0.1', port: nut.port, tls: true, ca: ca() };
    await expect(NutClient.connect(address)).rejects.toThrow(
      /no connection to upsd at 127\.0\.0\.1:\d+: .*(certificate|self-signed)/,
    );
  });

  test('a UPS behind a wrong authority is unknown, and says why', async () => {
    const address = { host: '127.0.0.1', port: nut.port, tls: true, ca: pem('wrong') };
    const source = { ...address, name: 'apc', pollMs: 200, login: null };
    const monitor = new UpsMonitor([source], { now: () => performance.now(), changed: () => undefined });
    monitor.start();
    await until(() => Promise.resolve(/certificate/.test(monitor.reading('apc').why ?? '')));
    expect(monitor.reading('apc').state).toBe('unknown');
    monitor.close();
  });

  test('upsd without TLS is not talked to in the clear where TLS is asked for', async () => {
    const plainFolder = mkdtempSync(join(tmpdir(), 'rackui-plain-'));
    await using plain = await startNut(plainFolder, ['apc']);
    const address = { host: '127.0.0.1', port: plain.port, tls: true, ca: pem('right') };
    await expect(NutClient.connect(address)).rejects.toThrow(/upsd refuses TLS: ERR FEATURE-NOT-CONFIGURED/);
    rmSync(plainFolder, { recursive: true, force: true });
  });
});
