/** What a resume of a plan over several racks says before it begins anything. */
import { expect, test } from 'vitest';
import { FleetJournal } from '../../src/client/fleet-journal.ts';
import { newFleetRecord } from '../../src/client/fleet-record.ts';
import { nodesConfirmedBefore, resumeSummaryOf } from '../../src/client/fleet-preview.ts';
import { type FleetPart, type FleetRun, partsOf } from '../../src/rack/fleet-plan.ts';

const PLANS = ['north/shed', 'south/shed', 'west/shed'];

function interrupted(...parts: Partial<FleetPart>[]): FleetRun {
  const steps = PLANS.map((plan, index) => ({ name: `s${index}`, plans: [plan], onFail: 'pause' as const }));
  const run = newFleetRecord(
    new FleetJournal('/nowhere'),
    { list: '/racks.yaml', plan: 'all', by: 'pi' },
    { steps },
    { armed: false, deadlineS: null },
  );
  partsOf(run).forEach((part, index) => Object.assign(part, { confirmed: true, confirm: 'shed 2' }, parts[index]));
  return run;
}

const NOTHING_ASKED = new Map();

test('a resume says what continues, and what loses power by the words of the start', () => {
  const run = interrupted({ state: 'running', run: 'p1' });
  expect(resumeSummaryOf(run, NOTHING_ASKED)).toBe(
    'north/shed continues; south/shed, west/shed start as confirmed before: 4 nodes lose power',
  );
  expect(nodesConfirmedBefore(run, NOTHING_ASKED)).toBe(4);
});

test('a part that is confirmed now, one that switches on, and one that is done lose no power by the words of the start', () => {
  const run = interrupted({ state: 'done' }, { confirm: null }, { confirmed: false, state: 'unreached' });
  const [, , west] = partsOf(run);
  expect(west).toBeDefined();
  const asked = new Map(west === undefined ? [] : [[west, null]]);
  expect(nodesConfirmedBefore(run, asked)).toBe(0);
  expect(resumeSummaryOf(run, asked)).toBe(
    'west/shed (not reached); no node loses power; south/shed starts as confirmed before: no node loses power',
  );
});

test('a resume of a run whose parts have all ended says that nothing is left', () => {
  const run = interrupted({ state: 'done' }, { state: 'done' }, { state: 'done' });
  expect(resumeSummaryOf(run, NOTHING_ASKED)).toBe('nothing is left to begin');
});
