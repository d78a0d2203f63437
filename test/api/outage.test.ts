/** The supply in words: for the header, for `status`, for sentences. */
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/api/methods.ts';
import { clock, mostPressing, supplyForms, upsText, type OutageView, type UpsReading } from '../../src/api/outage.ts';
import { statusReport, statusTable } from '../../src/cli/format/status.ts';
import { statusSentences } from '../../src/cli/plain/sentences.ts';
import { NOW, Scene } from '../screens/scene.ts';
import { outageView, SUPPLIES, TWO, upsReading } from '../screens/supplies.ts';

const forms = (ups: Partial<UpsReading>, over: Partial<OutageView> = {}): string[] =>
  supplyForms(outageView(upsReading(ups), over), NOW);
const since = (is: NonNullable<OutageView['phase']>['is']): Partial<OutageView> => ({
  phase: { is, since: NOW - 5000 },
});

test.each<[what: string, says: string[], is: string[]]>([
  ['mains with a charge', forms({ charge: 98 }), ['mains, battery 98 %', 'mains 98 %']],
  ['mains of a UPS that says no charge', forms({ charge: null }), ['mains']],
  [
    'mains back, nothing switched on yet',
    forms({ charge: 61 }, since('mains')),
    ['mains back, battery 61 %', 'mains back 61 %'],
  ],
  [
    'nodes come back',
    forms({ charge: 72 }, since('restoring')),
    ['mains, battery 72 %, nodes are switched on again', 'mains 72 %, nodes are switched on again', 'mains 72 %'],
  ],
  [
    'a battery that says everything',
    forms({ state: 'battery', charge: 43.6, runtimeS: 3725 }),
    ['BATTERY 44 %, 1:02:05 left, shed-all takes 4:10', 'BATTERY 44 %, 1:02:05 left', 'BATTERY 44 %'],
  ],
  [
    'a battery that says nothing',
    forms({ state: 'battery', charge: null, runtimeS: null }),
    ['BATTERY, shed-all takes 4:10', 'BATTERY'],
  ],
  [
    'a low battery and no plan',
    forms({ state: 'battery', low: true, charge: 5, runtimeS: 59.6 }, { last: null }),
    ['BATTERY LOW 5 %, 1:00 left', 'BATTERY LOW 5 %'],
  ],
  [
    'silent since it answered, no outage: never mains, and no runtime as if it counted',
    forms({ state: 'unknown', why: 'gone', charge: null, answeredAt: NOW - 185_000 }, { batteryS: 900 }),
    ['UPS UNKNOWN 3 min'],
  ],
  ['silent from the start', forms({ state: 'unknown', why: 'gone', charge: null, answeredAt: null }), ['UPS UNKNOWN']],
  [
    'silent on battery: reckoned on',
    forms({ state: 'unknown', why: 'x', charge: null, answeredAt: NOW - 8_000 }, { batteryS: 75, ...since('battery') }),
    [
      'UPS UNKNOWN 8 s, perhaps 1:15 left, shed-all takes 4:10',
      'UPS UNKNOWN 8 s, perhaps 1:15 left',
      'UPS UNKNOWN 8 s',
    ],
  ],
])('%s', (_what, says, is) => {
  expect(says).toEqual(is);
});

