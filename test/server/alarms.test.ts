/** The alarm service, given readings by hand. */
import { expect, test } from 'vitest';
import { type Inventory, unnamedNode } from '../../src/rack/inventory.ts';
import type { Power, Reading, Sample } from '../../src/rack/reading.ts';
import { EventLog } from '../../src/server/events.ts';
import { AlarmService } from '../../src/server/polling/alarms.ts';

const LIMITS = { fanStopped: null, currentHigh: null, currentCollapsed: null, after: 0, settle: 0 };

function serviceFor(inventory: Inventory): { service: AlarmService; told: string[] } {
  const told: string[] = [];
  const events = new EventLog({ now: () => 0, write: () => undefined, publish: ({ text }) => told.push(text) });
  const service = new AlarmService(() => LIMITS, {
    ...{ now: () => 0, events, inventory: () => inventory, label: () => 'n3' },
    ...{ turned: () => undefined, changed: () => undefined, nodeChanged: () => undefined },
  });
  return { service, told };
}

const sample = (power: Power): Sample => ({ power, current: 30, fan: 110, at: 0, rttMs: 1 });
const ok = (power: Power): Reading => ({ state: 'ok', sample: sample(power), source: 'sweep' });
const rack: Inventory = { name: 'r', configured: true, calibration: null, nodes: [unnamedNode(3)] };

test('a sample raises and clears an alarm, each told once; a lost node keeps what it had', () => {
  const { service, told } = serviceFor(rack);
  for (const power of ['on', 'disabled', 'disabled'] as const) service.read(3, ok(power));
  expect(service.wordsFor(3)).toEqual(['disabled']);
  service.read(3, { state: 'failed', failure: 'silent', since: 0, tries: 2, last: sample('disabled') });
  expect(service.wordsFor(3)).toEqual(['disabled', 'lost']);
  service.read(3, ok('on'));
  expect(service.wordsFor(3)).toEqual([]);
  expect(told).toEqual(['n3 its BMC reports disabled', 'n3: over: its BMC reports disabled']);
});
