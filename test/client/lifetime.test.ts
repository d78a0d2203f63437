/** What systemd will end a background server with, from files and programs' output that stand for a machine. */
import { describe, expect, test } from 'vitest';
import { earlyEnd, placeOf, type EarlyEnd, type MachineSource } from '../../src/client/process-lifetime.ts';

const LOGIN = '0::/user.slice/user-1000.slice/session-3.scope\n';
const OF_USER = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n';
const IN_USER_UNIT = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/nightly.service\n';
const IN_UNIT = '0::/system.slice/rack-down.service\n';

/** `said`: what a program prints, by its first words. */
function machine(files: Record<string, string>, said: Record<string, string> = {}): MachineSource {
  return {
    text: (path) => files[path] ?? null,
    list: (path) =>
      Object.keys(files)
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1)),
    output: (program, args) => {
      const line = [program, ...args].join(' ');
      return Object.entries(said).find(([words]) => line.startsWith(words))?.[1] ?? null;
    },
  };
}
const endIn = (
  cgroup: string,
  files: Record<string, string> = {},
  said: Record<string, string> = {},
): EarlyEnd | null => earlyEnd(machine({ '/proc/self/cgroup': cgroup, ...files }, said), 'pi');

test.each<[string, ReturnType<typeof placeOf>]>([
  [LOGIN, { kind: 'login', session: '3', uid: 1000 }],
  [
    '12:pids:/x\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n',
    { kind: 'login', session: 'c2', uid: 1000 },
  ],
  [OF_USER, { kind: 'user', uid: 1000, service: null }],
  [IN_USER_UNIT, { kind: 'user', uid: 1000, service: 'nightly.service' }],
  [IN_UNIT, { kind: 'service', unit: 'rack-down.service' }],
  ['0::/system.slice/system-getty.slice/getty@tty1.service\n', { kind: 'service', unit: 'getty@tty1.service' }],
  ['0::/\n', null],
  ['0::/system.slice/docker-0a1b.scope\n', null],
  ['', null],
])('%j is %j', (cgroup, place) => {
  expect(placeOf(cgroup)).toEqual(place);
});

describe('in a login', () => {
  const kills = 'KillUserProcesses=yes\nKillExcludeUsers=root\n';
  test('that is left alone at its end: nothing ends it', () => {
    expect(endIn(LOGIN)).toBeNull();
    expect(endIn(LOGIN, {}, { loginctl: 'KillUserProcesses=no\n' })).toBeNull();
    expect(endIn(LOGIN, { '/etc/systemd/logind.conf': '[Login]\n#KillUserProcesses=yes\n' })).toBeNull();
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['logind says so', {}, { 'loginctl show-session': kills }],
    ['its file says so', { '/etc/systemd/logind.conf': '[Login]\nKillUserProcesses=yes\n' }, {}],
    ['a drop-in says so', { '/etc/systemd/logind.conf.d/50-kill.conf': '[Login]\nKillUserProcesses=true\n' }, {}],
    ['this user is named', {}, { loginctl: 'KillUserProcesses=yes\nKillOnlyUsers=eve pi\n' }],
  ])('whose processes are killed, %s: it ends with the login', (_what, files, said) => {
    const end = endIn(LOGIN, files, said);
    expect(end?.when).toBe('ends when this login of pi (session 3) ends: KillUserProcesses=yes in logind.conf');
    expect(end?.todo).toMatch(/'rackui serve' as a service.*loginctl enable-linger pi/);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['this user is spared', {}, { loginctl: 'KillUserProcesses=yes\nKillExcludeUsers=root pi\n' }],
    ['others are meant', {}, { loginctl: 'KillUserProcesses=yes\nKillOnlyUsers=eve\n' }],
    [
      'a later drop-in takes it back',
      {
        '/usr/lib/systemd/logind.conf.d/10-a.conf': 'KillUserProcesses=yes\n',
        '/etc/systemd/logind.conf.d/20-b.conf': 'KillUserProcesses=no\n',
      },
      {},
    ],
  ])('%s: nothing ends it', (_what, files, said) => {
    expect(endIn(LOGIN, files, said)).toBeNull();
  });

  test('root is spared unless it is said otherwise', () => {
    const root = (said: string): EarlyEnd | null =>
      earlyEnd(machine({ '/proc/self/cgroup': LOGIN }, { loginctl: said }), 'root');
    expect(root('KillUserProcesses=yes\n')).toBeNull();
    expect(root('KillUserProcesses=yes\nKillExcludeUsers=\n')).not.toBeNull();
  });
});

describe("under a user's own systemd", () => {
  test('it ends with the last login, unless the user lingers', () => {
    const end = endIn(OF_USER);
    expect(end?.when).toContain('ends with the last login of pi: it runs under user@1000.service');
    expect(end?.todo).toMatch(/^'loginctl enable-linger pi'/);
    expect(endIn(OF_USER, { '/var/lib/systemd/linger/pi': '' })).toBeNull();
  });

  test('in a unit of the user: it ends with the unit, lingering or not', () => {
    const linger = { '/var/lib/systemd/linger/pi': '' };
    expect(endIn(IN_USER_UNIT, linger)?.when).toContain('ends with nightly.service');
    expect(endIn(IN_USER_UNIT, linger, { 'systemctl --user show nightly.service': 'process\n' })).toBeNull();
  });
});

describe('in a unit of the system', () => {
  test('that ends its processes, or of which nothing can be asked: it ends with the unit', () => {
    for (const said of [{}, { 'systemctl show rack-down.service': 'control-group\n' }, { systemctl: 'mixed\n' }]) {
      const end = endIn(IN_UNIT, {}, said);
      expect(end?.when).toBe('ends with rack-down.service, the unit in which it is started');
      expect(end?.todo).toContain('with Wants= and After= of it in rack-down.service');
    }
  });

  test('that leaves its processes alone, as cron does: nothing ends it', () => {
    expect(endIn('0::/system.slice/cron.service\n', {}, { 'systemctl show cron.service': 'process\n' })).toBeNull();
  });
});
