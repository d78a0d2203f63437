/** Sweep and discovery over a scripted bus: who is asked, when, and what is made of the answer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord } from '../../src/api/methods.ts';
import {
  PRIORITY,
  type Bus,
  type BusHealth,
  type Polled,
  type Priority,
  type StatusOutcome,
} from '../../src/bmc/types.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import { UNKNOWN_SYSTEM } from '../../src/rack/system-state.ts';
import { EventLog } from '../../src/server/events.ts';
import { BusStatusMonitor } from '../../src/server/polling/bus-status.ts';
import { Discovery } from '../../src/server/polling/discovery.ts';
import { NodeStates } from '../../src/server/polling/node-states.ts';
import { Poller } from '../../src/server/polling/poller.ts';
import { PowerReturn } from '../../src/server/polling/power-return.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
beforeEach(() => void (clock = new VirtualClock()));
afterEach(() => clock[Symbol.dispose]());

/** A bus without a wire: nodes answer, or fail as often as they are told to. */
class ScriptedBus {
  health: BusHealth = { phase: 'ready', detail: '', master: 0 };
  readonly recovery = null;
  readonly counters = { exchanges: 0, silent: 0, garbled: 0, foreign: 0, stray: 0, recoveries: 0 };
  readonly asked: { addr: number; priority: Priority }[] = [];
  readonly present: Set<number>;
  /** Failures still to come, by address. */
  readonly failures = new Map<number, number>();
  /** Asked for this one, the line goes away, once. */
  breaksAt: number | null = null;
  /** One exchange at a time, the highest priority first. */
  readonly #waiting: { priority: Priority; go: () => void }[] = [];
  readonly #listeners = new Set<(health: BusHealth) => void>();

  constructor(...present: number[]) {
    this.present = new Set(present);
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  become(phase: BusHealth['phase']): void {
    this.health = { phase, detail: phase === 'ready' ? '' : 'unplugged', master: 0 };
    for (const listener of this.#listeners) listener(this.health);
  }

  async status(addr: number, priority: Priority): Promise<StatusOutcome> {
    await this.#turn(priority);
    if (addr === this.breaksAt) {
      this.breaksAt = null;
      this.become('down');
    }
    if (this.health.phase !== 'ready') return { ok: false, failure: 'bus', detail: this.health.detail };
    this.asked.push({ addr, priority });
    const failures = this.failures.get(addr) ?? 0;
    if (failures > 0) this.failures.set(addr, failures - 1);
    if (failures > 0 || !this.present.has(addr)) return { ok: false, failure: 'silent', detail: 'silent' };
    const sample = { power: 'on', current: 30 + addr, fan: 100, at: Date.now(), rttMs: 3 } as const;
    return { ok: true, sample, master: addr === 0 };
  }

  async poll(
    priority: Priority,
    addrs: readonly number[],
    wanted: (addr: number) => boolean,
    take: (outcomes: Polled[]) => void,
  ): Promise<boolean> {
    for (const addr of addrs) {
      if (!wanted(addr)) continue;
      const outcome = await this.status(addr, priority);
      if (!outcome.ok && outcome.failure === 'bus') return false;
      take([{ addr, outcome }]);
    }
    return true;
  }

  #turn(priority: Priority): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ priority, go });
      setImmediate(() => {
        this.#waiting.sort((a, b) => b.priority - a.priority);
        this.#waiting.shift()?.go();
      });
    });
  }

  times(addr: number): number {
    return this.asked.filter((one) => one.addr === addr).length;
  }
}

const running: Poller[] = [];
afterEach(() => {
  for (const poller of running.splice(0)) poller.stop();
});

function sweepOf(bus: ScriptedBus, addrs: number[], { discover = false, busy = [] as number[], interval = 10 } = {}) {
  const told: EventRecord[] = [];
  const events = new EventLog({ now: Date.now, write: () => undefined, publish: (event) => told.push(event) });
  const monitor = new BusStatusMonitor(bus as unknown as Bus, '/dev/fake', {
    now: Date.now,
    events,
    changed: () => undefined,
    unlocked: () => undefined,
    unlocking: () => undefined,
    swept: () => undefined,
  });
  monitor.start();
  const inventory = { name: 'test', nodes: addrs.map(unnamedNode), configured: !discover, calibration: null };
  const nodeStates = new NodeStates(inventory, interval, {
    now: Date.now,
    events,
    operationOn: () => null,
    switchedHere: () => false,
    system: () => UNKNOWN_SYSTEM,
    read: () => undefined,
    powerChanged: () => undefined,
    powerReturn: new PowerReturn({ now: Date.now, events, addresses: () => addrs, power: () => null }),
    appeared: () => undefined,
    alarms: () => [],
    nodeChanged: () => undefined,
    rackChanged: () => undefined,
  });
  const discovery = discover ? new Discovery(bus, nodeStates) : null;
  const poller = new Poller(bus, monitor, nodeStates, discovery, {
    now: Date.now,
    busyNodes: () => busy,
    between: () => Promise.resolve(),
  });
  running.push(poller);
  return { poller, nodeStates, monitor, told };
}

