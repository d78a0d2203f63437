/**
 * `npm run bench [word…]`: measures the budgets and prints one JSON document. With words, only those measurements whose
 * name holds one of them. Ratios are to a floor measured in the same run: other work on the machine slows both.
 */
import { cpus } from 'node:os';
import { confirmedCut } from './cut.ts';
import { flood } from './flood.ts';
import { frames } from './frames.ts';
import { keyToEcho, switching } from './keys.ts';
import { missing, type Figure } from './measure.ts';
import { paste } from './paste.ts';
import { several } from './several.ts';
import { coldStart, firstPaint, version } from './starts.ts';
import { memory, steady, wide } from './steady.ts';
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
  steady,
  wide,
  frames,
  several,
  memory,
};

const words = process.argv.slice(2);
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
const machine = { node: process.version, arch: process.arch, cores: cpus().length, model: cpus()[0]?.model ?? '' };
process.stdout.write(`${JSON.stringify({ machine, figures, leftOut: missing, failed }, null, 2)}\n`);
process.exitCode = failed.length > 0 || figures.some(({ ok }) => !ok) ? 1 : 0;
