/** The typed client over streams and sockets, and how it finds or starts a server. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { RPC_ERROR, type ClientIdentity } from '../../src/api/methods.ts';
import { connectOrStart, identity, ServerUnavailable } from '../../src/client/autostart.ts';
import { connect, type RackClient } from '../../src/client/client.ts';
import type { MachineSource } from '../../src/client/process-lifetime.ts';

const WHO: ClientIdentity = { user: 'pi', from: null, tty: null, program: 'test', pid: 1 };

/** Two ends of one stream. */
function pair(): [Duplex, Duplex] {
  const end = (): Duplex => new Duplex({ read: () => undefined });
  const [a, b] = [end(), end()];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from._write = (chunk, _encoding, done) => {
      to.push(chunk);
      done();
    };
    from._final = (done) => {
      to.push(null);
      done();
    };
  }
  return [a, b];
}

/** A server's end that says hello; what it answers otherwise is up to the test. */
function serverOn(stream: Duplex): MessageConnection {
  const rpc = createMessageConnection(new StreamMessageReader(stream), new StreamMessageWriter(stream));
  rpc.onRequest('hello', () => ({ session: 1, pid: 42, snapshot: { now: 1_000 } }));
  rpc.listen();
  return rpc;
}

async function connected(): Promise<{ client: RackClient; rpc: MessageConnection; theirs: Duplex }> {
  const [ours, theirs] = pair();
  const rpc = serverOn(theirs);
  return { client: await connect(ours, WHO), rpc, theirs };
}

const event = (seq: number): object => ({ seq, at: 0, level: 'info', topic: 'bus', addr: null, text: '' });

describe('connect', () => {
  test('a request that the server does not know is answered in words, without the name of a method', async () => {
    const { client } = await connected();
    const error: unknown = await client.request('outage.status', {}).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: RPC_ERROR.version });
    expect(String(error)).toContain('the server is older than this program');
    expect(String(error)).not.toContain('outage.status');
    client.close();
  });

  test('notes that came before anybody listened are delivered in order', async () => {
    const { client, rpc } = await connected();
    for (const seq of [1, 2, 3]) await rpc.sendNotification('event', event(seq));
    await client.request('ops.list', {}).catch(() => undefined);
    const heard: number[] = [];
    await new Promise<void>((resolve) => {
      client.on('event', ({ seq }) => {
        heard.push(seq);
        if (heard.length === 3) resolve();
      });
    });
    expect(heard).toEqual([1, 2, 3]);
  });

  test('a request that is under way when the server goes is refused as unavailable, and later ones too', async () => {
    const { client, rpc, theirs } = await connected();
    rpc.onRequest('ops.list', () => new Promise(() => undefined));
    const pending = client.request('ops.list', {});
    const closed = new Promise<string>((resolve) => client.onClose(resolve));
    theirs.push(null);
    theirs.destroy();
    client.close();
    await expect(pending).rejects.toMatchObject({ code: RPC_ERROR.unavailable });
    await expect(client.request('ops.list', {})).rejects.toMatchObject({ code: RPC_ERROR.unavailable });
    expect(await closed).not.toBe('');
    // Who asks later is told as well.
    expect(await new Promise<string>((resolve) => client.onClose(resolve))).toBe(await closed);
  });
});

