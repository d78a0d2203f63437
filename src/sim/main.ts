/** `rackui sim`: the simulated rack as a program of its own. */
import { rmSync, symlinkSync } from 'node:fs';
import { buildSimulator } from './build.ts';
import type { SimOptions } from './options.ts';

/** Runs until SIGINT, SIGTERM, SIGHUP, or the end of standard input where that was asked for. Returns the exit code. */
export async function runSim(options: SimOptions): Promise<number> {
  const { simulator } = buildSimulator(options, () => performance.now());
  const port = simulator.plug();
  if (options.link !== null) {
    rmSync(options.link, { force: true });
    symlinkSync(port, options.link);
  }
  process.stdout.write(`port ${port}\nready\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    if (options.exitWithStdin) process.stdin.once('end', () => resolve()).resume();
  });
  if (options.link !== null) rmSync(options.link, { force: true });
  simulator.close();
  return 0;
}
