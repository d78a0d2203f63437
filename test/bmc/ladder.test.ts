/** The recovery ladder, rung by rung, over a scripted line; and the small parts it stands on. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ExchangeGap } from '../../src/bmc/bmc-client.ts';
import { OutstandingReplies } from '../../src/bmc/bus-profile.ts';
import { createBus } from '../../src/bmc/index.ts';
import { PortDiscovery } from '../../src/bmc/port-discovery.ts';
import { LineError, type LineHandlers } from '../../src/bmc/serial-port.ts';
import { PRIORITY, type Bus, type Line, type RecoveryStep } from '../../src/bmc/types.ts';
import { MiniRack } from './mini-rack.ts';

const buses: Bus[] = [];
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
});

/** A bus that is up, and the steps it takes from then on. */
async function climber(
  rack: MiniRack,
  open: (port: string, handlers: LineHandlers) => Promise<Line> = rack.open,
): Promise<{ bus: Bus; steps: (RecoveryStep | null)[] }> {
  const bus = createBus({ port: '/dev/bus', open });
  buses.push(bus);
  bus.start();
  await becomes(bus, 'ready');
  for (const addr of [0, 1, 2, 3]) await ask(bus, addr);
  const steps: (RecoveryStep | null)[] = [];
  bus.onHealth(() => {
    const step = bus.recovery?.step ?? null;
    if (step !== (steps.at(-1) ?? null)) steps.push(step);
  });
  return { bus, steps };
}

const becomes = (bus: Bus, phase: string): Promise<void> =>
  vi.waitFor(() => expect(bus.health.phase).toBe(phase), { interval: 5, timeout: 15_000 });
const ask = (bus: Bus, addr: number): ReturnType<Bus['status']> => bus.status(addr, PRIORITY.sweep);

describe('rungs', () => {
  test('damaged replies: the line falls silent in between, and exchanges close up again when they are clean', async () => {
    const rack = new MiniRack();
    const { bus, steps } = await climber(rack);
    rack.tamper = (reply, addr) => (addr === 1 ? reply.replace('ff', 'f?') : reply);
    for (let n = 0; n < 4; n++) {
      expect(await ask(bus, 1)).toMatchObject({ ok: false, failure: 'garbled' });
      expect(await ask(bus, 2)).toMatchObject({ ok: true });
    }
    expect(steps).toEqual(['resync']);
    rack.tamper = (reply) => reply;
    for (let n = 0; n < 40; n++) expect(await ask(bus, 2)).toMatchObject({ ok: true });
    expect(steps).toEqual(['resync', null]);
    expect(bus.health.phase).toBe('ready');
  });

  test('one silent node moves nothing; silence of all: ^G and the master', async () => {
    const rack = new MiniRack();
    const { bus, steps } = await climber(rack);
    rack.tamper = (reply, addr) => (addr === 1 ? null : reply);
    for (let n = 0; n < 2; n++) for (const addr of [1, 2, 3]) await ask(bus, addr);
    expect(steps).toEqual([]);
    rack.tamper = (reply, addr) => (addr === 0 ? reply : null);
    for (const addr of [1, 2, 3]) await ask(bus, addr);
    await vi.waitFor(() => expect(steps).toEqual(['probe', null]), { interval: 5, timeout: 5_000 });
  });

  test('the lock came back: ^G, the unlock string, ready again without the port having been closed', async () => {
    const rack = new MiniRack();
    const { bus, steps } = await climber(rack);
    rack.locked = true;
    rack.written = '';
    await ask(bus, 0);
    await vi.waitFor(() => expect(rack.written).toContain('UnLockMe'), { interval: 2, timeout: 5_000 });
    rack.locked = false;
    await vi.waitFor(() => expect(steps).toEqual(['probe', 'unlock', null]), { interval: 5, timeout: 5_000 });
    expect(await ask(bus, 1)).toMatchObject({ ok: true });
  });

  test('still nothing: the port opened afresh, then rests that grow; the operator’s word ends one', async () => {
    const rack = new MiniRack();
    let opened = 0;
    const { bus, steps } = await climber(rack, (port, handlers) => {
      opened++;
      return rack.open(port, handlers);
    });
    rack.locked = true;
    await ask(bus, 0);
    await becomes(bus, 'locked');
    await vi.waitFor(() => expect(opened).toBeGreaterThan(2), { interval: 5, timeout: 15_000 });
    expect(steps.slice(0, 4)).toEqual(['probe', 'unlock', 'reopen', 'probe']);
    await vi.waitFor(() => expect(bus.recovery?.step).toBe('rest'), { interval: 2, timeout: 15_000 });
    expect(bus.recovery?.retryAt).toBeGreaterThan(Date.now() - 1_000);
    rack.locked = false;
    bus.retry();
    await becomes(bus, 'ready');
    expect(bus.recovery).toBeNull();
  });

  test('the device is away, and back', async () => {
    const rack = new MiniRack();
    let away = false;
    const { bus, steps } = await climber(rack, (port, handlers) =>
      away ? Promise.reject(new LineError('missing', `${port} does not exist`)) : rack.open(port, handlers),
    );
    away = true;
    rack.vanish();
    await vi.waitFor(() => expect(bus.recovery?.step).toBe('device'), { interval: 2, timeout: 5_000 });
    away = false;
    await becomes(bus, 'ready');
    expect(steps).toEqual(['reopen', 'device', 'probe', null]);
  });
});

