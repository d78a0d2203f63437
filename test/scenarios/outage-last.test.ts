/** The UPS software's last word comes back within its time, whatever the server does, and says what it could not do. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IS_ROOT, NOBODY, rackuiAs, STRANGER } from '../support/other-user.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';

const WITHIN_S = 20;
/** What the program may take beyond that, and what starting it costs on a busy machine is measured beside it, ms. */
const BEYOND_MS = 2_000;

const CONFIG = `
name: last
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: n1 }
  - { addr: "02", name: n2 }
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 0.3 }
plans: { shed-all: { steps: [{ name: all, action: off, selector: "n1 n2" }] } }
`;

interface End {
  code: number | null;
  said: string;
  ms: number;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<End> {
  const began = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, said, ms: performance.now() - began }));
  });
}

/** Plays one case; `own`: the server is the stand's, by its socket, else whatever the program finds or starts. */
async function last(place: Stand, { own }: { own: boolean }): Promise<End> {
  const home = join(place.folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, XDG_STATE_HOME: home };
  const where = own
    ? ['--socket', place.socket]
    : ['--config', join(place.folder, 'rack.yaml'), '--port', place.rack.link];
  const startup = await run(['--version'], env);
  const end = await run([...where, 'outage', 'last', '--within', String(WITHIN_S)], env);
  expect(end.ms, end.said).toBeLessThan(WITHIN_S * 1000 + BEYOND_MS + startup.ms);
  return end;
}

const powers = async ({ rack }: Stand): Promise<string[]> =>
  (await rack.state()).nodes.slice(1, 3).map(({ power }) => power);
const lastStand = (config = CONFIG, env: NodeJS.ProcessEnv = {}): Promise<Stand> =>
  stand({ sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'], config, env });
/** A server whose event loop stands still from SIGUSR2 on. */
const HANGS = `process.on('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;
const HANGS_ON_SIGUSR2 = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(HANGS)}` };
const LIMIT_MS = 120_000;

describe.concurrent(`outage last --within ${WITHIN_S}`, () => {
  test(
    'without a server starts one, which brings the nodes down',
    async () => {
      await using place = await lastStand();
      await place.killServer('SIGTERM');
      const end = await last(place, { own: false });
      const home = join(place.folder, 'home');
      await run(['--config', join(place.folder, 'rack.yaml'), '--port', place.rack.link, 'server', 'stop'], {
        ...{ PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, XDG_STATE_HOME: home },
      });
      expect([end.code, await powers(place)], end.said).toEqual([0, ['off', 'off']]);
    },
    LIMIT_MS,
  );

  test(
    'without a server, where none can be started, says so',
    async () => {
      await using place = await lastStand();
      await place.killServer('SIGTERM');
      const { code, said } = await last(place, { own: true });
      expect([code, said]).toEqual([5, expect.stringMatching(/the rack was not shut down: no rackui server answers/)]);
    },
    LIMIT_MS,
  );

  test(
    'with a server that is stopped names its process, and what lets it go on or ends it',
    async () => {
      await using place = await lastStand();
      const { serverPid: pid } = place;
      process.kill(pid, 'SIGSTOP');
      const { code, said } = await last(place, { own: true }).finally(() => process.kill(pid, 'SIGCONT'));
      expect(code, said).toBe(5);
      expect(said).toContain(`the server (pid ${pid}) has not answered for 5 s`);
      expect(said).toContain(`'kill -CONT ${pid}', or end it with 'kill -KILL ${pid}'`);
    },
    LIMIT_MS,
  );

  test(
    'with a server that hangs names its process, and what ends it',
    async () => {
      await using place = await lastStand(CONFIG, HANGS_ON_SIGUSR2);
      const { serverPid: pid } = place;
      process.kill(pid, 'SIGUSR2');
      const { code, said } = await last(place, { own: true }).finally(() => process.kill(pid, 'SIGKILL'));
      expect(code, said).toBe(4);
      expect(said).toMatch(
        new RegExp(`^rackui: timeout after 20 s: .*\\(pid ${pid}\\) does not answer; .*'kill -KILL ${pid}'$`, 'm'),
      );
    },
    LIMIT_MS,
  );

  test(
    'with a server that is stopped, and that is found by its port only, names it',
    async () => {
      await using place = await lastStand();
      const { serverPid: pid } = place;
      process.kill(pid, 'SIGSTOP');
      const { code, said } = await last(place, { own: false }).finally(() => process.kill(pid, 'SIGCONT'));
      expect(code, said).toBe(5);
      expect(said).toContain(`is used by a rackui server: the server (pid ${pid}) has not answered for`);
      expect(said).toContain(`'kill -CONT ${pid}', or end it with 'kill -KILL ${pid}'`);
    },
    LIMIT_MS,
  );

  test.skipIf(!IS_ROOT)(
    'with a server of another user that may not be joined names it (needs root)',
    async () => {
      await using place = await lastStand();
      await place.killServer('SIGTERM');
      for (const path of [place.folder, join(place.rack.link, '..')]) chmodSync(path, 0o711);
      const theirs = join(place.folder, 'theirs');
      mkdirSync(theirs, { mode: 0o711 });
      for (const path of [theirs, place.rack.port]) chownSync(path, NOBODY, NOBODY);
      const files = ['--config', join(place.folder, 'rack.yaml'), '--port', place.rack.link];
      chmodSync(join(place.folder, 'rack.yaml'), 0o644);
      chmodSync(place.rack.port, 0o666);
      const socket = join(theirs, 'rack.sock');
      await using server = rackuiAs(NOBODY, place.folder, ['serve', ...files, '--socket', socket, '--state', theirs]);
      await server.until(/^ready/m);
      const began = performance.now();
      await using caller = rackuiAs(STRANGER, place.folder, [...files, 'outage', 'last', '--within', String(WITHIN_S)]);
      const code = await caller.exited;
      // The program is run from its sources here: that takes seconds more.
      expect(performance.now() - began, caller.said()).toBeLessThan(WITHIN_S * 1000 + BEYOND_MS + 15_000);
      expect([code, caller.said()]).toEqual([5, expect.stringMatching(/rackui server of user nobody \(pid \d+\)/)]);
    },
    LIMIT_MS,
  );

  test(
    'with a full disk shuts the nodes down, and cuts none that it cannot write down',
    async () => {
      await using place = await lastStand();
      execFileSync('prlimit', ['--pid', String(place.serverPid), '--fsize=1:1']);
      const { code, said } = await last(place, { own: true });
      const { nodes } = await place.rack.state();
      expect(nodes.slice(1, 3).map(({ power, guest }) => `${power} ${guest}`)).toEqual(['on halted', 'on halted']);
      expect(code, said).not.toBe(0);
    },
    LIMIT_MS,
  );

  test(
    'with the bus unplugged says which nodes were not asked',
    async () => {
      await using place = await lastStand();
      await place.rack.ctl('unplug');
      const { code, said } = await last(place, { own: true });
      expect([code, await powers(place)], said).toEqual([4, ['on', 'on']]);
      expect(said).toMatch(/n1 .*nothing was sent, as the bus cannot be used \(.+\)[^]*n2/);
    },
    LIMIT_MS,
  );

  test(
    'without a last plan says that nothing was shut down',
    async () => {
      await using place = await lastStand(CONFIG.replace('shed-all', 'other'));
      const { code, said } = await last(place, { own: true });
      expect([code, said]).toEqual([0, expect.stringMatching(/no last plan is configured/)]);
    },
    LIMIT_MS,
  );
});
