/** `rackui sim`: the simulated rack as a program of its own. */
import { SimHost } from './host.ts';
import { ReplayHost } from './replay-host.ts';
import { SIM_HELP, type SimOptions } from './options.ts';

/** Runs until SIGINT, SIGTERM, SIGHUP, or the end of standard input where that was asked for. Returns the exit code. */
export async function runSim(options: SimOptions): Promise<number> {
  if (options.help) {
    process.stdout.write(SIM_HELP);
    return 0;
  }
  const host = options.replay === null ? await SimHost.start(options) : new ReplayHost(options.replay, options.link);
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    if (options.exitWithStdin)
      process.stdin.once('error', resolve).once('close', resolve).once('end', resolve).resume();
  });
  const control = host instanceof SimHost ? `control ${host.control}\n` : '';
  process.stdout.write(`port ${host.port ?? ''}\n${control}ready\n`);
  await ended;
  host.close();
  // A signal ends it too, and an open standard input would keep the process.
  if (options.exitWithStdin) process.stdin.destroy();
  return 0;
}
