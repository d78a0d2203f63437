/** What an outage demands, decided second by second in virtual time. */
import { describe, expect, test } from 'vitest';
import type { Supply, UpsReading } from '../../../src/api/outage.ts';
import { decide, type OutageInput, type OutageState, type Policy } from '../../../src/power/outage/policy.ts';
import { combineSupplies, readingFrom, unknownReading } from '../../../src/power/outage/supply.ts';

const POLICY: Policy = {
  steps: [
    { afterS: 60, plan: 'shed-dev' },
    { afterS: 300, plan: 'shed-prod' },
  ],
  last: 'shed-all',
  marginS: 60,
  restore: { afterS: 120, charge: 50 },
};

const MAINS: Supply = { state: 'mains', low: false, shutdown: false, runtimeS: null, charge: 100, why: null };
const battery = (runtimeS: number | null, over: Partial<Supply> = {}): Supply => ({
  ...{ state: 'battery', low: false, shutdown: false, runtimeS, charge: 80, why: null },
  ...over,
});
const SILENT: Supply = { ...MAINS, state: 'unknown', charge: null, why: 'no answer' };

/** Plays second by second; runs last as long as `lengths` say. Returns what was done, each with its second. */
function play(
  supplyAt: (second: number) => Supply,
  seconds: number,
  {
    policy = POLICY,
    lengths = {},
    lastMs = 120_000,
    from = null,
    takes = true,
    unshed = false,
  }: {
    policy?: Policy;
    lengths?: Record<string, number>;
    lastMs?: number;
    from?: OutageState | null;
    takes?: boolean;
    unshed?: boolean;
  } = {},
): string[] {
  const done: string[] = [];
  const open: { plan: string; until: number }[] = [];
  let state = from;
  let missing = from !== null;
  let lastEnded = false;
  for (let second = 0; second <= seconds; second++) {
    for (const run of open.filter(({ until }) => until <= second)) {
      open.splice(open.indexOf(run), 1);
      if (run.plan === 'restore') missing = false;
      if (run.plan === policy.last) lastEnded = true;
    }
    for (;;) {
      const running = open.some(({ plan }) => plan === 'restore')
        ? 'restoring'
        : open.length > 0
          ? 'shedding'
          : 'nothing';
      const input: OutageInput = {
        now: second * 1000,
        supply: supplyAt(second),
        lastMs: () => lastMs,
        running,
        lastEnded,
        missing,
        leavesNodes: () => unshed,
      };
      const next = decide(policy, state, input);
      state = next.state;
      if (next.actions.length === 0) break;
      for (const action of next.actions) {
        const word =
          action.do === 'run'
            ? `${action.plan}${action.deadlineS === null ? '' : ` within ${action.deadlineS}`}`
            : action.do;
        done.push(`${second} ${word}`);
        if (action.do === 'run') {
          open.push({ plan: action.plan, until: second + (lengths[action.plan] ?? 10) });
          if (takes) missing = true;
        }
        if (action.do === 'restore') open.push({ plan: 'restore', until: second + 30 });
        if (action.do === 'recall') for (const run of open) run.until = Math.min(run.until, second + 5);
      }
    }
  }
  return done;
}

