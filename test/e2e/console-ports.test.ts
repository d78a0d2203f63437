/**
 * Debian's terminal programs and console servers at a node's pseudo-terminal and Unix socket: they type, read, log and
 * share it, and neither 0x07 nor what they do to a serial port at start and end does harm. Needs a build.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConsoleState } from '../../src/api/methods.ts';
import type { RackClient } from '../../src/client/client.ts';
import { startCommand } from '../support/command.ts';
import { missing, startDaemon } from '../support/daemon.ts';
import { innerStand } from '../support/inner-stand.ts';
import { freePort } from '../support/nut.ts';
import { eightNodes, PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';

const WAIT = 60_000;
const LIMIT = { timeout: WAIT, interval: 200 };
const LONG = 240_000;
const run = promisify(execFile);

let folder: string;
let sockets: string;
let rack: Stand;
let watcher: RackClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-ports-'));
  sockets = join(folder, 'consoles');
  rack = await innerStand({ config: `console: { sockets: ${sockets} }\n${eightNodes()}`, sim: ['--time-scale', '4'] });
  watcher = await rack.client('watcher');
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const open = async (): Promise<ConsoleState | null> =>
  (await watcher.request('sweep', { addrs: [], interrupt: false })).console;
/** Keys that a BIOS has executed. */
const stray = async (): Promise<unknown> => {
  const { bus, nodes } = await rack.rack.counters();
  return [bus.masterForConsole, ...Object.values(nodes).map(({ biosForConsole }) => biosForConsole.printable)];
};
const NONE = [{ printable: 0, control: 0 }, ...Array.from({ length: 8 }, () => 0)];
const typedAt = async (addr: string): Promise<number> => (await rack.rack.counters()).nodes[addr]?.consoleIn ?? 0;
const log = async (node: string): Promise<string> =>
  (await startCommand(['--socket', rack.socket, 'log', node]).ended).stdout;

/** Offers a node's console at a link, until it is disposed of. */
const offerConsole = (node: string, link: string): TestTerminal =>
  openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'console', node, '--pty', link], { cols: 300 });

/** Programs at the pseudo-terminal; `leave` are the keys that end it, `more` those that send a break. */
const PROGRAMS = [
  { name: 'tio', path: '/usr/bin/tio', args: ['-b', '9600'], ready: 'Connected', more: '\x14b', leave: '\x14q' },
  {
    name: 'picocom',
    path: '/usr/bin/picocom',
    args: ['--nolock', '-b', '9600'],
    ready: 'Terminal ready',
    more: '\x01\x1c',
    leave: '\x01\x18',
  },
  {
    name: 'minicom',
    path: '/usr/bin/minicom',
    args: ['-o', '-b', '9600', '-D'],
    ready: 'Welcome to minicom',
    more: '\x01f',
    leave: '\x01q\r',
  },
  { name: 'screen', path: '/usr/bin/screen', args: [], ready: null, more: '\x01\x02', leave: '\x01k' + 'y' },
];

describe.each(PROGRAMS)('$name at the pseudo-terminal', ({ name, path, args, ready, more, leave }) => {
  test.skipIf(missing(path).length > 0)(
    'types and reads; a break and 0x07 reach nothing; the console survives its end',
    async () => {
      const link = join(folder, name);
      await using offer = offerConsole('n2', link);
      await offer.waitFor(`its console is at ${link}`, undefined, WAIT);
      const env = { HOME: folder, TERM: 'xterm', SCREENDIR: undefined };
      await using terminal = openTerminal(path, [...args, link], { env });
      if (ready !== null) await terminal.waitFor(ready, undefined, WAIT);
      await wake(terminal);
      terminal.type(more);
      // minicom drops what is typed while it sends a break.
      await wake(terminal);
      terminal.type(`no\x07body-${name}\r`);
      await offer.waitFor('Ctrl-G was not sent', undefined, WAIT);
      await terminal.waitFor(`nobody-${name}`, undefined, WAIT);
      await terminal.waitFor('assword:', undefined, WAIT);
      terminal.type('x\r');
      await terminal.waitFor(/incorrect[^]*login: *$/m, undefined, WAIT);
      expect(await log('n2')).toContain(`nobody-${name}`);
      expect(await stray()).toEqual(NONE);
      terminal.type(leave);
      await terminal.exited;
    },
    LONG,
  );
});