describe('what is believed', () => {
  test('two late replies to questions of the past are both passed over', async () => {
    const rack = new MiniRack();
    const { bus } = await climber(rack);
    const late: string[] = [];
    rack.tamper = (reply, addr) => {
      if (addr !== 1) return reply;
      late.push(reply);
      return null;
    };
    for (let n = 0; n < 2; n++) expect(await ask(bus, 1)).toMatchObject({ ok: false, failure: 'silent' });
    const node = rack.nodes.get(1);
    if (node) node.current = 0x55;
    // A slow BMC answers in order: each question now gets the answer to the one two before.
    rack.tamper = (reply, addr) => {
      if (addr !== 1) return reply;
      late.push(reply);
      return late.shift() ?? null;
    };
    expect(await ask(bus, 1)).toMatchObject({ ok: true, sample: { current: 0x55 } });
  });

  test('one damaged digit does not switch a node off; a true change is told twice and shown', async () => {
    const rack = new MiniRack();
    const { bus } = await climber(rack);
    let once = true;
    rack.tamper = (reply, addr) => {
      if (addr !== 2 || !once) return reply;
      once = false;
      return reply.replace('ff 1', 'ff 0');
    };
    expect(await ask(bus, 2)).toMatchObject({ ok: false, failure: 'garbled' });
    expect(await ask(bus, 2)).toMatchObject({ ok: true, sample: { power: 'on' } });
    const node = rack.nodes.get(2);
    if (node) node.power = 0;
    expect(await ask(bus, 2)).toMatchObject({ ok: true, sample: { power: 'off' } });
  });

  test('a console in which nothing answers Enter asks the bus, with a gap', async () => {
    const rack = new MiniRack();
    rack.greeting = 'login: ';
    const { bus } = await climber(rack);
    const gaps: string[] = [];
    const lease = bus.openConsole(2, 115200, {
      onData: () => undefined,
      onPhase: () => undefined,
      onGap: ({ why }) => gaps.push(why),
    });
    await vi.waitFor(() => expect(lease.phase).toEqual({ phase: 'open', proven: true }), { interval: 2 });
    rack.greeting = '';
    rack.echoesKeys = false;
    lease.write(Buffer.from('\r'));
    await vi.waitFor(() => expect(gaps).toEqual(['no reply to Enter: its BMC was queried']), {
      interval: 10,
      timeout: 15_000,
    });
    expect(lease.phase.phase).toBe('open');
  });
});

