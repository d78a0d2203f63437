/**
 * `npm run bench [-- [--slow N] [word…]]`: measures the budgets and prints one JSON document. With words, only those
 * measurements whose name contains one of them. `--slow N` holds the programs to one Nth of a core. Ratios are to a floor
 * measured in the same run, at the same time or in turn. To be run on an otherwise idle machine. Exit code 1: a budget is
 * missed, or a measurement failed; 2: none is missed, and some could not be judged.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildOwnPrograms } from '../support/build-program.ts';
import { confirmedCut } from './cut.ts';
import { flood } from './flood.ts';
import { frames } from './frames.ts';
import { keyToEcho, switching } from './keys.ts';
import { missing, type Figure } from './measure.ts';
import { paste } from './paste.ts';
import { fleets } from './fleet.ts';
import { coldStart, firstPaint, version } from './starts.ts';
import { removeGroups, slowDown } from './slow.ts';
import { memory, server, steady, wide } from './steady.ts';
import { sweeps } from './sweep.ts';

const MEASUREMENTS: Record<string, () => Promise<Figure[]>> = {
  version,
  'first-paint': firstPaint,
  'cold-start': coldStart,
  sweeps,
  keys: keyToEcho,
  switching,
  cut: confirmedCut,
  paste,
  flood,
  server,
  steady,
  wide,
  frames,
  fleets,
  memory,
};

await buildOwnPrograms();
const { values, positionals: words } = parseArgs({
  options: { slow: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const slow = Number(values.slow);
if (!(slow >= 1 && slow <= 100)) throw new Error(`--slow takes a number from 1 to 100, not ${values.slow}`);
if (slow > 1) slowDown(slow);
// Reading more certificates takes each start of Node.js some 40 ms, also that of the empty program.
delete process.env.NODE_EXTRA_CA_CERTS;
const [load = Number.NaN] = loadavg();
const figures: Figure[] = [];
const failed: { measurement: string; error: string }[] = [];
for (const [name, measure] of Object.entries(MEASUREMENTS)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  process.stderr.write(`${name} …\n`);
  try {
    figures.push(...(await measure()));
  } catch (error) {
    failed.push({ measurement: name, error: error instanceof Error ? error.message : String(error) });
  }
}
removeGroups();
const [core] = cpus();
const machine = {
  node: process.version,
  arch: process.arch,
  cores: cpus().length,
  model: core?.model ?? '',
  load,
  slow,
};
process.stdout.write(`${JSON.stringify({ machine, figures, leftOut: missing, failed }, null, 2)}\n`);
const verdicts = new Set(figures.map(({ verdict }) => verdict));
process.exitCode = failed.length > 0 || verdicts.has('missed') ? 1 : verdicts.has('not judged') ? 2 : 0;