test(
  'echo that a program left on at the pseudo-terminal types nothing at the node',
  async () => {
    const link = join(folder, 'echo');
    await using offer = offerConsole('n7', link);
    await offer.waitFor(`its console is at ${link}`, undefined, WAIT);
    let heard = '';
    const stop = watcher.on('console.data', ({ data }) => (heard += Buffer.from(data, 'base64').toString('latin1')));
    await watcher.request('console.attach', { addr: 7, take: false, watch: true });
    await run('/usr/bin/stty', ['-F', link, 'sane']);
    const typed = await typedAt('07');
    writeFileSync(link, '\r');
    await expect.poll(() => heard, LIMIT).toContain('login:');
    writeFileSync(link, 'x\r');
    await expect.poll(() => heard, LIMIT).toContain('assword:');
    expect(await typedAt('07')).toBe(typed + 3);
    await watcher.request('console.detach', {});
    stop();
  },
  LONG,
);

/** Presses Enter until a login prompt comes. */
async function wake(terminal: TestTerminal): Promise<void> {
  const prompts = (): number => terminal.text().split('login:').length;
  const before = prompts();
  const shows = (): boolean => prompts() > before;
  // Programs discard what they are given before they have set up their port.
  await expect.poll(() => shows() || (terminal.type('\r'), false), { timeout: WAIT, interval: 2_000 }).toBe(true);
}

/** A raw connection to a node's socket, and everything that came. */
function plug(node: string): Disposable & { socket: Socket; said: () => string } {
  const socket = connect(join(sockets, node));
  let said = '';
  socket.on('data', (chunk) => (said += chunk.toString('latin1')));
  return { socket, said: () => said, [Symbol.dispose]: () => void socket.destroy() };
}

