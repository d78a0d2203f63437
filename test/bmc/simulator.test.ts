/** The bus over the real serialport against the simulated rack: what hardware would do to a mistake. */
import { spawn, spawnSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, realpathSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBus } from '../../src/bmc/index.ts';
import { PRIORITY, type Bus, type BusPhase, type ConsoleSession } from '../../src/bmc/types.ts';
import { deviceAt, hasDeviceOpen, openFiles } from '../../src/lib/subprocess.ts';
import { startRack, type TestRack } from '../support/rack.ts';

const HAS_NAMESPACES = spawnSync('unshare', ['--mount', 'true']).status === 0;
/** Opens pseudo-terminals up to number $1 in a file system of their own. */
const CONTAINER = `
  mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx || exit
  for n in $(seq 0 "$1"); do script -qc 'exec sleep 600' /dev/null & done
  wait`;

function pidsNamed(program: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/comm`, 'utf8').trim() === program;
    } catch {
      return false; // gone meanwhile
    }
  });
}

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function rackWith(...args: string[]): Promise<TestRack> {
  const rack = await startRack({ args: ['--nodes', '6', ...args] });
  stack.push(rack);
  return rack;
}

async function busOn(port: string, wanted: BusPhase = 'ready'): Promise<Bus> {
  const bus = createBus({ port });
  stack.push({ [Symbol.asyncDispose]: () => bus.close() });
  bus.start();
  await becomes(bus, wanted);
  return bus;
}

const becomes = (bus: Bus, phase: BusPhase): Promise<void> =>
  vi.waitFor(() => expect(bus.health).toMatchObject({ phase }), { interval: 5, timeout: 10_000 });
const ask = (bus: Bus, addr: number): ReturnType<Bus['status']> => bus.status(addr, PRIORITY.sweep);
const off = (bus: Bus, addr: number): ReturnType<Bus['verb']> => bus.verb(addr, 'off', { priority: PRIORITY.forceOff });

/** Nothing reached a BIOS that was meant for a node, no pipe was left open, and the master lives. */
async function expectDiscipline(rack: TestRack, bus: Bus): Promise<void> {
  await bus.close();
  const { bus: counts, nodes } = await rack.counters();
  expect(counts).toMatchObject({
    masterForConsole: { printable: 0 },
    nestedPipes: 0,
    masterCuts: 0,
    catastrophe: false,
  });
  for (const node of Object.values(nodes)) expect(node.biosForConsole.printable).toBe(0);
  // The port's close is on the wire before it returns; the rack reads it in its own time.
  await rack.until(({ bus: { pipe, console } }) => pipe === null && console === null);
}

function consoleOf(
  bus: Bus,
  addr: number,
): { lease: ConsoleSession; text: () => string; until: (what: RegExp) => Promise<void> } {
  let heard = '';
  const lease = bus.openConsole(addr, 115200, {
    onData: (bytes) => (heard += Buffer.from(bytes).toString('latin1')),
    onPhase: () => undefined,
    onGap: () => undefined,
  });
  return {
    lease,
    text: () => heard,
    until: (what) => vi.waitFor(() => expect(heard).toMatch(what), { interval: 10, timeout: 10_000 }),
  };
}

describe('every style of the bus', () => {
  test.each([
    'newline=lf',
    'newline=cr,brackets=yes',
    'newline=crlf,spaces=4',
    'final-newline=no',
    'final-newline=no,newline=lf,brackets=yes',
    'hex=upper,close=bell',
    'close=newline,console-echo=no',
    'verb-echo=yes,brackets=yes,self-pipe=answers',
  ])('%s: values, verbs and a console', async (dialect) => {
    const rack = await rackWith('--dialect', dialect, '--time-scale', '20');
    const bus = await busOn(rack.link);
    for (let addr = 0; addr < 6; addr++) expect(await ask(bus, addr)).toMatchObject({ ok: true, master: addr === 0 });
    expect(await off(bus, 3)).toMatchObject({ ok: true, tries: 1 });
    expect(await ask(bus, 3)).toMatchObject({ ok: true, sample: { power: 'off' } });
    const console = consoleOf(bus, 2);
    await vi.waitFor(() => expect(console.lease.phase.phase).toBe('open'));
    console.lease.write(Buffer.from('\r'));
    await console.until(/login: /);
    await console.lease.close();
    expect((await rack.counters()).nodes['03']).toMatchObject({ off: 1 });
    await expectDiscipline(rack, bus);
  });
});

describe('faults', () => {
  test('noise, torn and foreign replies are never believed', async () => {
    const rack = await rackWith();
    const bus = await busOn(rack.link);
    for (let addr = 0; addr < 6; addr++) await ask(bus, addr);
    await rack.ctl('wrong-id', { node: '02', as: '04' });
    await rack.ctl('torn', { node: '03' });
    await rack.ctl('silent', { node: '05' });
    await rack.ctl('noise', { chance: 0.5 });
    for (let round = 0; round < 5; round++) {
      expect(await ask(bus, 2)).toMatchObject({ ok: false });
      expect(await ask(bus, 3)).toMatchObject({ ok: false });
      expect(await ask(bus, 5)).toMatchObject({ ok: false });
      const status = await ask(bus, 1);
      if (status.ok) expect(status.sample.power).toBe('on');
    }
    for (const addr of [2, 3, 5]) expect(await off(bus, addr)).toMatchObject({ ok: false, sent: false });
    const { nodes } = await rack.counters();
    expect(Object.values(nodes).map((node) => node.off)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('a verb that is ignored, and one that is reported late', async () => {
    const rack = await rackWith();
    const bus = await busOn(rack.link);
    await rack.ctl('off-late', { node: '01', ms: 600 });
    expect(await off(bus, 1)).toMatchObject({ ok: true, tries: 1 });
    await rack.ctl('off-ignored', { node: '02' });
    expect(await off(bus, 2)).toMatchObject({ ok: false, sent: true, tries: 3, last: { power: 'on' } });
    await expectDiscipline(rack, bus);
  });

  test('a bus that another program left wedged is freed by the first ^G', async () => {
    const rack = await rackWith('--unlocked');
    await rack.ctl('wedge', { node: '03' });
    const bus = await busOn(rack.link);
    expect(await ask(bus, 1)).toMatchObject({ ok: true });
    await expectDiscipline(rack, bus);
  });

  test('wedged while in use: noticed by silence, and freed', async () => {
    const rack = await rackWith();
    const bus = await busOn(rack.link);
    for (let addr = 0; addr < 6; addr++) await ask(bus, addr);
    await rack.ctl('wedge', { node: '03' });
    await vi.waitFor(
      async () => {
        for (let addr = 0; addr < 6; addr++) expect(await ask(bus, addr)).toMatchObject({ ok: true });
      },
      { timeout: 10_000, interval: 5 },
    );
    expect((await rack.counters()).bus.masterCuts).toBe(0);
  });

  test('unplugged in an exchange, with a console, and at rest: down, then back by itself', async () => {
    const rack = await rackWith();
    const bus = await busOn(rack.link);
    for (const state of ['rest', 'sweep', 'console'] as const) {
      if (state === 'sweep') void Promise.all(Array.from({ length: 30 }, (_, i) => ask(bus, i % 6)));
      const console = state === 'console' ? consoleOf(bus, 2) : null;
      if (console) await vi.waitFor(() => expect(console.lease.phase.phase).toBe('open'));
      await rack.ctl('unplug');
      await becomes(bus, 'down');
      expect(await ask(bus, 1)).toMatchObject({ ok: false, failure: 'bus' });
      await rack.ctl('replug');
      await becomes(bus, 'ready');
      if (console) {
        await vi.waitFor(() => expect(console.lease.phase.phase).toBe('open'), { timeout: 5_000 });
        await console.lease.close();
      }
      expect(await ask(bus, 1)).toMatchObject({ ok: true });
    }
    await expectDiscipline(rack, bus);
  });
});

describe('console', () => {
  test('every byte value typed: the node gets all but 0x07, and no BIOS gets any', async () => {
    // What the bridge loses of keys that a busy machine delivers together is another test's business.
    const rack = await rackWith('--time-scale', '20', '--no-loss');
    const bus = await busOn(rack.link);
    const { lease, until } = consoleOf(bus, 2);
    await vi.waitFor(() => expect(lease.phase.phase).toBe('open'));
    lease.write(Buffer.from('\r'));
    await until(/login: /);
    const before = (await rack.counters()).nodes['02']?.consoleIn ?? 0;
    // Behind Ctrl-S its terminal says nothing any more: Ctrl-Q follows it.
    const values = Array.from({ length: 256 }, (_, value) => value).filter((value) => value !== 0x11);
    values.splice(values.indexOf(0x13) + 1, 0, 0x11);
    for (const value of values) lease.write(Uint8Array.of(value));
    await vi.waitFor(() => expect(lease.pending).toBe(0), { timeout: 10_000 });
    await vi.waitFor(async () => {
      const node = (await rack.counters()).nodes['02'];
      expect((node?.consoleIn ?? 0) - before).toBe(255);
    });
    await expectDiscipline(rack, bus);
  });

  test('one that did not come up gives its BIOS nothing it could execute', async () => {
    const rack = await rackWith();
    const bus = await busOn(rack.link);
    await rack.ctl('console-ignored', { node: '02' });
    const { lease } = consoleOf(bus, 2);
    await vi.waitFor(() => expect(lease.phase.phase).toBe('open'));
    for (const text of ['\r', '\\', '=', '/', '\r\r', '[03]|\\']) lease.write(Buffer.from(text));
    await vi.waitFor(() => expect(lease.pending).toBe(0));
    await lease.close();
    expect((await rack.counters()).nodes['02']).toMatchObject({ on: 0, off: 0 });
    await expectDiscipline(rack, bus);
  });

  test('characters arrive although the bridge loses what comes too fast', async () => {
    const rack = await rackWith('--time-scale', '20');
    const bus = await busOn(rack.link);
    const { lease, until } = consoleOf(bus, 2);
    await vi.waitFor(() => expect(lease.phase.phase).toBe('open'));
    lease.write(Buffer.from('\r'));
    await until(/login: /);
    lease.write(Buffer.from('pi\r'));
    await until(/Password: /);
    lease.write(Buffer.from('raspberry\r'));
    await until(/\$ $/);
    const long = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(4);
    lease.write(Buffer.from(`echo ${long.slice(0, 72)}-${long.slice(72)}\r`));
    await until(new RegExp(`\\n(?:\\x1b\\[\\?2004l\\r)?${long.slice(0, 72)}-${long.slice(72)}\\r?\\n`));
    await expectDiscipline(rack, bus);
  });
});

describe('ports that cannot be used', () => {
  test('that do not exist, and that are no serial device', async () => {
    const bus = await busOn('/dev/tty-not-here', 'down');
    expect(bus.health.detail).toContain('/dev/tty-not-here does not exist');
    const folder = mkdtempSync(join(tmpdir(), 'rackui-port-'));
    stack.push({
      [Symbol.asyncDispose]: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
    writeFileSync(join(folder, 'file'), '');
    const other = await busOn(join(folder, 'file'), 'down');
    expect(other.health.detail).toContain('is not a serial device');
  });

  test('that another program holds: it is named', async () => {
    const rack = await rackWith();
    const holder = spawn('sleep', ['600'], { stdio: [openSync(rack.port, 'r+'), 'ignore', 'ignore'] });
    try {
      const bus = await busOn(rack.link, 'down');
      expect(bus.health.detail).toContain(`is held by sleep (pid ${holder.pid ?? '?'}`);
    } finally {
      holder.kill();
    }
  });

  test.runIf(HAS_NAMESPACES)(
    'a terminal of the same name in a container does not hold it; needs namespaces',
    async () => {
      const rack = await rackWith();
      const device = realpathSync(rack.link);
      const port = deviceAt(device) ?? expect.fail('the rack has no device');
      const options = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', CONTAINER, 'sh'];
      const container = spawn('unshare', [...options, basename(device)], { stdio: 'ignore' });
      try {
        const sleeping = (): boolean =>
          pidsNamed('sleep').some((pid) => openFiles(pid).includes(device) && !hasDeviceOpen(pid, port));
        await vi.waitFor(() => expect(sleeping()).toBe(true), { timeout: 10_000 });
        await busOn(rack.link);
      } finally {
        container.kill('SIGKILL');
      }
    },
  );
});