describe('policy', () => {
  test.each([1, 7, 59])('a flicker of %i s begins nothing', (seconds) => {
    expect(play((t) => (t < seconds ? battery(1800) : MAINS), 600)).toEqual(['0 open', `${seconds} close`]);
  });

  test('steps begin at their time on battery, the last plan when the battery lasts just for it', () => {
    expect(play((t) => battery(1000 - t), 1000)).toEqual([
      '0 open',
      '60 shed-dev within 940',
      '300 shed-prod within 700',
      '820 shed-all within 180',
    ]);
  });

  test('a battery that drains twice as fast as it said brings the last plan forward', () => {
    expect(play((t) => battery(1000 - 2 * t), 500)).toEqual([
      '0 open',
      '60 shed-dev within 880',
      '300 shed-prod within 400',
      '410 shed-all within 180',
    ]);
  });

  test.each<[string, Partial<Supply>]>([
    ['a low battery', { low: true }],
    ['the announced end of the UPS', { shutdown: true }],
    ['a runtime shorter than the plan', { runtimeS: 90 }],
  ])('%s begins the last plan at once', (_what, over) => {
    expect(play(() => battery(3000, over), 5)[1]).toMatch(/^0 shed-all/);
  });

  test('mains back recall what runs, and what was taken comes back after its time', () => {
    expect(play((t) => (t < 70 ? battery(1800) : MAINS), 400, { lengths: { 'shed-dev': 100 } })).toEqual([
      '0 open',
      '60 shed-dev within 1800',
      '70 note',
      '70 recall',
      '190 restore',
      '220 close',
    ]);
  });

  test('a battery below the configured charge is waited for, an unknown charge is not', () => {
    const back = (charge: number | null) => (t: number) =>
      t < 70 ? battery(1800) : { ...MAINS, charge: charge === null ? null : Math.min(100, charge + t / 10) };
    expect(play(back(20), 600)).toContain('300 restore');
    expect(play(back(null), 600)).toContain('190 restore');
  });

  test('mains that go away again while nodes come back go on with the same outage', () => {
    const supply = (t: number): Supply => (t < 70 || (t >= 195 && t < 400) ? battery(1800) : MAINS);
    expect(play(supply, 800)).toEqual([
      '0 open',
      '60 shed-dev within 1800',
      '70 note',
      '190 restore',
      '195 note',
      '195 recall',
      '255 shed-dev within 1800',
      '400 note',
      '520 restore',
      '550 close',
    ]);
  });

  test('a last plan that left nodes on begins again while the battery lasts', () => {
    const lengths = { 'shed-all': 60 };
    expect(play(() => battery(40, { low: true }), 150, { lengths, unshed: true })).toEqual([
      ...['0 open', '0 shed-all within 60', '60 shed-all within 60', '120 shed-all within 60'],
    ]);
    // One that cannot begin is not tried more often than every two seconds; one that left nothing does not begin again.
    expect(play(() => battery(40, { low: true }), 6, { lengths: { 'shed-all': 0 }, unshed: true })).toHaveLength(5);
    expect(play(() => battery(40, { low: true }), 150, { lengths })).toHaveLength(2);
    const back = (t: number): Supply => (t < 30 ? battery(40, { low: true }) : MAINS);
    expect(play(back, 100, { lengths, unshed: true }).slice(2, 4)).toEqual(['30 note', '30 recall']);
  });

  test('a UPS that is silent from mains on changes nothing', () => {
    expect(play(() => SILENT, 3600)).toEqual([]);
  });

  test('a UPS that falls silent on battery is reckoned on from what it said', () => {
    expect(play((t) => (t < 30 ? battery(1000 - t) : SILENT), 1000)).toEqual([
      '0 open',
      '60 shed-dev within 940',
      '300 shed-prod within 700',
      '820 shed-all within 180',
    ]);
    // Nothing was known of its runtime: it is critical soon.
    expect(play((t) => (t < 5 ? battery(null) : SILENT), 60)).toEqual(['0 open', '19 shed-all']);
  });

  test('mains that come back after this machine announced its end switch nothing on', () => {
    const committed: OutageState = {
      ...{ phase: 'last', since: 0, stepsBegun: 1, committed: true, lastAt: 0, dark: false, known: null },
    };
    expect(play(() => MAINS, 800, { from: committed })).toEqual([]);
  });

  test('a machine that announced its end and stayed up brings nodes back after a quarter of an hour', () => {
    const supply = (t: number): Supply => (t < 20 ? battery(100, { shutdown: true }) : MAINS);
    expect(play(supply, 1200)).toEqual(['0 open', '0 shed-all within 100', '900 note', '1020 restore', '1050 close']);
  });

  test('after darkness what was taken comes back within seconds, with a charge that allows it', () => {
    const dark: OutageState = {
      phase: 'mains',
      since: 0,
      stepsBegun: 0,
      committed: false,
      lastAt: null,
      dark: true,
      known: null,
    };
    expect(play(() => MAINS, 60, { from: dark })).toEqual(['5 restore', '35 close']);
    expect(play(() => SILENT, 60, { from: dark })).toEqual(['5 restore', '35 close']);
    expect(play(() => battery(40), 3, { from: dark })).toEqual(['0 note', '0 shed-all within 60']);
  });
});

