import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import {
  consoleLogDirectory,
  ensureRuntimeDirectory,
  portSlug,
  socketCandidates,
  socketPath,
  stateDirectory,
  viewSocketPath,
  type Environment,
} from '../../src/config/paths.ts';
import { peekPort } from '../../src/config/quick-look.ts';

const user: Environment = { env: {}, uid: 1000, home: '/home/ann', temp: '/tmp' };
const root: Environment = { env: {}, uid: 0, home: '/root', temp: '/tmp' };

test.each<[what: string, got: string, path: string]>([
  ['user', stateDirectory(user), '/home/ann/.local/state/rackui'],
  ['root', stateDirectory(root), '/var/lib/rackui'],
  ['named', stateDirectory({ ...user, env: { XDG_STATE_HOME: '/s' } }), '/s/rackui'],
  ['service', stateDirectory({ ...root, env: { STATE_DIRECTORY: '/var/lib/x' } }), '/var/lib/x'],
  ['console logs', consoleLogDirectory('/s/rackui', '/dev/serial0', root), '/s/rackui/consoles'],
  [
    'console logs of a service',
    consoleLogDirectory('/s/rackui', '/dev/serial0', { ...root, env: { LOGS_DIRECTORY: '/var/log/rackui' } }),
    '/var/log/rackui/dev-serial0',
  ],
  [
    'session',
    socketPath('/dev/serial0', { ...user, env: { XDG_RUNTIME_DIR: '/run/user/1000' } }),
    '/run/user/1000/rackui/dev-serial0.sock',
  ],
  ['no session', socketPath('/dev/serial0', user), '/tmp/rackui-1000/dev-serial0.sock'],
  ['root socket', socketPath('/dev/serial0', root), '/run/rackui/dev-serial0.sock'],
  ['view', viewSocketPath('/dev/serial0', root), '/run/rackui/dev-serial0.view.sock'],
])('%s', (_what, got, path) => {
  expect(got).toBe(path);
});

test("a client looks at the system's socket first, then at its own", () => {
  expect(socketCandidates('/dev/ttyS0', user)).toEqual([
    '/run/rackui/dev-ttyS0.sock',
    '/tmp/rackui-1000/dev-ttyS0.sock',
  ]);
  expect(socketCandidates('/dev/ttyS0', root)).toEqual(['/run/rackui/dev-ttyS0.sock']);
});

test('different ports never share a socket, and every socket path fits', () => {
  const path = fc
    .array(fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '_', '/', '%', ' ', 'é'), minLength: 1 }))
    .map((parts) => `/${parts.join('')}`);
  const clean = (text: string): string => text.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  fc.assert(
    fc.property(path, path, (a, b) => {
      fc.pre(!/(^|\/)\.{1,2}(\/|$)/.test(a) && !/(^|\/)\.{1,2}(\/|$)/.test(b));
      expect(portSlug(a) === portSlug(b)).toBe(clean(a) === clean(b));
      expect(Buffer.byteLength(viewSocketPath(a, user))).toBeLessThanOrEqual(107);
    }),
  );
  expect(Buffer.byteLength(viewSocketPath(`/dev/${'x'.repeat(300)}`, user))).toBeLessThanOrEqual(107);
});

describe('the directory of sockets', () => {
  function temp(): string {
    const dir = mkdtempSync(join(tmpdir(), 'rackui-run-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    return dir;
  }

  test('is made for the user alone', () => {
    const dir = join(temp(), 'rackui-1');
    ensureRuntimeDirectory(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  test.each<[string, (dir: string) => void, number, RegExp]>([
    ['writable by others', (dir) => chmodSync(dir, 0o777), userInfo().uid, /is writable by others: chmod 700/],
    ["somebody else's", () => undefined, userInfo().uid + 1, /belongs to user id/],
  ])('is refused when %s', (_what, spoil, uid, problem) => {
    const dir = temp();
    spoil(dir);
    expect(() => ensureRuntimeDirectory(dir, { ...user, uid })).toThrow(problem);
  });

  test('is refused when it is a link', () => {
    const dir = temp();
    symlinkSync(dir, join(dir, 'link'));
    expect(() => ensureRuntimeDirectory(join(dir, 'link'))).toThrow(/is not a directory/);
    writeFileSync(join(dir, 'file'), '');
    expect(() => ensureRuntimeDirectory(join(dir, 'file'))).toThrow();
  });
});

describe('the glance at the port', () => {
  test.each<[yaml: string, port: string | null]>([
    ['name: x', '/dev/serial0'],
    ['', '/dev/serial0'],
    ['port: /dev/ttyS0', '/dev/ttyS0'],
    ['name: x\nport: "/dev/tty S0" # why\nnodes: []', '/dev/tty S0'],
    ["port: '/dev/ttyS0'", '/dev/ttyS0'],
    ['# port: /dev/old\nport: /dev/ttyS0', '/dev/ttyS0'],
    ['{ port: /dev/ttyS0 }', null],
    ['port: &p /dev/ttyS0', null],
    ['port:\n  /dev/ttyS0', null],
    ['port: /dev/tty\n  S0', null],
    ['port: /dev/a\nport: /dev/b', null],
    ['"port": /dev/a', null],
  ])('%j', (yaml, port) => {
    expect(peekPort(yaml)).toBe(port);
    if (port !== null) expect(parseConfig(yaml, 'f').port).toBe(port);
  });
});
