/** Without a server, without a configuration, with the wrong one: what an operator is told, and with which code. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRack, type TestRack } from '../support/rack.ts';
import { rackui, rackuiProcess, type Ran } from './support.ts';

let folder: string;
let rack: TestRack;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-cli-'));
  rack = await startRack({ args: ['--nodes', '6'] });
});
afterAll(async () => {
  await rack.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Another user's home, as far as the program can tell. */
const run = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  rackui(args, {
    env: {
      RACKUI_CONFIG: undefined,
      RACKUI_SOCKET: undefined,
      XDG_CONFIG_HOME: folder,
      XDG_STATE_HOME: folder,
      XDG_RUNTIME_DIR: folder,
      ...env,
    },
  });

test('no server and no configuration: one is started, the bus is scanned, and it can be stopped', async () => {
  const port = ['--port', rack.link];
  const { code, stdout } = await run([...port, 'status', '--json']);
  const report = JSON.parse(stdout) as { nodes: { addr: string; name: string; power: string }[] };
  expect(report.nodes.map(({ addr, name, power }) => `${addr} ${name} ${power}`)).toEqual(
    ['00', '01', '02', '03', '04', '05'].map((addr) => `${addr} node-${addr} on`),
  );
  expect(code).toBe(0);
  expect((await run([...port, 'server', 'status'])).stdout).toContain('started by a client');
  expect((await run([...port, 'server', 'stop'])).code).toBe(0);
  const gone = await run([...port, 'server', 'status']);
  expect([gone.code, gone.stderr]).toEqual([5, expect.stringContaining('no rackui server answers')]);
});

test('a port that is not there is exit code 5, with the reason, and JSON all the same', async () => {
  const port = ['--port', join(folder, 'no-such-port')];
  const { code, stdout } = await run([...port, 'status', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    bus: { state: 'down', detail: expect.stringContaining('no-such-port') as string },
    nodes: [],
  });
  expect(code).toBe(5);
  expect((await run([...port, 'on', 'all'])).code).toBe(5);
  await run([...port, 'server', 'stop']);
});

test('a port that another program holds: it is named', async () => {
  const holder = spawn('/bin/sh', ['-c', 'exec sleep 60 <"$1"', 'sh', rack.link], { stdio: 'ignore' });
  try {
    const { code, stdout } = await run(['--port', rack.link, 'status']);
    expect(stdout).toContain(`sleep (pid ${holder.pid ?? 0}`);
    expect(code).toBe(5);
  } finally {
    holder.kill();
    await run(['--port', rack.link, 'server', 'stop']);
  }
});

describe('a wrong configuration', () => {
  const file = (): string => join(folder, 'wrong.yaml');
  beforeAll(() => writeFileSync(file(), 'name: r\nnodes:\n  - { pos: A-9 }\n'));

  test.each([[['config', 'check']], [['serve', '--state', '/nonexistent']], [['config', 'show']]])(
    '%j says file, line and column',
    async (args) => {
      const { code, stderr } = await run(['--config', file(), ...args]);
      expect(stderr).toContain(`${file()}:3:12: nodes.0.pos: found 'A-9'; a row letter and a slot 0 to 3`);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(code).toBe(78);
    },
  );

  test('what a server that was to be started said about it is passed on', async () => {
    const { code, stderr } = await run(['--config', file(), '--port', rack.link, 'status']);
    expect(stderr).toContain(`${file()}:3:12`);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(78);
  });

  test('a plan that cannot be run is for the check to say; the rack is served all the same', async () => {
    const plan = join(folder, 'plan.yaml');
    const nodes = 'nodes: [{ addr: "00", role: master }]\n';
    writeFileSync(plan, `${nodes}plans:\n  down:\n    steps: [{ name: one, selector: nobody, action: "off" }]\n`);
    const { code, stderr } = await run(['--config', plan, 'config', 'check']);
    expect(stderr).toContain(`${plan}:4:36: plans.down.steps.0.selector: 'nobody' is not a node`);
    expect(code).toBe(78);
    expect((await run(['--config', plan, 'config', 'show'])).code).toBe(0);
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await run(['config', 'check'], { RACKUI_CONFIG: join(folder, 'none.yaml') });
    expect([code, stderr]).toEqual([78, expect.stringContaining('none.yaml: there is no such file')]);
  });
});

test('config show can be loaded again', async () => {
  const shown = await run([
    'config',
    'show',
    '--config',
    join(import.meta.dirname, '../../src/config/racks/er24a.yaml'),
  ]);
  const copy = join(folder, 'copy.yaml');
  writeFileSync(copy, shown.stdout);
  const { code, stdout } = await run(['--config', copy, 'config', 'check']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('rack er24a on /dev/serial0, 24 nodes')]);
});