describe('sweep', () => {
  test('asks every node in order, over and over, at the lowest priority', async () => {
    const bus = new ScriptedBus(0, 1, 2);
    const { poller, monitor } = sweepOf(bus, [0, 1, 2]);
    void poller.run();
    await eventually(() => expect(bus.times(2)).toBeGreaterThan(2));
    expect(bus.asked.slice(0, 6).map(({ addr }) => addr)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(bus.asked.every(({ priority }) => priority === PRIORITY.sweep)).toBe(true);
    expect(monitor.status()).toMatchObject({ state: 'ready', sweepMs: expect.any(Number) as number });
  });

  test('one missing answer is asked for again before a node is called lost', async () => {
    const bus = new ScriptedBus(0, 1, 2);
    const { poller, nodeStates, told } = sweepOf(bus, [0, 1, 2]);
    await poller.fresh([0, 1, 2]);
    bus.failures.set(1, 1);
    await poller.fresh([0, 1, 2]);
    expect(nodeStates.reading(1).state).toBe('ok');
    bus.failures.set(1, 2);
    await poller.fresh([0, 1, 2]);
    expect(nodeStates.reading(1)).toMatchObject({ state: 'failed', tries: 2 });
    expect(told.filter(({ topic }) => topic === 'node')).toHaveLength(1);
  });

  test('a silent address does not slow the others down, and what somebody asks for is asked all the same', async () => {
    const bus = new ScriptedBus(0, 1);
    const { poller } = sweepOf(bus, [0, 1, 9]);
    void poller.run();
    await eventually(() => expect(bus.times(1)).toBeGreaterThan(10));
    const before = bus.times(9);
    expect(before).toBeLessThan(4);
    await poller.fresh([9]);
    expect(bus.asked.findLast(({ addr }) => addr === 9)?.priority).toBe(PRIORITY.sample);
    expect(bus.times(9)).toBeGreaterThan(before);
  });

  test('a sweep that is under way and one that is asked for share their answers', async () => {
    const all = Array.from({ length: 24 }, (_, addr) => addr);
    const bus = new ScriptedBus(...all);
    const { poller, nodeStates } = sweepOf(bus, all, { interval: 600_000 });
    void poller.run();
    const since = Date.now();
    expect(await poller.fresh(all)).toBe(true);
    for (const addr of all) {
      const reading = nodeStates.reading(addr);
      expect(reading.state === 'ok' && reading.sample.at).toBeGreaterThanOrEqual(since);
    }
    expect(bus.asked.length).toBeLessThan(40);
  });

  test('a bus that is away changes no reading; back again it is swept at once, the silent ones too', async () => {
    const bus = new ScriptedBus(0, 1);
    const { poller, nodeStates } = sweepOf(bus, [0, 1, 9], { interval: 600_000 });
    void poller.run();
    await eventually(() => expect(bus.times(9)).toBeGreaterThan(0));
    const reading = nodeStates.reading(1);
    bus.become('down');
    expect(await poller.fresh([0, 1])).toBe(false);
    expect(nodeStates.reading(1)).toEqual(reading);
    const asked = bus.times(9);
    bus.become('ready');
    poller.wake();
    await eventually(() => expect(bus.times(9)).toBeGreaterThan(asked));
  });

  test('nodes in an operation are asked more often', async () => {
    const bus = new ScriptedBus(0, 1, 2);
    const { poller } = sweepOf(bus, [0, 1, 2], { busy: [2], interval: 600_000 });
    void poller.run();
    await eventually(() => expect(bus.times(2)).toBeGreaterThan(3));
    expect(bus.times(1)).toBe(1);
  });

  test('a console stops it, and its end lets it go on', async () => {
    const bus = new ScriptedBus(0, 1);
    const { poller, monitor } = sweepOf(bus, [0, 1]);
    monitor.paused = true;
    void poller.run();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(bus.asked).toEqual([]);
    expect(monitor.status()).toMatchObject({ state: 'paused' });
    monitor.paused = false;
    poller.wake();
    await eventually(() => expect(bus.times(1)).toBeGreaterThan(0));
  });
});

describe('discovery', () => {
  test('finds whoever answers, the master as such, and asks them on', async () => {
    const bus = new ScriptedBus(0, 3, 0x17, 0x7f);
    // The first scan takes one pass here, so that nothing is asked twice on the way.
    const { poller, nodeStates } = sweepOf(bus, [], { discover: true, interval: 2_000 });
    void poller.run();
    await eventually(() => expect(nodeStates.addresses).toEqual([0, 3, 0x17, 0x7f]));
    expect(nodeStates.node(0)?.role).toBe('master');
    await eventually(() => expect(bus.times(0x17)).toBeGreaterThan(3));
  });

  test('a slot that missed its turn is found beside its neighbours, before the scan goes on', async () => {
    const bus = new ScriptedBus(0, 1, 2, 3, 8, 9);
    for (const addr of [0, 2, 8]) bus.failures.set(addr, 1);
    const { poller, nodeStates } = sweepOf(bus, [], { discover: true });
    void poller.run();
    await eventually(() => expect(bus.times(12)).toBe(1));
    expect(nodeStates.addresses).toEqual([0, 1, 2, 3, 8, 9]);
    expect(bus.asked.slice(0, 6).map(({ addr }) => addr)).toEqual([0, 1, 2, 3, 0, 2]);
  });

  test('a blade that missed its turn as a whole is found at the end of the scan', async () => {
    const bus = new ScriptedBus(0, 1, 4, 8);
    bus.failures.set(4, 1);
    const { poller, nodeStates } = sweepOf(bus, [], { discover: true });
    void poller.run();
    await eventually(() => expect(nodeStates.addresses).toEqual([0, 1, 4, 8]));
  });

  test('a line that goes away in the middle of the scan: it goes on where it was', async () => {
    const bus = new ScriptedBus(0, 1, 0x60);
    const { poller, nodeStates } = sweepOf(bus, [], { discover: true });
    bus.breaksAt = 0x40;
    void poller.run();
    await eventually(() => expect(bus.health.phase).toBe('down'));
    expect(nodeStates.addresses).toEqual([0, 1]);
    const asked = bus.asked.length;
    bus.become('ready');
    poller.wake();
    await eventually(() => expect(nodeStates.addresses).toEqual([0, 1, 0x60]));
    expect(bus.asked[asked]?.addr).toBe(0x40);
  });
});
