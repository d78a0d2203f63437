/** The service's files, judged by systemd's own programs, and the messages that a server sends to its manager. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { takeServiceManager } from '../../src/server/service-manager.ts';
import { eightNodes, stand } from '../support/stand.ts';

const FILES = fileURLToPath(new URL('../../packaging/systemd/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rackui-test-service-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const has = (...programs: string[]): boolean => programs.every((name) => existsSync(`/usr/bin/${name}`));
/** Prints each datagram as lines. A file that comes with one is closed, which systemd-notify waits for. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True:
    print(receiver.recv(4096).decode(), flush=True)
`;
const LIMIT = { timeout: 45_000 };

test.skipIf(!has('systemd-notify'))(
  'a server reports ready, alive and stopping to a datagram socket, in this order',
  async () => {
    const socket = join(mkdtempSync(join(folder, 'notify-')), 'socket');
    const receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let received = '';
      receiver.stdout.on('data', (chunk: Buffer) => (received += chunk.toString()));
      await expect.poll(() => existsSync(socket), LIMIT).toBe(true);
      const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' };
      await using place = await stand({ config: `name: lab\n${eightNodes()}`, env });
      await expect.poll(() => received, LIMIT).toContain('READY=1\nSTATUS=Serves lab\n');
      const pings = (): number => received.split('WATCHDOG=1').length - 1;
      await expect.poll(pings, LIMIT).toBeGreaterThan(2);
      expect(received).not.toContain('STOPPING=1');
      await place.killServer('SIGTERM');
      await expect.poll(() => received, LIMIT).toContain('STOPPING=1');
      // The pings go on until the process has ended.
      expect(received.indexOf('READY=1')).toBeLessThan(received.indexOf('WATCHDOG=1'));
      expect(received.indexOf('WATCHDOG=1')).toBeLessThan(received.indexOf('STOPPING=1'));
    } finally {
      receiver.kill();
    }
  },
);

test('a service manager is told nothing without its socket, and the environment is taken from programs', async () => {
  const told: string[] = [];
  const none = takeServiceManager({ PATH: folder }, (text) => told.push(text));
  none.serves('lab');
  none.leaves('lab');
  const env = { PATH: folder, NOTIFY_SOCKET: join(folder, 'nobody'), WATCHDOG_USEC: '60000000' };
  const manager = takeServiceManager(env, (text) => told.push(text));
  expect(env).toEqual({ PATH: folder });
  manager.serves('lab');
  manager.serves('shed');
  await expect.poll(() => told.length, LIMIT).toBeGreaterThan(0);
  expect(told).toEqual([
    expect.stringMatching(/^the service manager does not receive .*ENOENT.*: install systemd-notify$/),
  ]);
});

test.skipIf(!has('systemd-analyze'))('the unit is valid, and its exposure is OK or better', () => {
  const unit = join(folder, 'rackui.service');
  // The paths of the installed package do not exist here.
  writeFileSync(unit, readFileSync(join(FILES, 'rackui.service'), 'utf8').replace('/usr/bin/rackui', '/usr/bin/env'));
  expect(execFileSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })).toBe('');
  // 5.0 is where OK ends; the exit code is not 0 above it.
  const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=50', '--no-pager', unit], {
    encoding: 'utf8',
  });
  expect(said).toMatch(/Overall exposure level for rackui\.service: \d\.\d OK/);
});

test.skipIf(!has('systemd-sysusers', 'systemd-tmpfiles') || process.getuid?.() !== 0)(
  "the service's user, group and directories are made",
  () => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
    execFileSync('systemd-sysusers', [`--root=${root}`, join(FILES, 'rackui.sysusers')]);
    expect(readFileSync(join(root, 'etc/group'), 'utf8')).toMatch(/^rackui:/m);
    const [, uid] =
      /^rackui:[^:]*:(\d+):.*:\/var\/lib\/rackui:/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8')) ?? [];
    execFileSync('systemd-tmpfiles', [`--root=${root}`, '--create', join(FILES, 'rackui.tmpfiles')]);
    for (const path of ['var/lib/rackui', 'var/log/rackui']) {
      const { mode, uid: owner } = statSync(join(root, path));
      expect([path, mode & 0o777, owner]).toEqual([path, 0o700, Number(uid)]);
    }
  },
);

test('udev keeps ModemManager and brltty from the adapters, by rules without a label that is missing', () => {
  const rules = readFileSync(join(FILES, '95-rackui.rules'), 'utf8');
  const labels = new Set([...rules.matchAll(/LABEL="(\w+)"/g)].map(([, label]) => label));
  expect([...rules.matchAll(/GOTO="(\w+)"/g)].filter(([, label]) => !labels.has(label))).toEqual([]);
  for (const setting of ['ID_MM_PORT_IGNORE}="1"', 'ID_MM_DEVICE_IGNORE}="1"', 'BRLTTY_BRAILLE_DRIVER}=""'])
    expect(rules).toContain(setting);
});