describe('parts', () => {
  test('the gap: none on a clean bus, up to 50 ms, back to its floor', () => {
    const gap = new ExchangeGap(0);
    expect([gap.ms, gap.grown]).toEqual([0, false]);
    for (let n = 0; n < 20; n++) gap.damaged();
    expect([gap.ms, gap.grown]).toEqual([50, true]);
    let clean = 0;
    for (; gap.grown; clean++) gap.clean();
    expect(gap.ms).toBe(0);
    expect(clean).toBeLessThan(40);
    const floored = new ExchangeGap(5);
    floored.damaged();
    floored.clean();
    expect(floored.ms).toBeGreaterThanOrEqual(5);
    for (let n = 0; n < 40; n++) floored.clean();
    expect([floored.ms, floored.grown]).toEqual([5, false]);
  });

  test('what is owed: as many as were asked lately, at least one after a failure, none after an answer', () => {
    const unanswered = new OutstandingReplies();
    expect(unanswered.countFrom(3, 0)).toBe(0);
    unanswered.failed(3, 0);
    unanswered.failed(3, 5_000);
    expect([unanswered.countFrom(3, 6_000), unanswered.countFrom(3, 12_000), unanswered.countFrom(3, 99_000)]).toEqual([
      2, 1, 1,
    ]);
    for (let n = 0; n < 100; n++) unanswered.failed(3, 99_000);
    expect(unanswered.countFrom(3, 99_000)).toBe(16);
    // Late as a rule: it owes as much afterwards. At once: what was owed stays so until its time is over.
    unanswered.answered(3, { lagMs: 250, missed: 0 }, 105_000);
    expect(unanswered.countFrom(3, 112_000)).toBe(16);
    unanswered.answered(3, { lagMs: 2, missed: 0 }, 112_000);
    expect([unanswered.countFrom(3, 112_000), unanswered.nodes]).toEqual([16, []]);
    unanswered.answered(3, { lagMs: 2, missed: 0 }, 116_000);
    expect(unanswered.countFrom(3, 116_000)).toBe(0);
  });
});

describe('finding the port', () => {
  let dev = '';
  beforeEach(() => {
    dev = mkdtempSync(join(tmpdir(), 'rackui-dev-'));
    mkdirSync(join(dev, 'by-id'));
  });
  afterEach(() => rmSync(dev, { recursive: true }));
  const path = (name: string): string => join(dev, name);
  const plug = (name: string, id?: string): void => {
    writeFileSync(path(name), '');
    if (id !== undefined) symlinkSync(path(name), join(dev, 'by-id', id));
  };
  const pull = (name: string, id: string): void => {
    rmSync(path(name));
    rmSync(join(dev, 'by-id', id));
  };

  test('a device that comes back under another number is the same one by its lasting name', () => {
    const finder = new PortDiscovery(path('ttyUSB0'), join(dev, 'by-id'));
    expect(finder.find()).toBe(path('ttyUSB0'));
    plug('ttyUSB0', 'usb-FTDI-1');
    finder.opened(finder.find());
    pull('ttyUSB0', 'usb-FTDI-1');
    expect(finder.find()).toBe(path('ttyUSB0'));
    plug('ttyUSB1', 'usb-FTDI-1');
    plug('ttyUSB2', 'usb-Other');
    expect(finder.find()).toBe(path('ttyUSB1'));
  });

  test('a pattern: the same device if it is there, else each that fits in turn, by number', () => {
    const finder = new PortDiscovery(path('ttyUSB*'), join(dev, 'by-id'));
    expect(finder.find()).toBe(path('ttyUSB*'));
    for (const [name, id] of [
      ['ttyUSB10', 'a'],
      ['ttyUSB2', 'b'],
      ['ttyACM0', 'c'],
    ] as const)
      plug(name, id);
    expect(finder.find()).toBe(path('ttyUSB2'));
    finder.useless();
    expect(finder.find()).toBe(path('ttyUSB10'));
    finder.opened(path('ttyUSB10'));
    pull('ttyUSB10', 'a');
    expect(finder.find()).toBe(path('ttyUSB2'));
    plug('ttyUSB3', 'a');
    expect(finder.find()).toBe(path('ttyUSB3'));
  });
});
