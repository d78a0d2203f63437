/** The bus's small parts: queue, profile, pacer, proof of a console, wire. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BusProfile } from '../../src/bmc/bus-profile.ts';
import { ConsoleProof, harmlessUnproven } from '../../src/bmc/console/proof.ts';
import { KeyQueue } from '../../src/bmc/console/key-queue.ts';
import { PriorityQueue } from '../../src/bmc/scheduler.ts';
import { LineLost, Transport } from '../../src/bmc/transport.ts';
import { PRIORITY, type Priority } from '../../src/bmc/types.ts';

describe('queue', () => {
  test('higher priority first, first come first within one', () => {
    const priorities = fc.array(fc.constantFrom(...Object.values(PRIORITY)), { maxLength: 30 });
    fc.assert(
      fc.property(priorities, (order) => {
        const queue = new PriorityQueue<number>();
        order.forEach((priority, i) => queue.push(priority, i));
        const out: { priority: Priority; item: number }[] = [];
        for (let next = queue.shift(); next; next = queue.shift()) out.push(next);
        const expected = order
          .map((priority, item) => ({ priority, item }))
          .sort((a, b) => b.priority - a.priority || a.item - b.item);
        expect(out).toEqual(expected);
      }),
    );
  });
});

describe('profile', () => {
  test('habits need three replies; time-outs follow the round trips', () => {
    const profile = new BusProfile();
    expect(profile.silenceMs(false)).toBe(250);
    const reply = { echoed: true, terminated: false, rttMs: 3 };
    profile.sawReply(reply);
    profile.sawReply(reply);
    expect([profile.echoes, profile.terminates]).toEqual([false, 'unknown']);
    profile.sawReply(reply);
    expect([profile.echoes, profile.terminates]).toEqual([true, 'no']);
    expect(profile.silenceMs(false)).toBe(30);
    expect(profile.silenceMs(true)).toBe(120);
    profile.sawReply({ ...reply, rttMs: 60 });
    expect(profile.silenceMs(false)).toBe(190);
    profile.reset();
    expect([profile.echoes, profile.terminates, profile.silenceMs(true)]).toEqual([false, 'unknown', 250]);
  });
});

describe('what may be under way behind a console', () => {
  const settledAfter = (trips: readonly number[]): number => {
    const profile = new BusProfile();
    for (const rttMs of trips) profile.sawReply({ echoed: true, terminated: true, rttMs });
    return profile.settledMs;
  };
  const trips = (count: number, rttMs: number): number[] => Array<number>(count).fill(rttMs);

  test('is waited for as long as round trips take, not as this machine stalled once or twice', () => {
    expect(settledAfter(trips(16, 3))).toBe(10);
    expect(settledAfter([...trips(7, 3), 90, ...trips(7, 3), 50])).toBe(10);
    expect(settledAfter([...trips(13, 3), 20, 20, 20])).toBe(44);
  });

  test('is waited for by the longest while few are known, and longest before any is', () => {
    expect(settledAfter([])).toBe(250);
    expect(settledAfter([3, 60, 3])).toBe(124);
    expect(settledAfter(trips(16, 400))).toBe(250);
  });
});

describe('pacer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('one byte at a time, never closer than the gap, in order', async () => {
    const sent: { byte: number; at: number }[] = [];
    const pacer = new KeyQueue(2, (byte, taken) => {
      sent.push({ byte, at: performance.now() });
      taken();
    });
    pacer.push(Uint8Array.of(1, 2, 3));
    pacer.push(Uint8Array.of(4));
    expect(pacer.pending).toBe(3);
    await vi.runAllTimersAsync();
    pacer.push(Uint8Array.of(5));
    await vi.runAllTimersAsync();
    expect(sent.map(({ byte }) => byte)).toEqual([1, 2, 3, 4, 5]);
    sent.slice(1).forEach(({ at }, i) => expect(at - (sent[i]?.at ?? 0)).toBeGreaterThanOrEqual(2));
  });

  test('a write that has to wait holds the next byte back, and its distance counts from the end of the wait', async () => {
    const sent: number[] = [];
    let taken = (): void => undefined;
    const pacer = new KeyQueue(2, (_byte, done) => {
      sent.push(performance.now());
      taken = done;
    });
    pacer.push(Uint8Array.of(1, 2));
    await vi.advanceTimersByTimeAsync(50);
    expect(sent).toHaveLength(1);
    const at = performance.now();
    taken();
    await vi.advanceTimersByTimeAsync(10);
    expect(sent).toHaveLength(2);
    expect((sent[1] ?? 0) - at).toBeGreaterThanOrEqual(2);
  });

  test('what is cleared is not sent', async () => {
    const sent: number[] = [];
    const pacer = new KeyQueue(2, (byte, taken) => {
      sent.push(byte);
      taken();
    });
    pacer.push(Uint8Array.of(1, 2, 3));
    expect(pacer.clear()).toBe(2);
    await vi.runAllTimersAsync();
    expect(sent).toEqual([1]);
    expect(pacer.pending).toBe(0);
  });
});

describe('proof of a console', () => {
  test("the echo of '~' proves nothing and is not shown", () => {
    const proof = new ConsoleProof(115200, 0);
    expect(proof.feed('[00', 1)).toBe('');
    // The line end may be the node's.
    expect(proof.feed(']~\r\n', 2)).toBe('\r\n');
    expect(proof.proven).toBe(false);
  });

  test('a BIOS that echoes Enter proves nothing', () => {
    const proof = new ConsoleProof(115200, 0);
    for (let at = 0; at < 50; at++) proof.feed('\r\n', at);
    expect(proof.proven).toBe(false);
  });

  test('speech proves it; scattered noise does not', () => {
    const noisy = new ConsoleProof(115200, 0);
    for (let at = 0; at < 20; at++) noisy.feed('~', 1000 + at * 300);
    expect(noisy.proven).toBe(false);
    const speaking = new ConsoleProof(115200, 0);
    expect(speaking.feed('\r\nrpi login: ', 200)).toBe('\r\nrpi login: ');
    expect(speaking.proven).toBe(true);
  });

  test.each([
    ['a second copy of a status line', ['\r\n05 ff 1 20 6e\r\n', '05 ff 1 20 6e\r\n']],
    ['one that came torn', [' ff 1 20 6e\r\n05 f']],
    ['two that run into each other', ['0505 ff 1 20 6e\r\n06 ff 1 1b 6c']],
    ['noise', ['\x80~\xfe#K\x1d', 'x\xff9']],
    ['readable noise of a few bytes', ['k~', 'Qz!']],
    ['a stray ESC ahead of what a BIOS echoes', ['\x1b[00]~', '\x1b']],
    ['a torn control sequence', ['\x1b[', '\x1b[?']],
  ])('%s does not prove it', (_what, pieces) => {
    const proof = new ConsoleProof(115200, 0);
    for (const [n, piece] of pieces.entries()) proof.feed(piece, 200 + n * 20);
    expect(proof.proven).toBe(false);
  });

  test.each([
    ['what terminal it is', '\x1b[c'],
    ['where the cursor is', '\x1b[6n'],
    ['a screen to draw on', '\x1b[?1049h'],
  ])('a program that asks for %s before it draws proves it', (_what, sequence) => {
    const proof = new ConsoleProof(115200, 0);
    proof.sent(0x0d, 150);
    proof.feed(sequence, 200);
    expect(proof.proven).toBe(true);
  });

  test('keys that a BIOS echoes do not prove it, the same short prompt behind two Enters does', () => {
    const echoing = new ConsoleProof(115200, 0);
    for (let at = 200; at < 400; at += 10) {
      echoing.sent(0x1b, at);
      echoing.sent(0x0d, at);
      echoing.feed('\x1b\r\n', at + 2);
    }
    expect(echoing.proven).toBe(false);
    for (const prompt of ['# ', '$ ', '> ']) {
      const proof = new ConsoleProof(115200, 0);
      const press = (at: number): void => {
        proof.sent(0x0d, at);
        proof.feed(`\r\n${prompt}`, at + 3);
      };
      press(200);
      expect(proof.proven).toBe(false);
      press(1_700);
      expect(proof.proven).toBe(true);
    }
  });

  test('no character of a BIOS command is harmless before it', () => {
    for (const char of '=#/\\[]|~0123456789abcdefABCDEF\x07') expect(harmlessUnproven(char.charCodeAt(0))).toBe(false);
    for (const char of '\r\n\x03\x04\x1b\x7f') expect(harmlessUnproven(char.charCodeAt(0))).toBe(true);
  });
});

describe('wire', () => {
  const wireOn = (): { wire: Transport; written: Uint8Array[] } => {
    const written: Uint8Array[] = [];
    const wire = new Transport({ write: (bytes) => written.push(bytes), close: () => Promise.resolve() });
    return { wire, written };
  };

  test('refuses 0x07 in whatever is sent', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(20), (bytes, at) => {
        const { wire, written } = wireOn();
        const poisoned = Uint8Array.from([...bytes.slice(0, at), 0x07, ...bytes.slice(at)]);
        expect(() => wire.send(poisoned)).toThrow(/0x07/);
        expect(written).toEqual([]);
      }),
    );
    expect(() => wireOn().wire.send('a\x07')).toThrow(/0x07/);
    const { wire, written } = wireOn();
    expect(() => wire.closePipe('[01]|\x07')).toThrow(/0x07/);
    expect(written).toEqual([]);
  });

  test('a lost line rejects who waits and who comes later', async () => {
    const { wire } = wireOn();
    wire.listen();
    const waiting = wire.receive(() => null, 10_000);
    wire.lose('gone');
    await expect(waiting).rejects.toBeInstanceOf(LineLost);
    expect(() => wire.send('=')).toThrow(LineLost);
    await expect(wire.receive(() => null, 1)).rejects.toBeInstanceOf(LineLost);
    wire.closePipe();
  });
});
