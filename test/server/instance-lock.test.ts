/** One server a port, and who is believed to be it: with real processes of several users. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { announcementName } from '../../src/config/server-announcement.ts';
import { IS_ROOT, NOBODY, rackuiAs, runAs, STRANGER } from '../support/other-user.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { ServeProcess } from './process.ts';

const SWEEP = { addrs: null, interrupt: false };

let rack: TestRack;
let dirs: string;
let dir: string;
beforeAll(async () => {
  rack = await startRack({ args: ['--nodes', '3'] });
  dirs = mkdtempSync(join(tmpdir(), 'rackui-test-users-'));
  chmodSync(dirs, 0o755);
});
afterAll(async () => {
  await rack.stop();
  rmSync(dirs, { recursive: true, force: true });
});
beforeEach(() => {
  dir = mkdtempSync(join(dirs, 'test-'));
  chmodSync(dir, 0o755);
});
afterEach(() => chownSync(rack.port, 0, 0));

/** A program that listens at these names (NUL first: abstract) and tells what it hears. */
function listener(names: readonly string[], answer: string): [string, ...string[]] {
  const script = `for (const name of ${JSON.stringify(names)}) require('net').createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => console.log('heard ' + chunk.toString('hex')));
      ${answer === '' ? '' : `socket.end(${JSON.stringify(answer)});`}
    }).listen(name, () => console.log('listens'));
    process.umask(0);`;
  return [process.execPath, '-e', script];
}

describe.runIf(IS_ROOT)('servers of several users', () => {
  test('a user without access to the port starts no server, and hears why', async () => {
    await using asking = rackuiAs(NOBODY, dir, ['status', '--port', rack.port]);
    expect(await asking.exited).toBe(5);
    expect(asking.said()).toContain(`may not open ${rack.port}, so no server is started`);
    expect(existsSync(join(dir, `home-${NOBODY}`, '.local'))).toBe(false);
  });

  test('a server that may not open the port keeps no other from it', async () => {
    await using useless = rackuiAs(NOBODY, dir, ['serve', '--port', rack.port]);
    await useless.until(/^ready/m);
    await using service = await new ServeProcess({ port: rack.port }).ready();
    const { client } = await service.connect();
    expect((await client.request('sweep', SWEEP)).bus.state).toBe('ready');
  });

  test('root finds the server of another user that holds the port', async () => {
    chownSync(rack.port, NOBODY, -1);
    await using server = rackuiAs(NOBODY, dir, ['serve', '--port', rack.port]);
    await server.until(/^ready/m);
    await using asking = rackuiAs(0, dir, ['server', 'status', '--port', rack.port]);
    expect(await asking.exited).toBe(0);
    expect(asking.said()).toContain(join(dir, `home-${NOBODY}`));
    await using second = rackuiAs(0, dir, ['serve', '--port', rack.port]);
    expect(await second.exited).toBe(5);
    expect(second.said()).toMatch(
      /already has a rackui server \(pid \d+, user nobody, socket \S+\.sock\): connect to it/,
    );
  });

  test('a user outside of the group is told whose server it is, and is not connected', async () => {
    chownSync(rack.port, NOBODY, -1);
    await using server = rackuiAs(NOBODY, dir, ['serve', '--port', rack.port]);
    await server.until(/^ready/m);
    chmodSync(join(dir, `home-${NOBODY}`), 0o755);
    chmodSync(join(dir, `home-${NOBODY}`, 'run'), 0o755);
    chmodSync(join(dir, `home-${NOBODY}`, 'run', 'rackui'), 0o755);
    await using asking = rackuiAs(STRANGER, dir, ['status', '--port', rack.port]);
    expect(await asking.exited).toBe(5);
    expect(asking.said()).toMatch(
      /used by the rackui server of user nobody \(pid \d+\), and this program cannot connect to it/,
    );
  });

  test.each([
    ['a directory in /tmp that a stranger made first', 0o755],
    ['a directory that everybody can write', 0o777],
  ])('a client believes no socket in %s', async (_what, mode) => {
    const temp = join(dir, 'tmp');
    mkdirSync(temp);
    chmodSync(temp, 0o1777);
    const place = join(temp, `rackui-${STRANGER}`);
    mkdirSync(place);
    chmodSync(place, mode);
    chownSync(place, NOBODY, NOBODY);
    const slug = rack.port.slice(1).replaceAll('/', '-');
    await using stranger = runAs(NOBODY, listener([join(place, `${slug}.sock`)], ''));
    await stranger.until(/listens/);
    await using asking = rackuiAs(STRANGER, dir, ['status', '--port', rack.port], {
      XDG_RUNTIME_DIR: '',
      TMPDIR: temp,
    });
    expect(await asking.exited).toBe(5);
    expect(asking.said()).toMatch(/is not trusted, because \S+ (belongs to user id 65534|is writable by others)/);
    await using named = rackuiAs(STRANGER, dir, ['status', '--socket', join(place, `${slug}.sock`)]);
    expect(await named.exited).toBe(5);
    expect(named.said()).toContain('is not trusted');
    expect(stranger.said()).not.toContain('heard');
  });

  test('a socket that cannot be given to its group ends the server with a sentence', async () => {
    chownSync(rack.port, NOBODY, -1);
    const config = join(dir, 'rack.yaml');
    writeFileSync(config, 'server: { group: root }\n', { mode: 0o644 });
    await using server = rackuiAs(NOBODY, dir, ['serve', '--port', rack.port, '--config', config]);
    expect(await server.exited).toBe(5);
    expect(server.said()).toMatch(
      /cannot be given to group id 0 \(EPERM\): add the server's user nobody to that group/,
    );
  });
});