describe('supply', () => {
  const reading = (status: string, more: Record<string, string> = {}): UpsReading =>
    readingFrom('u', new Map(Object.entries({ 'ups.status': status, ...more })));

  test.each([
    ['OL', 'mains', false],
    ['OL CHRG', 'mains', false],
    ['OB DISCHRG', 'battery', false],
    ['OB LB', 'battery', true],
    ['ol trim', 'mains', false],
    ['OB CAL LB', 'mains', false],
    ['OL OB', 'unknown', false],
    ['OFF', 'unknown', false],
    ['', 'unknown', false],
  ])("status '%s' is %s", (status, state, low) => {
    expect(reading(status)).toMatchObject({ state, low });
  });

  test('values that are no numbers are not known', () => {
    const odd = reading('OL', { 'battery.charge': 'full', 'battery.runtime': '-1', 'ups.load': '12.5' });
    expect(odd).toMatchObject({ charge: null, runtimeS: null, load: 12.5 });
  });

  const on = reading('OL');
  const off = (runtime: string): UpsReading => reading('OB', { 'battery.runtime': runtime });
  const gone = unknownReading('u', 'no answer');
  test.each<[string, UpsReading[], number, Supply['state'], number | null]>([
    ['one of two on battery, one is enough', [on, off('300')], 1, 'mains', null],
    ['one of two on battery, both are needed', [on, off('300')], 2, 'battery', 300],
    ['two on battery, one is enough: the longer one counts', [off('300'), off('900')], 1, 'battery', 900],
    ['two on battery, both are needed: the shorter one counts', [off('300'), off('900')], 2, 'battery', 300],
    ['one silent, one on mains, one is enough', [gone, on], 1, 'mains', null],
    ['one silent, one on mains, both are needed', [gone, on], 2, 'unknown', null],
    ['one silent beside one on battery', [gone, off('200')], 1, 'battery', 200],
    ['all silent', [gone, gone], 1, 'unknown', null],
  ])('%s', (_what, readings, needs, state, runtimeS) => {
    expect(combineSupplies(readings, needs, null)).toMatchObject({ state, runtimeS });
  });

  test('a runtime that the UPS does not say comes from its charge, then from the configured minimum', () => {
    expect(combineSupplies([reading('OB', { 'battery.charge': '40' })], 1, 600).runtimeS).toBe(240);
    expect(combineSupplies([reading('OB')], 1, 600).runtimeS).toBe(600);
    // The minimum is one of a full battery, and runs down; a charge that is said runs down by itself.
    expect(combineSupplies([reading('OB')], 1, 600, 250).runtimeS).toBe(350);
    expect(combineSupplies([reading('OB')], 1, 600, 900).runtimeS).toBe(0);
    expect(combineSupplies([reading('OB', { 'battery.charge': '40' })], 1, 600, 250).runtimeS).toBe(240);
    expect(combineSupplies([reading('OB')], 1, null).runtimeS).toBeNull();
  });

  test('a low battery counts where the others do not suffice', () => {
    const low = reading('OB LB', { 'battery.runtime': '60' });
    expect(combineSupplies([low, off('900')], 1, null).low).toBe(false);
    expect(combineSupplies([low, off('900')], 2, null).low).toBe(true);
    expect(combineSupplies([low, gone], 1, null).low).toBe(true);
  });
});
