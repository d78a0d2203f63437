/**
 * An outage with each of its faults, against NUT's own upsd. `RACKUI_FAULTS=write npx vitest run
 * test/faults/outage.test.ts` writes docs/outage-faults.md as well.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { missingNut } from '../support/nut.ts';
import { OutageStage, type OutageRow } from '../support/outage-stage.ts';
import { outageReport, outageTable } from './outage-report.ts';
import { RACK_FAULTS } from './rack-faults.ts';
import { SUPPLY_FAULTS } from './supply-faults.ts';

const PAGE = fileURLToPath(new URL('../../docs/outage-faults.md', import.meta.url));
const write = process.env.RACKUI_FAULTS === 'write';
let writing: Promise<void> = Promise.resolve();
const OUTAGE_FAULTS = [...SUPPLY_FAULTS, ...RACK_FAULTS];
const names = OUTAGE_FAULTS.map(({ name }) => name);

describe.skipIf(missingNut.length > 0)(
  `outage${missingNut.length > 0 ? ` (missing here: ${missingNut.join(', ')})` : ''}`,
  () => {
    // Several at once: they wait far more than they work.
    for (const fault of OUTAGE_FAULTS.toSorted((a, b) => Number(b.slow === true) - Number(a.slow === true))) {
      const { name, missing = null } = fault;
      const play = missing === null ? test.concurrent : test.concurrent.skip;
      play(
        `${name}: no node is cut, left to die or switched on in vain${missing === null ? '' : ` (missing here: ${missing})`}`,
        async () => {
          await using stage = await OutageStage.set(fault);
          await fault.play(stage);
          const row = await stage.row(name);
          const told = JSON.stringify({ row, report: await stage.report().catch(() => null) }, null, 1);
          expect(row, told).toMatchObject({ cutAlive: 0, leftToDie: 0, switchedOn: 0 });
          expect(row.nodes, told).toMatch(fault.ends);
          if (fault.says) expect(`${row.evidence}\n${stage.lines.join('\n')}`, told).toMatch(fault.says);
          if (write) await note(row);
        },
        420_000,
      );
    }
  },
);

test('the page has every fault, and no cut, no node left to die, none switched on in vain', () => {
  expect(existsSync(PAGE)).toBe(true);
  const table = outageTable(readFileSync(PAGE, 'utf8'));
  expect(table.map(([fault]) => fault)).toEqual(names);
  for (const row of table) expect([row[0], ...row.slice(-3)]).toEqual([row[0], '0', '0', '0']);
});

/** One row after the other: a run of some of them keeps the others as they were. */
async function note(row: OutageRow): Promise<void> {
  const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' };
  writing = writing.then(async () => {
    const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
    writeFileSync(PAGE, await format(outageReport(page, [row], names), options));
  });
  await writing;
}