// Each on a port of its own: what takes their time is that the server waits for an announcement that it can confirm.
describe.runIf(IS_ROOT).concurrent('beside a stranger', () => {
  test.each([
    ['says nothing', ''],
    ['claims to be a server', JSON.stringify({ pid: 1, user: 'root', socket: '/run/x.sock', leaving: false })],
    ['says that it leaves', JSON.stringify({ pid: 1, user: 'root', socket: '/etc/hostname', leaving: true })],
    ['sends a terminal sequences', JSON.stringify({ pid: 1, socket: '/tmp/\x1b]0;owned\x07', leaving: false })],
  ])('a stranger who takes the abstract name and %s stops no server', async (_what, answer) => {
    await using rack = await startRack({ args: ['--nodes', '3'] });
    await using squatter = runAs(NOBODY, listener([announcementName(rack.port)], answer));
    await squatter.until(/listens/);
    await using service = await new ServeProcess({ port: rack.port }).ready();
    const { client } = await service.connect();
    expect((await client.request('sweep', SWEEP)).bus.state).toBe('ready');
    const events = await client.request('events.list', { limit: 50 });
    expect(events.map(({ text }) => text).join('\n')).toContain(
      'another program uses the abstract socket name of the servers',
    );
    expect(service.said).not.toContain('owned');
    await using second = new ServeProcess({ port: rack.port });
    await second.ready();
    const other = await second.connect();
    // The port itself is the lock.
    expect((await other.client.request('sweep', SWEEP)).bus).toMatchObject({ state: 'down' });
  });
});

test('two servers started at once: one serves, the other says which', async () => {
  await using a = new ServeProcess({ port: rack.port });
  await using b = new ServeProcess({ port: rack.port });
  const [ready, refused] = await Promise.race([
    a.exited.then(() => [b, a] as const),
    b.exited.then(() => [a, b] as const),
  ]);
  expect((await refused.exited).code).toBe(5);
  expect(refused.said).toContain(`pid ${ready.pid}`);
  await ready.ready();
});

test('a server that has opened the port and announces itself a moment later is waited for', async () => {
  const socket = join(dir, 'rackui.sock');
  // The server asks at the name before it opens the port, when it finds it held, and then until there is an answer.
  const script = `require('fs').openSync(${JSON.stringify(rack.port)}, 'r+');
    const announcement = JSON.stringify({ pid: process.pid, socket: ${JSON.stringify(socket)}, leaving: false });
    let asked = 0;
    const { createServer } = require('net');
    createServer((one) => one.end(++asked < 5 ? '' : announcement)).listen(${JSON.stringify(announcementName(rack.port))});
    createServer(() => undefined).listen(${JSON.stringify(socket)}, () => console.log('listens'));`;
  const first = spawn(process.execPath, ['-e', script, 'rackui'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(first.stdout, 'data');
    await using second = new ServeProcess({ port: rack.port });
    expect((await second.exited).code).toBe(5);
    expect(second.said).toContain(`pid ${first.pid}`);
  } finally {
    first.kill('SIGKILL');
  }
});

test('of several racks one that another server has is served when that one ends', async () => {
  const other = await startRack({ args: ['--nodes', '2'] });
  try {
    await using holder = await new ServeProcess({ port: other.port }).ready();
    for (const [name, port] of [
      ['north', rack.port],
      ['south', other.port],
    ] as const)
      writeFileSync(join(dir, `${name}.yaml`), `name: ${name}\nport: ${port}\n`);
    writeFileSync(join(dir, 'racks.yaml'), 'racks: [north.yaml, south.yaml]\n');
    await using both = rackuiAs(0, dir, ['serve', '--config', join(dir, 'racks.yaml')]);
    await both.until(/^ready .*/m);
    await both.until(/rack south is not served yet: the bus on .* already has a rackui server \(pid \d+/);
    holder.kill('SIGTERM');
    await holder.exited;
    await both.until(new RegExp(`^ready socket=\\S+ port=${other.port}$`, 'm'));
  } finally {
    await other.stop();
  }
});
