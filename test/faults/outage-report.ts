/** The table of an outage's faults as a page, and back. */
import type { OutageRow } from '../support/outage-stage.ts';

const HEAD = `# Faults of an outage, and what becomes of the nodes

Written by \`RACKUI_FAULTS=write npx vitest run test/faults/outage --no-file-parallelism\`. Faults that are about processes are
played with NUT's own upsd and dummy UPSes on loopback, the others in virtual time with a stand-in for it; on a
[simulated rack](simulator.md) with a master, dev1, prod1, prod2, and a spare that was switched off before; guests thirty times as
fast as real ones. _At the end_: the nodes when the battery ended, or when the outage was over. _Evidence_: what
\`rackui outage report\` says of each. _Time_: from mains failure until the last plan ended, of what the UPS said of its
battery. _Cut_: power cuts of a system that ran. _Left to die_: nodes that ran when the battery ended and could have been
shut down. _Switched on_: nodes that were off before. All three have to be 0 in every row.
`;
const COLUMNS = ['fault', 'at the end', 'evidence', 'time', 'cut', 'left to die', 'switched on'];

/** The page with these rows instead of what it had of them, in the order of `faults`. */
export function outageReport(page: string, rows: readonly OutageRow[], faults: readonly string[]): string {
  const cells = new Map(outageTable(page).map((row) => [row[0] ?? '', row]));
  for (const { fault, nodes, evidence, time, cutAlive, leftToDie, switchedOn } of rows)
    cells.set(
      fault,
      [fault, nodes, evidence, time, cutAlive, leftToDie, switchedOn].map((value) => cell(String(value))),
    );
  const lines = faults.flatMap((fault) => (cells.has(fault) ? [(cells.get(fault) ?? []).join(' | ')] : []));
  const table = [COLUMNS.join(' | '), COLUMNS.map(() => '---').join(' | '), ...lines];
  return `${HEAD}\n${table.map((line) => `| ${line} |`).join('\n')}\n`;
}

/** The cells of each row, in the order of the columns. */
export function outageTable(page: string): string[][] {
  return [...page.matchAll(/^\|(.*)\|$/gm)]
    .slice(2)
    .map(([, inner = '']) => inner.split(/(?<!\\)\|/).map((word) => word.trim()));
}

/** Times of the run and numbers of processes mean nothing to a reader. */
function cell(text: string): string {
  return text
    .replace(/\/tmp\/[^\s,;]+/g, 'PATH')
    .replace(/pid \d+/g, 'pid N')
    .replaceAll('|', '\\|');
}
