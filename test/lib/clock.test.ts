import { describe, expect, test } from 'vitest';
import { SteadyClock, type KeptTime } from '../../src/lib/clock.ts';

const HOUR = 3_600_000;

/** A machine that was booted some time ago, as its three clocks tell it. */
class Machine {
  monotonic = 50_000;
  sinceBoot = 90_000;
  wall = 1_790_000_000_000;
  boot: string | null = 'boot-1';
  reads = 0;

  clock(): SteadyClock {
    return new SteadyClock({
      monotonic: () => this.monotonic,
      sinceBoot: () => {
        this.reads++;
        return Math.round(this.sinceBoot / 10) * 10;
      },
      wall: () => this.wall,
      bootId: () => this.boot,
    });
  }

  pass(ms: number): void {
    this.monotonic += ms;
    this.sinceBoot += ms;
    this.wall += ms;
  }

  suspend(ms: number): void {
    this.sinceBoot += ms;
    this.wall += ms;
  }

  reboot(boot: string): void {
    Object.assign(this, { monotonic: 5_000, sinceBoot: 5_000, boot });
  }
}

describe('steady time', () => {
  test.each([HOUR, -HOUR, 17 * 365 * 24 * HOUR, -40_000])('counts on when the wall clock is set by %d ms', (by) => {
    const machine = new Machine();
    const clock = machine.clock();
    const before = clock.now();
    machine.pass(700);
    machine.wall += by;
    machine.pass(300);
    expect(clock.now() - before).toBe(1_000);
    expect(clock.wallTime(before)).toBe(machine.wall - 1_000);
  });

  test.each([1_000, 90_000, 3 * 24 * HOUR])('counts a suspend of %d ms', (ms) => {
    const machine = new Machine();
    const clock = machine.clock();
    const before = clock.now();
    machine.pass(50);
    clock.now();
    machine.suspend(ms);
    machine.pass(20);
    expect(Math.abs(clock.now() - before - ms - 70)).toBeLessThanOrEqual(10);
  });

  test('counts within a second a suspend that the wall clock does not show', () => {
    const machine = new Machine();
    const clock = machine.clock();
    const before = clock.now();
    machine.suspend(HOUR);
    machine.wall -= HOUR;
    machine.pass(1_000);
    expect(clock.now() - before).toBe(HOUR + 1_000);
  });

  test('reads the clock of the boot once a second where nothing happens', () => {
    const machine = new Machine();
    const clock = machine.clock();
    const { reads } = machine;
    for (let ms = 0; ms < 10_000; ms += 5) {
      machine.pass(5);
      clock.now();
    }
    expect(machine.reads - reads).toBe(10);
  });

  test('never goes back, whatever the coarse clock rounds', () => {
    const machine = new Machine();
    const clock = machine.clock();
    let last = clock.now();
    for (let n = 0; n < 2_000; n++) {
      machine.pass(3.7);
      if (n === 900) machine.suspend(4_000);
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(machine.reads).toBeLessThan(1_000);
  });

  test('reads like the epoch when it begins', () => {
    const machine = new Machine();
    expect(machine.clock().now()).toBe(machine.wall);
  });
});

describe('a kept time', () => {
  test('is found again by a later program of the same boot, whatever the date has become', () => {
    const machine = new Machine();
    const first = machine.clock();
    machine.pass(1_000);
    const kept = first.keep(first.now());
    machine.pass(20_000);
    machine.suspend(60_000);
    machine.wall -= 5 * HOUR;
    const second = machine.clock();
    machine.pass(4_000);
    const at = second.recall(kept);
    expect(second.now() - (at ?? 0)).toBeCloseTo(84_000, -2);
    expect(second.wallTime(at ?? 0)).toBeCloseTo(machine.wall - 84_000, -2);
  });

  test('is not known after another boot, nor where boots have no name', () => {
    const machine = new Machine();
    const before = machine.clock();
    const kept: KeptTime = before.keep(before.now());
    machine.reboot('boot-2');
    expect(machine.clock().recall(kept)).toBeNull();
    machine.boot = null;
    const nameless = machine.clock();
    expect(nameless.recall(nameless.keep(nameless.now()))).toBeNull();
  });

  test('is not believed where it lies ahead: a container counts anew under the same boot', () => {
    const machine = new Machine();
    const before = machine.clock();
    machine.pass(500_000);
    const kept = before.keep(before.now());
    machine.reboot('boot-1');
    expect(machine.clock().recall(kept)).toBeNull();
  });
});
