/**
 * An outage with each fault of its supply, in virtual time with a stand-in for upsd. `RACKUI_FAULTS=write npx vitest run
 * test/faults/outage --no-file-parallelism` writes docs/outage-faults.md as well.
 */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { names, PAGE, playOutage, titleOf } from './outage-play.ts';
import { outageTable } from './outage-report.ts';
import { SUPPLY_FAULTS } from './supply-faults.ts';

for (const fault of SUPPLY_FAULTS.filter(({ real }) => real !== true))
  test(titleOf(fault), { timeout: 180_000 }, () => playOutage(fault));

test('the page has every fault, and no cut, no node left to die, none switched on in vain', () => {
  expect(existsSync(PAGE)).toBe(true);
  const table = outageTable(readFileSync(PAGE, 'utf8'));
  expect(table.map(([fault]) => fault)).toEqual(names);
  for (const row of table) expect([row[0], ...row.slice(-3)]).toEqual([row[0], '0', '0', '0']);
});