describe('the sockets', () => {
  test(
    'a connection alone opens no console; its first key does, its end closes it; another one waits',
    async () => {
      expect(statSync(join(sockets, 'n4')).mode & 0o777).toBe(0o660);
      using first = plug('n4');
      using second = plug('n4');
      using other = plug('n5');
      await expect
        .poll(async () => (await watcher.request('sweep', { addrs: [], interrupt: false })).sessions, LIMIT)
        .toEqual(
          expect.arrayContaining([
            expect.objectContaining({ who: expect.objectContaining({ user: "n5's socket" }) as unknown }),
          ]),
        );
      expect(await open()).toBeNull();
      first.socket.write('\r');
      await expect.poll(first.said, LIMIT).toContain('n4 login:');
      expect(second.said()).toContain('n4 login:');
      expect(await open()).toMatchObject({ addr: 4, holderName: "n4's socket" });
      second.socket.write('x');
      await expect.poll(second.said, LIMIT).toContain("[rackui: not sent: n4's socket has the keyboard");
      other.socket.write('\r');
      await expect
        .poll(other.said, LIMIT)
        .toMatch(/\[rackui: not sent: n4's socket has the keyboard of the console of n4/);
      first.socket.write('a\x07b');
      await expect.poll(first.said, LIMIT).toContain('[rackui: Ctrl-G was not sent');
      await expect.poll(first.said, LIMIT).toMatch(/\]\s+ab$/);
      expect(await stray()).toEqual(NONE);
      first.socket.end();
      await expect.poll(open, LIMIT).toBeNull();
      other.socket.write('\r');
      await expect.poll(other.said, LIMIT).toContain('n5 login:');
      for (const { socket } of [second, other]) socket.destroy();
      await expect.poll(open, LIMIT).toBeNull();
    },
    LONG,
  );

  test('the master’s socket says that it has no console', async () => {
    using master = plug('n0');
    const { socket, said } = master;
    socket.write('\r');
    await expect.poll(said, LIMIT).toContain('not sent: this node is the master, which has no console');
  });

  const noConserver = missing('/usr/sbin/conserver', '/usr/bin/console').length > 0;
  test.skipIf(noConserver)(
    'conserver shares a socket between two users, logs it, and 0x07 stops at the guard',
    async () => {
      const port = await freePort();
      const config = join(folder, 'conserver.cf');
      const node = `type uds; uds ${sockets}/&; udssubst &=cs; logfile ${folder}/conserver-&.log; master localhost; rw *;`;
      writeFileSync(
        config,
        `default node { ${node} }\naccess * { trusted 127.0.0.1; }\n` +
          ['n3', 'n6'].map((name) => `console ${name} { include node; }\n`).join(''),
      );
      writeFileSync(join(folder, 'conserver.passwd'), '*any*:\n');
      await using daemon = startDaemon('/usr/sbin/conserver', [
        ...['-C', config, '-P', join(folder, 'conserver.passwd'), '-M', '127.0.0.1', '-p', `${port}`],
        ...['-b', `${await freePort()}`, '-E'],
      ]);
      const master = ['-M', '127.0.0.1', '-p', `${port}`, '-E'];
      const up = (): Promise<string> =>
        run('/usr/bin/console', [...master, '-u']).then(
          ({ stdout }) => stdout,
          () => daemon.said(),
        );
      await expect.poll(up, LIMIT).toMatch(/n6\s+up[^]*n3\s+up/);
      expect(await open()).toBeNull();
      await using one = openTerminal('/usr/bin/console', [...master, '-l', 'ann', 'n3']);
      await one.waitFor('Enter `^Ec?', undefined, WAIT);
      await using two = openTerminal('/usr/bin/console', [...master, '-l', 'bob', '-s', 'n3']);
      await two.waitFor('Enter `^Ec?', undefined, WAIT);
      await wake(one);
      one.type('no\x07body\r');
      await one.waitFor('Ctrl-G was not sent', undefined, WAIT);
      await two.waitFor('Password:', undefined, WAIT);
      await one.waitFor('assword:', undefined, WAIT);
      expect(await stray()).toEqual(NONE);
      expect(await log('n3')).toMatch(/^\S+ \| nobody$/m);
      await expect
        .poll(() => readFileSync(join(folder, 'conserver-n3.log'), 'utf8'), LIMIT)
        .toMatch(/n3 login:[^]*Password:/);
    },
    LONG,
  );

  const noConman = missing('/usr/sbin/conmand', '/usr/bin/conman').length > 0;
  test.skipIf(noConman)(
    'conman connects to every socket, and types at one console after another; 0x07 stops at the guard',
    async () => {
      const port = await freePort();
      const config = join(folder, 'conman.conf');
      const logs = join(folder, 'conman');
      mkdirSync(logs, { recursive: true });
      const nodes = ['n1', 'n2', 'n3', 'n6'].map((name) => `CONSOLE name="${name}" dev="unix:${sockets}/${name}"\n`);
      writeFileSync(
        config,
        `SERVER loopback=ON\nSERVER port=${port}\nSERVER logdir="${logs}"\nGLOBAL log="%N.log"\n${nodes.join('')}`,
      );
      await using daemon = startDaemon('/usr/sbin/conmand', ['-F', '-c', config]);
      const listens = (): Promise<string> =>
        run('/usr/bin/conman', ['-d', `127.0.0.1:${port}`, '-q']).then(
          ({ stdout }) => stdout,
          () => daemon.said(),
        );
      await expect.poll(listens, LIMIT).toContain('n6');
      const at = (name: string): TestTerminal => openTerminal('/usr/bin/conman', ['-d', `127.0.0.1:${port}`, name]);
      {
        await using terminal = at('n6');
        await terminal.waitFor('onnection to console [n6] opened', daemon.said(), WAIT);
        expect(await open()).toBeNull();
        await wake(terminal);
        terminal.type('no\x07body\r');
        await terminal.waitFor('Ctrl-G was not sent', undefined, WAIT);
        // The remark may stand within the echo: the next question shows that the whole name has arrived.
        await terminal.waitFor('Password:', undefined, WAIT);
        await using other = at('n1');
        await other.waitFor('onnection to console [n1] opened', daemon.said(), WAIT);
        other.type('\r');
        await other.waitFor("n6's socket has the keyboard of the console of n6", undefined, WAIT);
        expect(await stray()).toEqual(NONE);
        await expect.poll(() => readFileSync(join(logs, 'n6.log'), 'utf8'), LIMIT).toMatch(/n6 login:[^]*Password:/);
        terminal.type('&.');
        other.type('&.');
        await Promise.all([terminal.exited, other.exited]);
      }
    },
    LONG,
  );

  const noExpect = missing('/usr/bin/expect').length > 0;
  test.skipIf(noExpect)(
    'expect logs in at the pseudo-terminal, runs a command and logs out',
    async () => {
      const link = join(folder, 'expect');
      await using offer = offerConsole('n7', link);
      await offer.waitFor(`its console is at ${link}`, undefined, WAIT);
      const script = `
        set timeout 60
        spawn -noecho -open [open ${link} r+]
        send "\\r"
        foreach {wanted typed} {"login: $" pi "assword: $" raspberry {\\$ $} hostname "n7\\r" exit "login: $" {}} {
          expect -re $wanted { if {$typed ne {}} { send "$typed\\r" } } timeout { exit 3 } eof { exit 4 }
        }`;
      const file = join(folder, 'login.exp');
      writeFileSync(file, script);
      const { stdout } = await run('/usr/bin/expect', [file]).catch((error: unknown) => error as { stdout: string });
      expect(stdout).toMatch(/hostname[^]*n7\r\n[^]*logout/);
      expect(await stray()).toEqual(NONE);
    },
    LONG,
  );
});