test('config export writes a sheet that config import merges into another configuration', async () => {
  const rack = join(import.meta.dirname, '../../src/config/racks/er24a.yaml');
  const sheet = join(folder, 'sheet.csv');
  const exported = await run(['config', 'export', '--config', rack, '--write', sheet]);
  expect([exported.code, exported.stdout]).toEqual([0, `24 nodes of ${rack} written to ${sheet}\n`]);
  expect(readFileSync(sheet, 'utf8')).toContain('00,mcp01,192.168.197.4,e4:5f:01:40:58:80,,\r\n');
  const own = join(folder, 'own.yaml');
  writeFileSync(own, 'name: lab # mine\nnodes:\n  - { addr: "01", name: old, role: worker }\n');
  const merged = await run(['config', 'import', sheet, '--config', own]);
  expect(merged.code).toBe(0);
  expect(merged.stdout).toContain('name: lab # mine\n');
  expect(merged.stdout).toContain('{ addr: "01", name: dk8s-worker-01, role: worker, ip: 192.168.197.201 }');
  writeFileSync(own, merged.stdout);
  const { code, stdout } = await run(['--config', own, 'config', 'check']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('24 nodes')]);
});

test('config import names the line of every problem of a sheet', async () => {
  const sheet = join(folder, 'wrong.csv');
  const says = async (text: string): Promise<[number | null, string]> => {
    writeFileSync(sheet, text);
    const { code, stdout, stderr } = await run(['config', 'import', sheet, '--port', '/dev/none']);
    expect(stdout).toBe('');
    return [code, stderr];
  };
  expect(await says('BMC id,name\n80,a\n01,b b\n')).toEqual([78, expect.stringContaining(`${sheet}:2:1: BMC id '80'`)]);
  expect(await says('BMC id,name,ip\n00,a,1.2.3.4\n01,b b,1.2.3\n')).toEqual([
    78,
    expect.stringMatching(/wrong\.csv:3:1: name: [^]*wrong\.csv:3:1: ip: /),
  ]);
  expect(await says('BMC id,name\n00,a\n01,A\n')).toEqual([78, expect.stringContaining('names must be unique')]);
});

test('config schema is a JSON schema that knows the settings', async () => {
  const schema = JSON.parse((await run(['config', 'schema'])).stdout) as { properties: Record<string, unknown> };
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['port', 'nodes', 'poll', 'shutdown']));
});

test.each<[args: string[], says: string]>([
  [['staus'], "did you mean 'status'?"],
  [
    ['paln', 'list'],
    "'paln' is not a command; 'rackui --help' lists them, 'rackui' alone opens the interface; did you mean 'plan'?",
  ],
  [['status', '--jason'], "rackui: unknown option '--jason'; did you mean --json?"],
  [['config', 'chek'], "rackui: unknown command 'chek'; did you mean check?"],
  [['outage', 'reprot'], "outage has no 'reprot'; it has report, last, battery, mains, drill; did you mean 'report'?"],
  [['ops', 'a', 'b'], "too many arguments for 'ops'"],
  [['alarms', 'now'], "too many arguments for 'alarms'"],
  [
    ['off', 'n1', '--on-deadline', 'ctu'],
    "--on-deadline: found 'ctu'; allowed: leave (the default), cut; did you mean 'cut'?",
  ],
  [['off', 'n1', '--override', 'qourum'], "allowed: dns, quorum, fan; did you mean 'quorum'?"],
  [['console'], "missing required argument 'node'"],
  [['--socket'], 'argument missing'],
  [['sim', '--nonsense'], "unknown option '--nonsense'"],
  [['demo', '--seed', 'x', '--headless'], "option '--seed <n>' argument 'x' is invalid"],
])('%j is a usage error in words', async (args, says) => {
  const { code, stderr } = await run(args);
  expect(stderr).toContain(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(64);
});

test('--version and --help', async () => {
  expect((await rackuiProcess(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+( \([0-9a-f]{12}\+?\))?\n$/);
  const { code, stdout } = await run(['--help']);
  for (const command of ['status', 'on', 'off', 'cycle', 'ops', 'abort', 'console', 'events', 'serve', 'demo', 'sim'])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  expect(code).toBe(0);
});

test('a server that dies in the middle of a message: the command says so and ends', async () => {
  const socket = join(folder, 'torn.sock');
  const server = createServer((client) => {
    client.once('data', () => client.end('Content-Length: 500\r\n\r\n{"jsonrpc":"2.0",'));
    client.on('error', () => undefined);
  }).listen(socket);
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { code, stderr } = await run(['--socket', socket, 'status']);
    expect(stderr).not.toBe('');
    expect(code).toBe(5);
  } finally {
    server.close();
  }
});
