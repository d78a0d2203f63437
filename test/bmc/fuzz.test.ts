/**
 * Bytes that nobody meant: a million into the codec, twenty thousand exchanges through the bus on a line that drops,
 * doubles, inserts and spoils, on a rack whose BMCs fail in every way the simulator knows. Seeded.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { consoleEcho, endOfEcho, endOfPipeEcho, findStatusLines } from '../../src/bmc/codec.ts';
import { ConsoleProof } from '../../src/bmc/console/proof.ts';
import { PRIORITY, type StatusOutcome } from '../../src/bmc/types.ts';
import { noBmcFaults } from '../../src/sim/rack/faults.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { WiredBus, type Spoil } from './wired-bus.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What a test may leave on the heap: 700 bytes for each exchange, of which a leak has more. The first leaves 1 MB of code. */
const HEAP_MB = 5;

function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

describe('codec', () => {
  test('a million fuzzed bytes: no exception, and nothing read that does not stand there', () => {
    const random = seededRandom(5);
    const int = (n: number): number => Math.floor(random() * n);
    const hex = (value: number): string => value.toString(16).padStart(2, '0');
    const line = (): string =>
      `[${hex(int(128))}]|=\r\n${hex(int(128))} ${random() < 0.2 ? '00' : 'ff'} ${int(3)} ${hex(int(256))} ${hex(int(256))}\r\n`;
    const spoiled = (text: string): string => {
      const at = int(text.length);
      const byte = String.fromCharCode(int(256));
      return text.slice(0, at) + (['', byte, `${byte}${text[at] ?? ''}`][int(3)] ?? '') + text.slice(at + 1);
    };
    const before = heapMb();
    let bytes = 0;
    let lines = 0;
    const wrong: string[] = [];
    while (bytes < 1_000_000) {
      let text = '';
      while (text.length < 400) text += random() < 0.5 ? spoiled(line()) : String.fromCharCode(int(256));
      bytes += text.length;
      for (const { status, end } of findStatusLines(text)) {
        lines++;
        const stands = /(\S+)[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)$/.exec(
          text.slice(Math.max(0, end - 40), end),
        );
        const [, id = '', ms = '', power = '', current = '', fan = ''] = stands ?? [];
        const stood = [id.slice(-2), ms, power.slice(-1), current, fan].map((word) => Number.parseInt(word, 16));
        const read = [
          ...[status.id, status.master ? 0 : 255, ['off', 'on', 'disabled'].indexOf(status.power)],
          ...[status.current, status.fan],
        ];
        if (read.join() !== stood.join()) wrong.push(`${read.join()} of ${stands?.[0] ?? text}`);
      }
      const addr = int(128);
      for (const found of [endOfEcho(text, addr), endOfEcho(text, null), endOfPipeEcho(text, addr)])
        if (found < -1 || found > text.length) throw new Error(`an echo that ends at ${found} of ${text.length}`);
      consoleEcho(text, 115200);
      const proof = new ConsoleProof(115200, 0);
      if (proof.feed(text, 1).length > text.length) throw new Error('more came out than went in');
    }
    expect(wrong).toEqual([]);
    expect(lines).toBeGreaterThan(2_000);
    expect(heapMb() - before).toBeLessThan(HEAP_MB);
  });
});

