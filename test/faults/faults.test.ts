/**
 * The simulator's faults in each state of the rack. `RACKUI_FAULTS=write npx vitest run test/faults` plays all of them and
 * writes docs/faults.md; a plain run plays those of bus and BMC, in the states that act only the ones that touch them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FAULTS, type Fault } from '../soak/faults.ts';

import { report, tableRows } from './report.ts';
import { Stage, STATES, type Row, type StateName } from './stage.ts';

const PAGE = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));
const all = process.env.RACKUI_FAULTS === 'write';
const rows: Row[] = [];

/** In a plain run: one of each kind for the states in which every fault costs seconds. */
const SAMPLE = ['unplug', 'wedge', 'lock', 'silent', 'garble', 'wrong-id', 'off-ignored', 'power'];

function played(state: StateName): readonly Fault[] {
  if (all) return FAULTS;
  if (state === 'sweep' || state === 'startup') return FAULTS.filter(({ of }) => of !== 'guest');
  return FAULTS.filter(({ verb }) => SAMPLE.includes(verb));
}

// All at once: they wait far more than they work.
test.concurrent.each(STATES)(
  'every fault in the state: %s',
  async (state) => {
    await using stage = await Stage.set();
    for (const fault of played(state)) {
      const row = await stage.play(state, fault).catch((error: unknown) => {
        throw new Error(`${fault.name}, ${state}: ${error instanceof Error ? error.message : String(error)}`);
      });
      rows.push(row);
      if (all) console.error(JSON.stringify(row));
      expect(row, JSON.stringify(row)).toMatchObject({ wrongCuts: 0 });
      expect(row.unaccounted ?? 0, JSON.stringify(row)).toBe(0);
      // What takes the bus away, or a node's answer, is told in every state.
      if (mustShow(state, fault)) expect(row.detectedMs, JSON.stringify(row)).not.toBeNull();
    }
  },
  all ? 1_200_000 : 400_000,
);

test('every row of the page: nothing lost, nothing cut; and a state that was not played to its end says so', () => {
  if (all) writeFileSync(PAGE, report(rows));
  const page = readFileSync(PAGE, 'utf8');
  const written = tableRows(page);
  for (const state of STATES) {
    const names = written.filter((row) => row.state === state).map(({ fault }) => fault);
    expect(names).toEqual(FAULTS.slice(0, names.length).map(({ name }) => name));
    const next = FAULTS[names.length];
    if (next) expect(page).toContain(`Not played to its end: stopped at \u201c${next.name}\u201d`);
  }
  for (const { state, fault, wrongCuts, unaccounted } of written)
    expect([state, fault, wrongCuts, unaccounted]).toEqual([
      state,
      fault,
      '0',
      state.startsWith('console') ? '0' : '-',
    ]);
});

function mustShow(state: StateName, { verb }: Fault): boolean {
  if (verb === 'unplug') return true;
  return state === 'sweep' && ['silent', 'torn', 'wrong-id', 'power', 'wedge', 'lock', 'mute'].includes(verb);
}
