/** Ten megabytes through a console without a line rate: how soon the interface answers keys meanwhile. */
import { muchThroughAConsole } from '../support/amounts.ts';
import { figure, median, percentile, type Figure } from './measure.ts';

export async function flood(): Promise<Figure[]> {
  const { ms, printed, logged, same, keys, serverGrewMB, interfaceGrewMB } = await muchThroughAConsole();
  const detail = { p50: median(keys), keys: keys.length, ms, serverGrewMB, interfaceGrewMB };
  return [
    figure('bytes missing in the log of 10 MB', same ? 0 : Math.max(1, printed - logged), 'bytes', 0, { logged }),
    figure('key to screen while 10 MB come, p99', percentile(keys, 0.99), 'ms', 100, detail),
  ];
}