test.each([
  [0.4, '0:00'],
  [59.5, '1:00'],
  [3599.4, '59:59'],
  [86_399, '23:59:59'],
])('%d s is %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

test('of several groups the one on battery is shown, then the silent one; without any UPS none', () => {
  expect(mostPressing(TWO)?.nodes).toBe('row:B');
  const mains = outageView(upsReading());
  const silent = outageView(upsReading({ state: 'unknown', why: 'x' }), { nodes: 'row:C' });
  expect(mostPressing({ policies: [mains, silent], dateAhead: 0 })?.nodes).toBe('row:C');
  const untold = { ...mains, ups: [] };
  expect(mostPressing({ policies: [untold], dateAhead: 0 })).toBeNull();
  const told = { ...untold, supply: { ...mains.supply, state: 'battery' } } as const;
  expect(mostPressing({ policies: [untold, told], dateAhead: 0 })).toBe(told);
});

test('a silent UPS is told with its reason and when it was heard last', () => {
  const reading = upsReading({
    state: 'unknown',
    why: 'upsd answers DATA-STALE',
    charge: null,
    runtimeS: null,
    load: null,
  });
  expect(upsText({ ...reading, answeredAt: NOW - 42_000 }, NOW)).toBe(
    'unknown: upsd answers DATA-STALE; last answered 42 s ago',
  );
  expect(upsText({ ...reading, answeredAt: null }, NOW)).toBe('unknown: upsd answers DATA-STALE; it never answered');
});

describe('status and sentences', () => {
  const snapshot = (outage: Snapshot['outage']): Snapshot => {
    const { state } = new Scene({ outage });
    const { rack, bus, now } = state;
    return {
      ...{ now, rack: { ...rack, nodes: [] }, intervalMs: 1000, bus, nodes: [], console: null, sessions: [] },
      ...{ operations: [], outage, config: state.config, alarms: [], events: [] },
    };
  };
  const line = (outage: Snapshot['outage']): string | undefined =>
    statusTable(statusReport(snapshot(outage), [])).find((text) => text.startsWith('supply: '));

  test.each<[what: string, outage: Snapshot['outage'], line: string | undefined]>([
    ['no UPS', { policies: [], dateAhead: 0 }, undefined],
    ['mains', SUPPLIES.mains, 'supply: mains, battery 98 %'],
    [
      'battery',
      SUPPLIES.battery,
      'supply: BATTERY 71 %, 11:20 left, shed-all takes 4:10; outage: on battery for 3 min',
    ],
    [
      'a plan that does not fit',
      SUPPLIES.short,
      'supply: BATTERY LOW 9 %, 2:00 left, shed-all takes 4:10; the battery does not last long enough; outage: the last plan for 20 s',
    ],
    [
      'silent',
      SUPPLIES.unknown,
      'supply: UPS UNKNOWN 40 s, perhaps 10:40 left, shed-all takes 4:10; no connection to upsd at 127.0.0.1:3493: connect ECONNREFUSED 127.0.0.1:3493; outage: on battery for 3 min',
    ],
    ['several groups', TWO, 'supply: row:A: mains, battery 98 %'],
  ])('the table tells of %s', (_what, outage, says) => {
    expect(line(outage)).toBe(says);
  });

  test('the JSON has each UPS with its age, and the plan with whether it fits', () => {
    const [supply] = statusReport(snapshot(SUPPLIES.short), []).supply;
    expect(supply).toMatchObject({
      ...{ nodes: 'the whole rack', state: 'battery', low: true, charge: 9, batteryS: 120 },
      ...{ plan: 'shed-all', planS: 250, fits: false, phase: 'last', phaseMs: 20_000 },
      ups: [{ name: 'apc', state: 'battery', runtimeS: 120, load: 41, ageMs: 1000 }],
    });
    expect(statusReport(snapshot(SUPPLIES.unknown), []).supply[0]?.ups[0]).toMatchObject({
      ...{ state: 'unknown', charge: null, runtimeS: null, ageMs: 40_000 },
    });
  });

  test('sentences tell it too', () => {
    const { rack, nodes } = new Scene({}).state;
    const whole: Snapshot = { ...snapshot(SUPPLIES.battery), rack };
    whole.nodes = [...nodes].map(([addr, { reading, system }]) => ({
      addr,
      reading,
      system,
      onSince: null,
      kubernetes: null,
      alarms: [],
      op: null,
    }));
    expect(statusSentences(whole)).toContain(
      'Supply: BATTERY 71 %, 11:20 left, shed-all takes 4:10; outage: on battery for 3 min.',
    );
  });
});
