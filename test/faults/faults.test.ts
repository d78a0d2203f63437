/**
 * The simulator's faults in each state of the rack, in virtual time; one of each kind with a server's process.
 * `RACKUI_FAULTS=write npx vitest run test/faults` plays all of them and writes docs/faults.md; a plain run plays those of bus
 * and BMC, in the states that act only the ones that touch them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { VERBS } from '../../src/sim/control/commands.ts';
import { FAULTS, type Fault } from '../soak/faults.ts';
import { report, tableRows } from './report.ts';
import { Stage, STATES, type Row, type StateName, mustShow } from './stage.ts';

const PAGE = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));
const all = process.env.RACKUI_FAULTS === 'write';
const rows: Row[] = [];

/** In a plain run: one of each kind for the states in which every fault costs seconds. */
const SAMPLE = ['unplug', 'wedge', 'drop-pipe', 'lock', 'silent', 'garble', 'wrong-id', 'off-ignored', 'power'];

function played(state: StateName): readonly Fault[] {
  if (all) return FAULTS;
  if (state === 'sweep' || state === 'startup') return FAULTS.filter(({ of }) => of !== 'guest');
  return FAULTS.filter(({ verb }) => SAMPLE.includes(verb));
}

async function play(stage: Stage, state: StateName, fault: Fault): Promise<Row> {
  const once = (): Promise<Row> =>
    stage.play(state, fault).catch((error: unknown) => {
      throw new Error(`${fault.name}, ${state}: ${error instanceof Error ? error.message : String(error)}`);
    });
  let row = await once();
  // The end of an exchange under way closes a pipe that was just left open, and nothing came of it.
  for (let again = 0; again < 3 && fault.verb === 'wedge' && mustShow(state, fault) && row.detectedMs === null; again++)
    row = await once();
  expect(row, JSON.stringify(row)).toMatchObject({ wrongCuts: 0 });
  expect(row.unaccounted ?? 0, JSON.stringify(row)).toBe(0);
  // What takes the bus away, or a node's answer, is told in every state.
  if (mustShow(state, fault)) expect(row.detectedMs, JSON.stringify(row)).not.toBeNull();
  return row;
}

test.each(STATES)(
  'every fault in the state: %s',
  async (state) => {
    // Anew where it is asked once more.
    rows.splice(0, rows.length, ...rows.filter((row) => row.state !== state));
    await using stage = await Stage.set({ virtual: true });
    for (const fault of played(state)) rows.push(await play(stage, state, fault));
  },
  all ? 1_200_000 : 400_000,
);

/** A fault of each kind: the device's and its kernel's, a BMC's, a guest's; and the start of a process beside one. */
const OF_PROCESSES: readonly (readonly [state: StateName, verb: string])[] = [
  ['sweep', 'unplug'],
  ['sweep', 'silent'],
  ['console attached and idle', 'hang'],
  ['console flowing', 'unplug'],
  ['graceful off running', 'off-ignored'],
  ['startup', 'lock'],
];

test('a fault of each kind with a server’s process on a pseudo-terminal', { timeout: 240_000 }, async () => {
  await using stage = await Stage.set({ virtual: false });
  for (const [state, wanted] of OF_PROCESSES)
    for (const fault of FAULTS.filter(({ verb }) => verb === wanted)) await play(stage, state, fault);
});

/** Verbs of the simulator that break nothing: they ask, end, set the scene, or are a program of the node's own. */
const NO_FAULTS = [
  ...['state', 'counters', 'reset-counters', 'output'],
  ...['clear', 'replug'],
  ...['listen', 'dialect', 'swap-board'],
  ...['shutdown', 'say', 'time-scale'],
  // The supply's: another page's.
  ...['upsd', 'ups-flags'],
  // Of the network, and of what a cycle is held against: test/power/reset.test.ts and test/server/ssh.test.ts play them.
  ...['ssh', 'same-boot-id'],
];

test('every fault that the simulator can play is one of these', () => {
  const played = FAULTS.flatMap(({ verb, before = [] }) => [verb, ...before.map((step) => step.verb)]);
  expect([...new Set([...played, ...NO_FAULTS])].toSorted()).toEqual(Object.keys(VERBS).toSorted());
});

test('the page: every fault in every state, nothing lost, nothing cut', () => {
  if (all) writeFileSync(PAGE, report(rows));
  const written = tableRows(readFileSync(PAGE, 'utf8'));
  expect(written.map(({ state, fault }) => `${state}: ${fault}`)).toEqual(
    STATES.flatMap((state) => FAULTS.map(({ name }) => `${state}: ${name}`)),
  );
  for (const { state, fault, wrongCuts, unaccounted } of written)
    expect([state, fault, wrongCuts, unaccounted]).toEqual([
      state,
      fault,
      '0',
      state.startsWith('console') ? '0' : '-',
    ]);
});
