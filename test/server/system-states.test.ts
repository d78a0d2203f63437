/**
 * The alarm of a node that has power and whose system is down: told when its shutdown's time is over, not at each
 * reboot.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { steadyNow } from '../../src/lib/clock.ts';
import type { Reading } from '../../src/rack/reading.ts';
import { SystemStates } from '../../src/server/polling/system-states.ts';

const { shutdown, boot } = parseConfig('name: r\nport: /dev/null\nnodes: [{ addr: "03", name: n3 }]\n', 'rack.yaml');

function stateFolder(): string {
  const stateDir = mkdtempSync(join(tmpdir(), 'rackui-systems-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  return stateDir;
}

/**
 * A server that began `startS` seconds after the first: hours ago, as no time in a file may be ahead of the real clock.
 */
function watch({ stateDir = stateFolder(), startS = 0 } = {}) {
  const alarms = new Map<string, string>();
  let now = steadyNow() + (startS - 3 * 3600) * 1000;
  const states = new SystemStates({
    ...{ stateDir, nameOf: () => 'n3', warn: () => undefined, now: () => now, label: () => 'n3 (A-3, 03)' },
    ...{ limits: () => ({ shutdown, boot }), operationOn: () => null, nodeChanged: () => undefined },
    events: { add: () => undefined },
    alarms: {
      set(kind, _addr, text) {
        if (text === null) alarms.delete(kind);
        else alarms.set(kind, text);
      },
    },
  });
  const reading = (): Reading => ({
    state: 'ok',
    source: 'sweep',
    sample: { power: 'on', current: 30, fan: 90, at: now, rttMs: 1 },
  });
  return {
    alarms,
    get: () => states.get(3),
    asks: () => states.sign(3, 'asked', 'was asked to shut down'),
    hears: (text: string) => states.onOutput(3, text),
    /** So many seconds in which its BMC is not read. */
    stands: (seconds: number) => {
      now += seconds * 1_000;
    },
    /** So many seconds, its BMC read each second. */
    passes: (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        states.tick(3);
        states.read(3, reading());
      }
    },
  };
}

test('a node that reboots raises no alarm', () => {
  const { alarms, hears, passes } = watch();
  hears('\r\nn3 login: \r\nThe system will reboot now!\r\n');
  passes(20);
  hears('[  311.9] reboot: Restarting system\r\n[    0.000000] Linux version 6.12.47\r\n');
  passes(5);
  expect([...alarms]).toEqual([]);
});

test('a node that goes down and never says its last line raises one when the time of a shutdown is over', () => {
  const { alarms, hears, passes } = watch();
  hears('\r\nn3 login: \r\nThe system is going down now!\r\n');
  passes(shutdown.hard - 5);
  expect([...alarms]).toEqual([]);
  passes(10);
  expect(alarms.get('halted')).toContain('still has power');
  hears('\r\nn3 login: ');
  passes(3);
  expect([...alarms]).toEqual([]);
});

test('a node that has halted raises one at once', () => {
  const { alarms, hears, passes } = watch();
  hears('\r\n[  311.9] reboot: Power down\r\n');
  passes(1);
  expect(alarms.get('halted')).toContain('has halted and still has power');
});

test.each([
  ['right behind its last line', 0, 5, false],
  ['after hours of watching it', 2 * 3600, 15, false],
  ['after too long a time without a server', 60, 45, true],
])('a last line read by a server that ended %s', (_when, watchedS, goneS, recalled) => {
  const stateDir = stateFolder();
  const first = watch({ stateDir });
  first.asks();
  first.hears('\r\n[  311.9] reboot: Power down\r\n');
  first.passes(watchedS);
  expect(first.get()).toMatchObject({ system: 'halted', recalled: false });
  const second = watch({ stateDir, startS: watchedS + goneS });
  expect(second.get()).toMatchObject({ system: 'halted', asked: true, recalled });
  second.passes(40);
  expect(second.get()).toMatchObject({ system: 'halted', recalled });
});

test('a last line from before this machine was booted, or of a node that is not looked at for long, is an old one', () => {
  const stateDir = stateFolder();
  const first = watch({ stateDir });
  first.asks();
  first.hears('\r\n[  311.9] reboot: Power down\r\n');
  const late = watch({ stateDir, startS: 5 });
  expect(late.get().recalled).toBe(false);
  // Its bus is not there for a minute.
  late.stands(60);
  late.passes(1);
  expect(late.get().recalled).toBe(true);
  expect(watch({ stateDir, startS: 66 }).get().recalled).toBe(true);

  const file = join(stateDir, 'systems.json');
  first.passes(15);
  const kept = readFileSync(file, 'utf8');
  expect(kept).toContain('seenAt');
  writeFileSync(file, kept.replaceAll(/"boot":"[^"]*"/g, '"boot":"another"'));
  expect(watch({ stateDir, startS: 16 }).get()).toMatchObject({ system: 'halted', recalled: true });
});
