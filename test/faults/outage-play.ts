/** Plays one fault of an outage, with what has to hold for all of them; in a writing run it notes the row on the page. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { formatted } from '../support/formatted.ts';
import { OutageStage, type OutageRow } from '../support/outage-stage.ts';
import type { OutageFault } from './outage-fault.ts';
import { outageReport } from './outage-report.ts';
import { RACK_FAULTS } from './rack-faults.ts';
import { SUPPLY_FAULTS } from './supply-faults.ts';

export const PAGE = fileURLToPath(new URL('../../docs/outage-faults.md', import.meta.url));
export const OUTAGE_FAULTS: readonly OutageFault[] = [...SUPPLY_FAULTS, ...RACK_FAULTS];
export const names = OUTAGE_FAULTS.map(({ name }) => name);

const write = process.env.RACKUI_FAULTS === 'write';
let writing: Promise<void> = Promise.resolve();

export const titleOf = ({ name, missing = null }: OutageFault): string =>
  `${name}: no node is cut, left to die or switched on in vain${missing === null ? '' : ` (missing here: ${missing})`}`;

export async function playOutage(fault: OutageFault): Promise<void> {
  await using stage = await OutageStage.set({ ...fault, virtual: fault.real !== true });
  await fault.play(stage);
  const row = await stage.row(fault.name);
  const told = JSON.stringify({ row, report: await stage.report().catch(() => null) }, null, 1);
  expect(row, told).toMatchObject({ cutAlive: 0, leftToDie: 0, switchedOn: 0 });
  expect(row.nodes, told).toMatch(fault.ends);
  if (fault.says) expect(`${row.evidence}\n${stage.lines.join('\n')}`, told).toMatch(fault.says);
  if (write && names.includes(fault.name)) await note(row);
}

/** One row after the other: a run of some of them keeps the others as they were. */
async function note(row: OutageRow): Promise<void> {
  writing = writing.then(async () => {
    const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
    writeFileSync(PAGE, await formatted(PAGE, outageReport(page, [row], names)));
  });
  await writing;
}
