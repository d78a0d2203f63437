import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, inventoryOf, loadConfig, parseConfig } from '../../src/config/load.ts';
import { environment } from '../../src/config/paths.ts';

function problemsOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('a wrong configuration names file, line and column', () => {
  test.each<[yaml: string, problem: string]>([
    ['nmae: x', "rack.yaml:1:1: nmae: no such setting; did you mean 'name'? Settings here: name, port, unlock"],
    ['colour: red', 'rack.yaml:1:1: colour: no such setting; settings here: name, port, '],
    [
      'name: r\npoll: { intervall: 2 }',
      "rack.yaml:2:9: poll.intervall: no such setting; did you mean 'interval'? Settings here: interval, gap; see docs/",
    ],
    ['poll: { interval: -1 }', 'rack.yaml:1:19: poll.interval: found -1; must be more than 0'],
    ['poll: { interval: fast }', "rack.yaml:1:19: poll.interval: found the text 'fast'; expected a number"],
    ['port: ""', "rack.yaml:1:7: port: found ''; at least 1 character"],
    ['console: { baud: 9601 }', "console.baud: found 9601; allowed: 115200, 9600, 19200, 57600; did you mean '9600'?"],
    ['console: { telemetry: paus }', "telemetry: found 'paus'; allowed: pause, idle; did you mean 'pause'?"],
    [
      'console: { triggers: [opps] }',
      "triggers.0: found 'opps'; allowed: panic, oops, oom, login-failure, boot-error, a section",
    ],
    [
      'console: { triggers: [{ name: a, match: x, levle: alarm }] }',
      "triggers.0.levle: no such setting; did you mean 'level'?",
    ],
    ['interface: { mouse: yess }', "interface.mouse: found the text 'yess'; expected true or false"],
    ['alarms: { fanStopped: 300 }', 'alarms.fanStopped: found 300; must be at most 255'],
    ['ups: [{ name: u, port: 1.5 }]', 'ups.0.port: found 1.5; expected a whole number'],
    ['hooks: [{ run: [x] }]', 'rack.yaml:1:9: hooks.0.when: missing; allowed: before-off, '],
    ['poweroff: reboot', "poweroff: found the text 'reboot'; expected a list"],
    ['plans: { "a b": { steps: [] } }', "rack.yaml:1:10: plans.a b: 'a b' cannot be a name; expected letters, digits"],
    [
      'hooks: [{ when: afterof, run: [x] }]',
      "found 'afterof'; allowed: before-off, after-off, after-on, alarm, alarm-cleared, event; did you mean 'after-off'?",
    ],
    ['outage: { lsat: x }', "outage.lsat: no such setting; did you mean 'last'?"],
    [
      'outage: { last: shed-al }\nplans: { shed-all: { steps: [{ name: a, selector: all, action: off }] } }',
      "outage.last: there is no plan 'shed-al'; plans: shed-all; did you mean 'shed-all'?",
    ],
    ['ssh: { options: [ProxyJmp=x] }', "did you mean 'ProxyJump'?"],
    ['nodes:\n  - { addr: 10, name: a }', 'rack.yaml:2:13: nodes.0.addr: found 10; write the address as quoted hex'],
    ['nodes:\n  - { addr: "80" }', 'rack.yaml:2:13: nodes.0.addr: found \'80\'; two hex digits from "00" to "7f"'],
    ['nodes:\n  - { pos: A-4 }', "rack.yaml:2:12: nodes.0.pos: found 'A-4'; a row letter and a slot 0 to 3"],
    ['nodes:\n  - { pos: A-1, addr: "02" }', 'rack.yaml:2:12: nodes.0.pos: address "02" is position A-2, not A-1'],
    ['nodes:\n  - name: a', 'rack.yaml:2:5: nodes.0: a node needs addr or pos'],
    ['nodes:\n  - { addr: "01", name: "a b" }', "rack.yaml:2:25: nodes.0.name: found 'a b'; expected a host name"],
    [
      'nodes:\n  - { addr: "01", ip: 1.2.3 }',
      "rack.yaml:2:23: nodes.0.ip: found '1.2.3'; expected an IPv4 or IPv6 address",
    ],
    [
      'nodes:\n  - { addr: "01" }\n  - { pos: A-1 }',
      'rack.yaml:3:5: nodes.1.addr: address 01 (A-1) is already node-01: each node has its own address',
    ],
    [
      'nodes:\n  - { addr: "01", name: a }\n  - { addr: "02", name: A }',
      'rack.yaml:3:25: nodes.1.name: the name A is already the node at address 01 (A-1)',
    ],
    [
      'nodes:\n  - { addr: "00", role: master }\n  - { addr: "04", role: master }',
      'rack.yaml:3:25: nodes.1.role: node-00 is already the master: a bus has exactly one',
    ],
    ['unlock: hunter2', 'rack.yaml:1:9: unlock: a secret is { file: PATH } or { command:'],
    ['login: { user: pi, password: raspberry }', 'rack.yaml:1:30: login.password: a secret is { file: PATH }'],
    ['name: [', 'rack.yaml:1:8: not YAML: '],
    ['a: b: c', 'rack.yaml:1:4: not YAML: '],
    [
      'boot: { limit: 9, proof: ssh }',
      'rack.yaml:1:26: boot.proof: ssh is configured as proof that a node came up, but there is no section ssh',
    ],
    ['just text', 'rack.yaml:1:1: found text; expected a section of settings (name: value)'],
  ])('%j', (yaml, problem) => {
    expect(problemsOf(() => parseConfig(yaml, 'rack.yaml'))).toContain(problem);
  });

  test('all problems at once', () => {
    const problems = problemsOf(() => parseConfig('a: 1\nb: 2\nport: 3', 'rack.yaml')).split('\n');
    expect(problems).toHaveLength(3);
  });

  test('a secret that was written as text is not repeated', () => {
    expect(problemsOf(() => parseConfig('login: { user: pi, password: raspberry }', 'f'))).not.toContain('raspberry');
    expect(problemsOf(() => parseConfig('unlock: { text: raspberry }', 'f'))).not.toContain('raspberry');
    expect(problemsOf(() => parseConfig('login: "pi:raspberry"', 'f'))).not.toContain('raspberry');
    expect(problemsOf(() => parseConfig('login: { user: pi, pasword: raspberry }', 'f'))).not.toContain('raspberry');
    expect(problemsOf(() => parseConfig('ups: [{ name: u, password: raspberry }]', 'f'))).not.toContain('raspberry');
  });
});

