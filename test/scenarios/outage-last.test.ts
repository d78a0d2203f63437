/** The UPS software's last word comes back within its time, whatever the server does, and says what it could not do. */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IS_ROOT, NOBODY, rackuiAs, STRANGER } from '../support/other-user.ts';
import { outageCommand, type CommandEnd } from '../support/outage-command.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';

const WITHIN_S = 20;
/**
 * What the program may take beyond that, as docs/ups/rackui-shutdown allows it, ms. What loading it costs on a busy machine is
 * measured beside it.
 */
const BEYOND_MS = 5_000;
/** For nodes that really go down, on a machine of any speed. */
const ENOUGH_S = 90;
/** The same, where all of it passes, as nodes that halted wait for a cut that cannot be written down. */
const HALT_S = 45;

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

interface VirtualEnd extends CommandEnd {
  /** Of n1 and n2. */
  powers: string[];
}

interface End extends CommandEnd {
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
async function last(place: Stand, { own, withinS = WITHIN_S }: { own: boolean; withinS?: number }): Promise<End> {
  const home = join(place.folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, XDG_STATE_HOME: home };
  const where = own
    ? ['--socket', place.socket]
    : ['--config', join(place.folder, 'rack.yaml'), '--port', place.rack.link];
  const startup = await run(['outage', 'last', '--help'], env);
  const end = await run([...where, 'outage', 'last', '--within', String(withinS)], env);
  expect(end.ms, end.said).toBeLessThan(withinS * 1000 + BEYOND_MS + startup.ms);
  return end;
}

const powers = async ({ rack }: Stand): Promise<string[]> =>
  (await rack.state()).nodes.slice(1, 3).map(({ power }) => power);
const SIM = ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'];
const lastStand = (env: NodeJS.ProcessEnv = {}): Promise<Stand> => stand({ sim: SIM, config: CONFIG, env });
/** A server whose event loop stands still from SIGUSR2 on. */
const HANGS = `process.on('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;
const HANGS_ON_SIGUSR2 = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(HANGS)}` };
const LIMIT_MS = 180_000;

/** The command in this process, on a server in virtual time. */
async function virtually(config: string, prepare: (place: Stand) => Promise<unknown>): Promise<VirtualEnd> {
  using clock = new VirtualClock();
  await using place = await virtualStand({ clock, sim: SIM, config });
  await (await place.client()).request('sweep', { addrs: null, interrupt: false });
  await prepare(place);
  const began = clock.now;
  const { code, said } = await outageCommand(place.socket, 'last', '--within', String(WITHIN_S));
  expect(clock.now - began, said).toBeLessThan(WITHIN_S * 1000 + BEYOND_MS);
  return { code, said, powers: await powers(place) };
}

describe('in virtual time outage last', () => {
  test('with the bus unplugged says which nodes were not asked', async () => {
    const end = await virtually(CONFIG, ({ rack }) => rack.ctl('unplug'));
    expect([end.code, end.powers], end.said).toEqual([4, ['on', 'on']]);
    expect(end.said).toMatch(/n1 .*nothing was sent, as the bus cannot be used \(.+\)[^]*n2/);
  });

  test('without a last plan says that nothing was shut down', async () => {
    const { code, said } = await virtually(CONFIG.replace('shed-all', 'other'), () => Promise.resolve());
    expect([code, said]).toEqual([0, expect.stringMatching(/no last plan is configured/)]);
  });
});

describe.concurrent('outage last', () => {
  test(
    'without a server starts one, which brings the nodes down',
    async () => {
      await using place = await lastStand();
      await place.killServer('SIGTERM');
      const end = await last(place, { own: false, withinS: ENOUGH_S });
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
      const folder = mkdtempSync(join(tmpdir(), 'rackui-last-'));
      const end = await run(['--socket', join(folder, 'rack.sock'), 'outage', 'last', '--within', String(WITHIN_S)], {
        ...{ PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder },
      });
      rmSync(folder, { recursive: true, force: true });
      expect([end.code, end.said]).toEqual([
        5,
        expect.stringMatching(/the rack was not shut down: no rackui server answers/),
      ]);
      expect(end.ms).toBeLessThan(WITHIN_S * 1000 + BEYOND_MS);
    },
    LIMIT_MS,
  );

  test(
    'with a server that is stopped, found by its socket or by its port only, names its process and what lets it go on',
    async () => {
      await using place = await lastStand();
      const { serverPid: pid } = place;
      process.kill(pid, 'SIGSTOP');
      const ends = Promise.all([last(place, { own: true }), last(place, { own: false })]);
      const [bySocket, byPort] = await ends.finally(() => process.kill(pid, 'SIGCONT'));
      for (const { code, said } of [bySocket, byPort]) {
        expect(code, said).toBe(5);
        expect(said).toContain(`'kill -CONT ${pid}', or end it with 'kill -KILL ${pid}'`);
      }
      expect(bySocket.said).toContain(`the server (pid ${pid}) has not answered for 5 s`);
      expect(byPort.said).toContain(`is used by a rackui server: the server (pid ${pid}) has not answered for`);
    },
    LIMIT_MS,
  );

  test(
    'with a server that hangs names its process, and what ends it',
    async () => {
      await using place = await lastStand(HANGS_ON_SIGUSR2);
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
      // A start takes seconds where other tests have the cores.
      expect(performance.now() - began, caller.said()).toBeLessThan(WITHIN_S * 1000 + BEYOND_MS + 15_000);
      expect([code, caller.said()]).toEqual([5, expect.stringMatching(/rackui server of user nobody \(pid \d+\)/)]);
    },
    LIMIT_MS,
  );

  test(
    'with a full disk shuts the nodes down, and cuts none that it cannot write down',
    async () => {
      await using place = await lastStand();
      place.fillDisk();
      const { code, said } = await last(place, { own: true, withinS: HALT_S });
      const { nodes } = await place.rack.state();
      expect(nodes.slice(1, 3).map(({ power, guest }) => `${power} ${guest}`)).toEqual(['on halted', 'on halted']);
      expect(code, said).not.toBe(0);
    },
    LIMIT_MS,
  );
});
