/** What other full-screen programs cost at the same size and rate: a measure for ours, no budget. */
import { existsSync } from 'node:fs';
import { openTerminal } from '../support/terminal.ts';
import { processorShare } from './measure.ts';

/** Both redraw once a second: htop by option, btop's own default is two seconds, which is said in its name. */
const OTHERS: [name: string, path: string, args: string[]][] = [
  ['htop', '/usr/bin/htop', ['-d', '10']],
  ['btop_2s', '/usr/bin/btop', []],
];

/** `htop_KBs`, `htop_cpu`, … of those that are installed; the others are named on standard error. */
export async function others(watchMs: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, path, args] of OTHERS) {
    if (!existsSync(path)) {
      process.stderr.write(`${name}: not installed, not compared\n`);
      continue;
    }
    await using terminal = openTerminal(path, args, { cols: 160, rows: 50 });
    await terminal.waitFor((screen) => screen.text().trim() !== '', name);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const bytes = terminal.output.length;
    const [share = Number.NaN] = await processorShare([terminal.pid], watchMs);
    found[`${name}_KBs`] = (terminal.output.length - bytes) / (watchMs / 1000) / 1024;
    found[`${name}_cpu`] = share;
  }
  return found;
}