describe('connectOrStart', () => {
  let folder: string;
  let server: Server | null = null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rackui-test-client-'));
  });
  afterEach(() => {
    server?.close();
    server = null;
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (script: string): { command: [string, ...string[]]; socket: string; stateDir: string } => ({
    command: [process.execPath, '-e', script],
    socket: join(folder, 'rack.sock'),
    stateDir: join(folder, 'state'),
  });

  test('takes the first socket at which somebody listens, and starts nothing', async () => {
    const socket = join(folder, 'second.sock');
    server = createServer((stream) => serverOn(stream));
    await new Promise<void>((resolve) => server?.listen(socket, resolve));
    const sockets = [join(folder, 'first.sock'), socket];
    const client = await connectOrStart({ sockets, who: WHO, start: start('process.exit(1)') });
    expect(client.welcome.pid).toBe(42);
    client.close();
  });

  test('nobody there and nothing to start: says where it looked and what to do', async () => {
    const socket = join(folder, 'none.sock');
    const trying = connectOrStart({ sockets: [socket], who: WHO, start: null });
    await expect(trying).rejects.toThrow(ServerUnavailable);
    await expect(trying).rejects.toThrow(`no rackui server answers at ${socket}`);
  });

  test('a client that has ended starts no server', async () => {
    const trace = join(folder, 'trace');
    const own = start(`require('fs').writeFileSync(${JSON.stringify(trace)}, ''); process.exit(5)`);
    const signal = AbortSignal.abort();
    const trying = connectOrStart({ sockets: [own.socket], who: WHO, start: own, signal });
    await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
    expect(existsSync(trace)).toBe(false);
  });

  test('a server that ends at once is quoted', async () => {
    const dying = start('console.error("rackui: the bus on /dev/x is taken by screen (pid 9)"); process.exit(5)');
    await expect(connectOrStart({ sockets: [dying.socket], who: WHO, start: dying })).rejects.toThrow(
      'ended (exit code 5): rackui: the bus on /dev/x is taken by screen (pid 9)',
    );
  });

  test('that systemd will end it is said before a server is started, once, and nothing where it will not', async () => {
    const source = (cgroup: string): MachineSource => ({
      text: (path) => (path === '/proc/self/cgroup' ? cgroup : null),
      list: () => [],
      output: () => null,
    });
    const trace = join(folder, 'trace');
    const dying = start(`require('fs').appendFileSync(${JSON.stringify(trace)}, 'started;'); process.exit(5)`);
    const warn = (text: string): void => appendFileSync(trace, `${text};`);
    const begin = (cgroup: string): Promise<RackClient> =>
      connectOrStart({ sockets: [dying.socket], who: WHO, start: dying, warn, machine: source(cgroup) });
    await expect(begin('0::/system.slice/backup.service\n')).rejects.toThrow(ServerUnavailable);
    expect(readFileSync(trace, 'utf8')).toMatch(
      /^a server is started in the background, and it ends with backup\.service[^;]*'rackui serve' as a service[^;]*;started;$/,
    );
    rmSync(trace);
    await expect(begin('0::/system.slice/docker-0a.scope\n')).rejects.toThrow(ServerUnavailable);
    expect(readFileSync(trace, 'utf8')).toBe('started;');
  });

  test('a server that answers later than a running one does is waited for while its process lives', async () => {
    const pid = JSON.stringify(join(folder, 'pid'));
    const slow = start(`require('fs').writeFileSync(${pid}, String(process.pid)); setInterval(() => undefined, 1000)`);
    const begun = Date.now();
    const trying = connectOrStart({ sockets: [slow.socket], who: WHO, start: slow });
    try {
      // A running server has 5 s for its answer.
      await vi.waitUntil(() => Date.now() - begun > 6_000 && existsSync(join(folder, 'pid')), { timeout: 60_000 });
      server = createServer((stream) => serverOn(stream));
      server.listen(slow.socket);
      const client = await trying;
      expect(client.welcome.pid).toBe(42);
      client.close();
    } finally {
      process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')));
    }
  });

  test('a started server outlives its starter: it leads a session of its own', async () => {
    const script = join(folder, 'server.cjs');
    // The fields of /proc/PID/stat after the name: state, parent, group, session.
    writeFileSync(
      script,
      `const fs = require('fs');
       const stat = fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
       fs.writeFileSync(process.argv[2] + '.session', stat[3] + ' ' + process.pid);
       process.exit(5);`,
    );
    const { socket, stateDir } = start('');
    const command: [string, ...string[]] = [process.execPath, script, socket];
    await expect(
      connectOrStart({ sockets: [socket], who: WHO, start: { command, socket, stateDir } }),
    ).rejects.toThrow();
    const [session, pid] = readFileSync(`${socket}.session`, 'utf8').split(' ');
    expect(session).toBe(pid);
  });
});

test.each<[env: NodeJS.ProcessEnv, from: string | null]>([
  [{}, null],
  [{ SSH_CONNECTION: '192.0.2.7 50000 192.0.2.1 22' }, '192.0.2.7'],
  [{ SSH_CLIENT: '2001:db8::7 50000 22' }, '2001:db8::7'],
])('who asks: %j comes from %s', (env, from) => {
  expect(identity('off', env, '/dev/pts/3')).toMatchObject({
    from,
    tty: '/dev/pts/3',
    program: 'off',
    pid: process.pid,
  });
});
