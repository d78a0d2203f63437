/** What the server says about a bus in trouble: each step once, in words to act on. */
import { describe, expect, test } from 'vitest';
import type { EventRecord } from '../../src/api/methods.ts';
import type { Bus, BusHealth, Recovery } from '../../src/bmc/types.ts';
import { EventLog } from '../../src/server/events.ts';
import { BusStatusMonitor } from '../../src/server/polling/bus-status.ts';

function monitored(start: BusHealth['phase']) {
  let listener: (health: BusHealth) => void = () => undefined;
  const bus = {
    health: { phase: start, detail: '', master: null } as BusHealth,
    recovery: null as Recovery | null,
    counters: { exchanges: 0, silent: 0, garbled: 0, foreign: 0, stray: 0, recoveries: 0 },
    onHealth: (heard: (health: BusHealth) => void) => {
      listener = heard;
      return () => undefined;
    },
  };
  const told: EventRecord[] = [];
  let now = 1_000;
  const unlocked: number[] = [];
  const events = new EventLog({ now: () => now, write: () => undefined, publish: (event) => told.push(event) });
  const monitor = new BusStatusMonitor(bus as unknown as Bus, '/dev/fake', {
    now: () => now,
    events,
    changed: () => undefined,
    unlocked: (awayMs) => unlocked.push(awayMs),
    unlocking: () => undefined,
    swept: () => undefined,
  });
  monitor.start();
  return {
    bus,
    unlocked,
    monitor,
    told,
    later: (ms: number) => (now += ms),
    become: (phase: BusHealth['phase'], step: Recovery['step'] | null, retryAt: number | null = null): void => {
      bus.health = { phase, detail: phase === 'ready' ? '' : 'why', master: phase === 'ready' ? 0 : null };
      bus.recovery = step === null ? null : { step, retryAt };
      listener(bus.health);
    },
    texts: () => told.map(({ text }) => text),
  };
}

describe('steps', () => {
  test('a start that goes well has nothing to recover from', () => {
    const { become, texts } = monitored('starting');
    become('starting', 'probe');
    become('ready', null);
    expect(texts()).toEqual(['Bus ready on /dev/fake; the master is 00']);
  });

  test('each rung is told and shown, with the time of the next try', () => {
    const { become, texts, monitor } = monitored('ready');
    become('ready', 'probe');
    become('ready', 'unlock');
    expect(monitor.status().recovery).toEqual({
      step: 'unlock',
      retryAt: null,
      text: 'the master does not answer: sending the unlock string',
    });
    become('locked', 'rest', 9_000);
    expect(monitor.status().recovery).toMatchObject({ step: 'rest', retryAt: 9_000 });
    become('ready', null);
    expect(monitor.status().recovery).toBeNull();
    expect(texts()).toEqual([
      'Bus ready on /dev/fake',
      'Bus: sent ^G to close the pipe, querying the master',
      'Bus: the master does not answer: sending the unlock string',
      'Bus: retrying automatically',
      'Bus locked: why',
      'Bus ready on /dev/fake; the master is 00',
    ]);
  });

  test('a bus that goes up and down all day fills no log', () => {
    const { become, told, later } = monitored('ready');
    for (let n = 0; n < 1_000; n++) {
      become('ready', 'probe');
      become('ready', null);
      later(100);
    }
    expect(told.length).toBeLessThan(10);
    expect(told.at(-1)?.text).toMatch(/and (once|\d+ times) before/);
  });

  test('bytes that nobody asked for are a second master, or noise', () => {
    const { bus, monitor, told } = monitored('ready');
    monitor.swept(70);
    bus.counters.stray = 5;
    monitor.swept(70);
    expect(told).toHaveLength(1);
    bus.counters.stray = 60;
    monitor.swept(70);
    expect(told.slice(1).map(({ text }) => text)).toEqual([
      'Bus: unsolicited bytes (55): noise, or another master on this bus',
    ]);
  });
});
