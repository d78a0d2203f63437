/** doctor from where an operator stands: not in the port's group, the port held by a service of another user. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Check } from '../../src/cli/doctor/machine.ts';
import { ServeProcess } from '../server/process.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { PROGRAM } from '../support/stand.ts';

/** Nobody's user and group, and one that no file knows. Where tests do not run as root the operator is the same user. */
const USERS = [65_534, 4_242];
const GROUP = 65_534;
const isRoot = process.getuid?.() === 0;

let rack: TestRack;
let server: ServeProcess;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-operator-'));
  chmodSync(folder, 0o755);
  rack = await startRack({ args: ['--no-loss', '--nodes', '3'] });
  writeFileSync(join(folder, 'password'), 'x\n', { mode: 0o600 });
  mkdirSync(join(folder, 'home'), { mode: 0o755 });
  server = new ServeProcess({
    port: rack.link,
    dir: folder,
    config: [
      'name: lab',
      ...(isRoot ? ['server: { group: nogroup }'] : []),
      `login: { user: op, password: { file: "${join(folder, 'password')}" } }`,
      'nodes: [{ addr: "00", role: master }, { addr: "01" }, { addr: "02" }]',
    ].join('\n'),
  });
  await server.ready();
  chmodSync(dirname(rack.link), 0o755);
  chmodSync(join(folder, 'rack.yaml'), 0o644);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rack.stop();
  rmSync(folder, { recursive: true, force: true });
});

function doctor(uid: number): { code: number | null; verdict: string; checks: Check[]; stderr: string } {
  const command = [
    process.execPath,
    PROGRAM,
    '--config',
    join(folder, 'rack.yaml'),
    '--socket',
    server.socket,
    'doctor',
    '--json',
  ];
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${GROUP}`, '--clear-groups'];
  const [program = '', ...args] = isRoot ? [...user, ...command] : command;
  const home = join(folder, 'home');
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    XDG_STATE_HOME: join(home, 'none', 'state'),
  };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env });
  return { code: status, stderr, ...(JSON.parse(stdout) as { verdict: string; checks: Check[] }) };
}

test.each(USERS)('an operator (user id %i) of a healthy service gets ok, and no failure of his own rights', (uid) => {
  if (isRoot) expect(statSync(realpathSync(rack.link)).mode & 0o006).toBe(0);
  const { code, verdict, checks } = doctor(uid);
  expect(checks.filter((check) => check.verdict !== 'ok')).toEqual([]);
  expect([code, verdict]).toEqual([0, 'ok']);
  const seen = (id: string): string => checks.find((check) => check.id === id)?.seen ?? '';
  expect(seen('permission')).toMatch(/the rackui server opens .*no other user needs to/);
  expect(seen('holder')).toMatch(/the rackui server \(pid \d+\) has it/);
  expect(seen('state')).toContain(join(folder, 'state'));
  expect(seen('secret')).toBe('all secrets can be read');
});

test('a port that an operator may not even see is no failure while the service has it', () => {
  chmodSync(dirname(rack.link), 0o700);
  try {
    const { code, checks } = doctor(USERS[1] ?? 0);
    expect(checks.filter((check) => check.verdict !== 'ok')).toEqual([]);
    expect(code).toBe(0);
    if (isRoot) expect(checks.find(({ id }) => id === 'port')?.seen).toMatch(/which user id 4242 may not access/);
  } finally {
    chmodSync(dirname(rack.link), 0o755);
  }
});

test('a configuration that only the service may read is no failure: the server has read it', () => {
  chmodSync(join(folder, 'rack.yaml'), 0o600);
  try {
    const { code, checks } = doctor(USERS[0] ?? 0);
    expect(checks.filter((check) => check.verdict !== 'ok')).toEqual([]);
    expect(code).toBe(0);
    if (isRoot)
      expect(checks.find(({ id }) => id === 'config')?.seen).toMatch(
        /has read .*rack\.yaml; this user may not read it/,
      );
    expect(checks.find(({ id }) => id === 'nodes')?.seen).toMatch(/3 BMCs answer, all that are configured/);
  } finally {
    chmodSync(join(folder, 'rack.yaml'), 0o644);
  }
});