test('the reference rack loads', () => {
  const { inventory, config, path } = loadConfig('src/config/racks/er24a.yaml');
  expect(path).toMatch(/^\/.*er24a\.yaml$/);
  expect(inventory.configured).toBe(true);
  expect(inventory.nodes).toHaveLength(24);
  expect(inventory.nodes.map(({ addr }) => addr)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  expect(inventory.nodes[0]).toEqual({
    addr: 0,
    name: 'mcp01',
    role: 'master',
    cluster: null,
    ip: '192.168.197.4',
    mac: 'e4:5f:01:40:58:80',
    uid: null,
    calibration: null,
    chassisFan: null,
    protected: false,
  });
  expect(config.port).toBe('/dev/serial0');
});

test('nodes without a name are called by their address', () => {
  expect(inventoryOf(parseConfig('nodes: [{ pos: A-3 }]', 'f')).nodes[0]?.name).toBe('node-03');
});

describe('where it is looked for', () => {
  let home = '';
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'rackui-config-'))));
  afterEach(() => rmSync(home, { recursive: true }));
  const around = (env: Record<string, string>) => ({ ...environment(), home, env });

  function put(path: string, text: string): string {
    const full = join(home, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, text, { mode: 0o600 });
    return full;
  }

  test('the option goes before the environment, that before the home directory', () => {
    const option = put('option.yaml', 'name: option');
    const variable = put('variable.yaml', 'name: variable');
    put('.config/rackui/rack.yaml', 'name: home');
    put('xdg/rackui/rack.yaml', 'name: xdg');
    const env = { RACKUI_CONFIG: variable, XDG_CONFIG_HOME: join(home, 'xdg') };
    expect(loadConfig(option, around(env)).config.name).toBe('option');
    expect(loadConfig(undefined, around(env)).config.name).toBe('variable');
    expect(loadConfig(undefined, around({ XDG_CONFIG_HOME: join(home, 'xdg') })).config.name).toBe('xdg');
    expect(loadConfig(undefined, around({})).config.name).toBe('home');
  });

  test('a file that was named must exist and be readable', () => {
    const missing = join(home, 'missing.yaml');
    expect(problemsOf(() => loadConfig(missing))).toBe(`${missing}: there is no such file`);
    expect(problemsOf(() => loadConfig(undefined, around({ RACKUI_CONFIG: missing })))).toContain('no such file');
    expect(problemsOf(() => loadConfig(home))).toContain('EISDIR');
  });

  test('an empty file is the default configuration', () => {
    const { config, inventory } = loadConfig(put('empty.yaml', '# nothing\n'));
    expect(config).toMatchObject({ name: 'rack', port: '/dev/serial0', poll: { interval: 1 } });
    expect(inventory.configured).toBe(false);
  });

  test('one that names programs may not be writable by others', () => {
    const file = put('open.yaml', 'unlock: { command: [pass, rack] }');
    expect(loadConfig(file).config.unlock).toEqual({ command: ['pass', 'rack'] });
    chmodSync(file, 0o664);
    expect(problemsOf(() => loadConfig(file))).toContain('this file is writable by others than its owner: chmod go-w');
    chmodSync(file, 0o600);
    chmodSync(home, 0o777);
    expect(problemsOf(() => loadConfig(file))).toContain(`${home} is writable by others than its owner`);
  });

  test.each([
    ['a folder further up', (top: string) => chmodSync(top, 0o777), /folder-up is writable by others/],
    ['the folder of a link to it', (top: string) => chmodSync(join(top, 'links'), 0o772), /links is writable by/],
    [
      'the file behind the link',
      (top: string) => chmodSync(join(top, 'real', 'r.yaml'), 0o622),
      /this file is writable/,
    ],
  ])('a configuration with programs is refused when others can write %s', (_what, open, problem) => {
    const top = join(home, 'folder-up');
    mkdirSync(join(top, 'real'), { recursive: true, mode: 0o755 });
    mkdirSync(join(top, 'links'), { mode: 0o755 });
    writeFileSync(join(top, 'real', 'r.yaml'), 'poweroff: [systemctl, poweroff]\n', { mode: 0o644 });
    symlinkSync('../real/r.yaml', join(top, 'links', 'l.yaml'));
    const link = join(top, 'links', 'l.yaml');
    expect(loadConfig(link).config.poweroff).toEqual(['systemctl', 'poweroff']);
    open(top);
    expect(problemsOf(() => loadConfig(link))).toMatch(problem);
  });

  test.skipIf(process.getuid?.() !== 0)('one that names programs and belongs to another user is refused', () => {
    const file = put('theirs.yaml', 'hooks: [{ when: after-on, run: [touch, /x] }]');
    chownSync(file, 12_345, 12_345);
    expect(problemsOf(() => loadConfig(file))).toContain('this file belongs to user id 12345');
    chownSync(file, 0, 0);
    chownSync(home, 12_345, 12_345);
    expect(problemsOf(() => loadConfig(file))).toContain(`${home} belongs to user id 12345`);
    expect(loadConfig(file, { ...environment(), uid: 12_345 }).config.hooks).toHaveLength(1);
  });

  test('a known hosts file that others can write is refused', () => {
    const hosts = put('known_hosts', '');
    const file = put('ssh.yaml', `ssh: { options: ["userknownhostsfile=${hosts}"] }`);
    expect(loadConfig(file).config.ssh?.options).toHaveLength(1);
    chmodSync(hosts, 0o646);
    expect(problemsOf(() => loadConfig(file))).toContain(`known hosts file ${hosts} is writable by others`);
  });
});
