import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { eventually, refusal } from './harness.ts';
import { type ServeOptions, ServeProcess } from './process.ts';

const FOUR = `nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: alpha }
  - { addr: "02", name: beta }
  - { addr: "03", name: gamma }
`;

let rack: TestRack;
beforeAll(async () => {
  rack = await startRack({ args: ['--nodes', '4'] });
});
afterAll(() => rack.stop());

const sweep = { addrs: null, interrupt: false };

describe('with a rack', () => {
  test('without a configuration the bus is scanned: the first sweep has every node', async () => {
    await using server = await new ServeProcess({ port: rack.port }).ready();
    const { client } = await server.connect();
    const started = await client.request('sweep', sweep);
    expect(started.bus.state).toBe('ready');
    expect(started.rack.configured).toBe(false);
    expect(started.nodes.map(({ addr, reading }) => [addr, reading.state])).toEqual([0, 1, 2, 3].map((a) => [a, 'ok']));
    expect(started.rack.nodes[0]).toMatchObject({ name: 'node-00', role: 'master' });
  });

  test('killed without a word, the next one starts at once, on the same sockets', async () => {
    await using first = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
    const { client } = await first.connect();
    // In the middle of things: a pipe is open.
    await client.request('console.attach', { addr: 1, take: false, watch: false });
    await rack.until(({ bus }) => bus.console === '01');
    first.kill('SIGKILL');
    await first.exited;
    expect(existsSync(first.socket)).toBe(true);
    await using second = await new ServeProcess({ port: rack.port, config: FOUR, dir: first.dir }).ready();
    const again = await second.connect();
    const { nodes, bus } = await again.client.request('sweep', sweep);
    expect(bus.state).toBe('ready');
    expect(nodes.every(({ reading }) => reading.state === 'ok')).toBe(true);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: the pipe is closed, operators are told, nothing stays',
    async (signal) => {
      await using server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
      const alice = await server.connect();
      await alice.client.request('console.attach', { addr: 2, take: false, watch: false });
      await rack.until(({ bus }) => bus.console === '02');
      server.kill(signal);
      expect(await server.exited).toEqual({ code: 0, signal: null });
      // On a busy machine the rack reads its last bytes a moment after the server is gone.
      await rack.until(({ bus }) => bus.pipe === null && bus.console === null);
      await eventually(() => expect(alice.told.at(-1)).toBe(`closed: the server stops: ${signal}`));
      expect(existsSync(server.socket)).toBe(false);
      expect(readFileSync(join(server.stateDir, 'consoles', 'beta.log'), 'utf8')).toContain('the server stops');
    },
  );

  test('SIGHUP without a terminal, as logrotate sends it, ends neither server nor console', async () => {
    await using server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
    const alice = await server.connect();
    await alice.client.request('console.attach', { addr: 2, take: false, watch: false });
    for (let n = 0; n < 3; n++) server.kill('SIGHUP');
    await alice.client.request('console.log', { text: 'still here' });
    expect(alice.told.filter((text) => text.startsWith('closed'))).toEqual([]);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test('with --exit-with-stdin it goes with whoever started it', async () => {
    await using server = await new ServeProcess({ port: rack.port, config: FOUR, args: ['--exit-with-stdin'] }).ready();
    server.endStdin();
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test('started by a client it leaves when nobody is left', async () => {
    const config = `${FOUR}server: { linger: 0.2 }\n`;
    await using server = await new ServeProcess({ port: rack.port, config, args: ['--autostarted'] }).ready();
    const { client } = await server.connect();
    expect((await client.request('server.info', {})).autostarted).toBe(true);
    client.close();
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test('it stays silent about the unlock string', async () => {
    await using locked = await startRack({ args: ['--nodes', '2', '--unlock', 'Sesame42'] });
    const dir = mkdtempSync(join(tmpdir(), 'rackui-test-unlock-'));
    writeFileSync(join(dir, 'unlock'), 'Sesame42\n', { mode: 0o600 });
    await using server = await new ServeProcess({
      port: locked.port,
      config: `unlock: { file: ${join(dir, 'unlock')} }\n`,
    }).ready();
    const { client } = await server.connect();
    const snapshot = await client.request('sweep', sweep);
    expect(snapshot.bus.state).toBe('ready');
    const info = await client.request('server.info', {});
    const logs = ['server.log', 'events.jsonl'].map((name) => readFileSync(join(server.stateDir, name), 'utf8'));
    expect([JSON.stringify([snapshot, info]), server.said, ...logs].join('\n')).not.toContain('Sesame42');
    rmSync(dir, { recursive: true });
  });
});

describe('with a rack, by one server', () => {
  let server: ServeProcess;
  beforeAll(async () => {
    server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('sockets: the control socket is for owner and group, the view-only one for the owner unless configured', async () => {
    expect(statSync(server.socket).mode & 0o777).toBe(0o660);
    expect(statSync(server.socket.replace('.sock', '.view.sock')).mode & 0o777).toBe(0o600);
    await using open = await new ServeProcess({
      port: '/dev/rackui-test-nothing',
      config: 'server: { viewOnly: { everyone: true } }\n',
    }).ready();
    expect(statSync(open.socket.replace('.sock', '.view.sock')).mode & 0o777).toBe(0o666);
    expect(statSync(server.stateDir).mode & 0o777).toBe(0o700);
  });

  test('a second server says who has the port, and leaves with 5', async () => {
    // Another name of the same device is the same device.
    await using second = new ServeProcess({ port: rack.link, config: FOUR });
    expect((await second.exited).code).toBe(5);
    expect(second.said).toContain(`pid ${server.pid}`);
    expect(second.said).toContain(server.socket);
    const { client } = await server.connect();
    expect((await client.request('sweep', sweep)).bus.state).toBe('ready');
  });

  test('a console through the real line: login prompt, transcript', async () => {
    const alice = await server.connect();
    await alice.client.request('sweep', sweep);
    await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
    await rack.until(({ bus }) => bus.console === '01');
    alice.type(1, '\r');
    await eventually(() => expect(alice.seen).toMatch(/login: /));
    alice.type(1, 'pi\r');
    await eventually(() => expect(alice.seen).toMatch(/assword: /));
    await alice.client.request('console.detach', {});
    await rack.until(({ bus }) => bus.pipe === null);
    await eventually(() => {
      const transcript = readFileSync(join(server.stateDir, 'consoles', 'alpha.log'), 'utf8');
      expect(transcript).toMatch(/console opened[^]*login: pi[^]*assword: [^]*alice detached/);
    });
  });
});

/** Runs `rackui serve` in this process, which it leaves as it was, to the end that it comes to at once. */
async function refused({
  config = 'name: test\n',
  args = [],
}: Pick<ServeOptions, 'config' | 'args'>): Promise<{ code: number | null; said: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-test-refused-'));
  const file = join(dir, 'rack.yaml');
  writeFileSync(file, config);
  const places = ['--port', '/dev/rackui-test-nothing', '--socket', join(dir, 'socket'), '--state', join(dir, 'state')];
  const umask = process.umask(0o077);
  try {
    const { code, stdout, stderr } = await startCommand(['serve', '--config', file, ...places, ...args]).ended;
    return { code, said: stdout + stderr };
  } finally {
    process.umask(umask);
    rmSync(dir, { recursive: true, force: true });
  }
}

describe('without a rack', () => {
  test('a port that is missing: it serves all the same, says so, and opens the port when it comes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rackui-test-port-'));
    const port = join(dir, 'tty');
    await using server = await new ServeProcess({ port, config: FOUR }).ready();
    const alice = await server.connect();
    const { bus, nodes } = await alice.client.request('sweep', sweep);
    expect(bus).toMatchObject({ state: 'down', detail: expect.stringContaining(`${port} does not exist`) as string });
    expect(nodes.map(({ reading }) => reading.state)).toEqual(Array(4).fill('unasked'));
    symlinkSync(rack.port, port);
    await alice.client.request('bus.retry', {});
    await eventually(() => expect(alice.updates.some((update) => update.bus?.state === 'ready')).toBe(true));
    rmSync(dir, { recursive: true });
  });

  test.each([
    ['a socket that is a file', { args: ['--socket', '/etc/hostname'] }, 5, /is no socket/],
    ['a socket path too long', { args: ['--socket', `/tmp/${'x'.repeat(120)}.sock`] }, 5, /longer than 107 bytes/],
    [
      'a state directory that is a file',
      { args: ['--state', '/etc/hostname'] },
      5,
      /state directory \/etc\/hostname cannot be used/,
    ],
    [
      'a group that is not',
      { config: 'server: { group: no-such-group }\n' },
      78,
      /rack\.yaml: server\.group: .*no group/,
    ],
    [
      'a secret that is not',
      { config: 'unlock: { file: /no/such/file }\n' },
      78,
      /cannot read the secret in \/no\/such\/file/,
    ],
    ['a configuration with a mistake', { config: 'nods: []\n' }, 78, /rack\.yaml:1:1: .*no such setting/],
  ])('%s: one sentence and its exit code', async (_what, options, code, words) => {
    const ran = await refused(options);
    expect(ran.code).toBe(code);
    expect(ran.said).toMatch(words);
    expect(ran.said).not.toMatch(/^ +at /m);
  });

  test('an unlock string that could cut power is refused without being shown', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rackui-test-unlock-'));
    writeFileSync(join(dir, 'unlock'), 'ab\\cd\n', { mode: 0o600 });
    const { code, said } = await refused({ config: `unlock: { file: ${join(dir, 'unlock')} }\n` });
    expect(code).toBe(78);
    expect(said).toContain('BIOS command character');
    expect(said).not.toContain('ab\\cd');
    rmSync(dir, { recursive: true });
  });

  test('a disconnect during server.stop of nobody: an unknown method is an error, not the end', async () => {
    await using server = await new ServeProcess({ port: '/dev/rackui-test-nothing', config: FOUR }).ready();
    const { client } = await server.connect();
    await refusal(client.request('no.such.method' as never, {} as never));
    await client.request('server.stop', {});
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });
});