describe('bus', () => {
  test.each(['', 'echo=no', 'final-newline=no,close=bell'])(
    'fuzzed exchanges, dialect [%s]: no exception, no believed lie, no lost entry, bounded memory',
    async (dialect) => {
      // 21 000 in all.
      const wanted = 7_000;
      using time = new VirtualTime();
      const random = seededRandom(wanted + dialect.length);
      const wired = new WiredBus(time, { dialect, seed: 7 });
      wired.bus.start();
      // The first to answer a bare `=` is the master; who that is must be true once.
      await time.until(pause(1_000));
      const before = heapMb();
      const outcomes = { ok: 0, silent: 0, garbled: 0, foreign: 0, bus: 0 };
      const lies: string[] = [];
      let asked = 0;
      while (asked < wanted) {
        disturb(wired, random);
        const burst = Array.from({ length: 1 + Math.floor(random() * 30) }, () => Math.floor(random() * 7));
        asked += burst.length;
        const answers = burst.map(async (addr): Promise<void> => {
          const priority = random() < 0.1 ? PRIORITY.sample : PRIORITY.sweep;
          const outcome: StatusOutcome = await wired.bus.status(addr, priority);
          outcomes[outcome.ok ? 'ok' : outcome.failure]++;
          if (outcome.ok && !wired.bearsOut(addr, outcome.sample))
            lies.push(`${addr} ${JSON.stringify(outcome.sample)} at exchange ${wired.bus.counters.exchanges}`);
        });
        await time.until(Promise.all(answers));
        // A bus that is away answers at once: let it come back now and then.
        if (wired.bus.health.phase !== 'ready') await time.until(pause(200 + random() * 3_000));
      }
      expect(lies).toEqual([]);
      expect(Object.values(outcomes).reduce((sum, n) => sum + n)).toBe(asked);
      // Fuzz that hits nothing, or everything, would prove nothing.
      for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(wanted / 500);
      expect(outcomes.ok).toBeGreaterThan(wanted / 5);
      expect(heapMb() - before).toBeLessThan(HEAP_MB);
      await time.until(wired.bus.close());
    },
    120_000,
  );

  test('digits turned into other digits or set beside: counts may be wrong, a line without a checksum cannot tell; power never is', async () => {
    using time = new VirtualTime();
    const random = seededRandom(3);
    const wired = new WiredBus(time);
    wired.bus.start();
    await time.until(pause(1_000));
    const digit = (): number => 0x30 + Math.floor(random() * 3);
    const flip = once((byte) => {
      if (random() < 0.5) return [byte, digit()];
      return /[0-9a-f]/.test(String.fromCharCode(byte)) ? digit() : byte;
    });
    for (let n = 0; n < 1_000; n++) {
      const addr = 1 + (n % 5);
      const node = wired.node(addr);
      if (random() < 0.05) node.switchPower(node.power === 'on' ? 'off' : 'on', time.now);
      await time.until(wired.bus.status(addr, PRIORITY.sweep));
      flip.arm(random);
      wired.spoil = flip.spoil;
      const outcome = await time.until(wired.bus.status(addr, PRIORITY.sweep));
      wired.spoil = (bytes) => bytes;
      if (outcome.ok) expect(outcome.sample.power).toBe(node.power);
    }
    await time.until(wired.bus.close());
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One thing changes: a fault, a node's true power, the line, or everything becomes well again. */
function disturb(wired: WiredBus, random: () => number): void {
  const node = wired.node(Math.floor(random() * 6));
  const { rack } = wired;
  const kinds: (() => void)[] = [
    () => (node.faults = { ...noBmcFaults(), silent: true }),
    () => (node.faults = { ...noBmcFaults(), garble: random() * 0.3 }),
    () => (node.faults = { ...noBmcFaults(), torn: true }),
    () => (node.faults = { ...noBmcFaults(), slowMs: random() * 700 }),
    () => (node.faults = { ...noBmcFaults(), wrongId: Math.floor(random() * 6) }),
    () => node.addr !== 0 && node.switchPower(random() < 0.5 ? 'on' : 'off', performance.now()),
    () => (rack.faults.noise = random() * 0.5),
    () => rack.wedge(node.addr),
    () => random() < 0.3 && (rack.locked = true),
    () => random() < 0.3 && (rack.faults.silent = true),
    () => {
      if (random() > 0.3) return;
      wired.unplug();
      setTimeout(() => wired.replug(), random() * 2_000);
    },
    () => {
      const damaged = once((byte) => DAMAGE[Math.floor(random() * DAMAGE.length)]?.(byte, random) ?? []);
      wired.spoil = (bytes) => {
        if (random() < 0.2) damaged.arm(random);
        return damaged.spoil(bytes);
      };
    },
  ];
  const well = (): void => {
    for (const one of rack.nodes.values()) one.faults = noBmcFaults();
    rack.faults = { noise: 0, tornReplies: 0, silent: false };
    wired.spoil = (bytes) => bytes;
  };
  if (random() < 0.4) well();
  else kinds[Math.floor(random() * kinds.length)]?.();
}

/** What a line does to one byte: loses it, doubles it, puts another one ahead, or makes something of it that is no digit. */
const DAMAGE: readonly ((byte: number, random: () => number) => number[])[] = [
  () => [],
  (byte) => [byte, byte],
  (byte, random) => [Math.floor(random() * 256), byte],
  (_byte, random) => [0x80 + Math.floor(random() * 128)],
];

/** Spoils one byte, somewhere in the next pieces, each time it is armed. */
function once(damage: (byte: number) => number | number[]): { arm(random: () => number): void; spoil: Spoil } {
  let left = -1;
  return {
    arm: (random) => (left = Math.floor(random() * 30)),
    spoil: (bytes) =>
      Uint8Array.from(
        [...bytes].flatMap((byte) => {
          if (left < 0) return byte;
          return left-- === 0 ? damage(byte) : byte;
        }),
      ),
  };
}
