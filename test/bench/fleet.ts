/**
 * Fleets of 4, 8, 16 and 32 racks of 24 nodes, at a sweep a second each: served by one process, shown by one interface.
 * Each rack is a simulator process of its own. Processor time is allowed once for each rack; memory and the terminal's
 * bytes are not, since there is one process each and one screen.
 */
import { racks } from '../support/racks.ts';
import type { TestTerminal } from '../support/terminal.ts';
import { figure, percentile, processorShare, residentMB, until, type Figure } from './measure.ts';

const WATCH_MS = 10_000;
const COUNTS = [4, 8, 16, 32];
const KEYS = 100;
const SIZE = { cols: 120, rows: 40 };
const START_LIMIT_MS = 120_000;

export async function fleets(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of COUNTS) figures.push(...(await fleet(count)));
  return figures;
}

async function fleet(count: number): Promise<Figure[]> {
  const names = Array.from({ length: count }, (_, i) => `rack-${String(i + 1).padStart(2, '0')}`);
  await using all = await racks(Object.fromEntries(names.map((name) => [name, 24])), []);
  const server = await all.serve();
  // The fleet is complete when every node of every rack is known.
  await using first = all.open(SIZE);
  await complete(first, count);
  first.type('qq');
  await first.exited;
  const began = performance.now();
  await using terminal = all.open(SIZE);
  const start = (await complete(terminal, count)) - began;
  // The start's own costs are over when the compiler has settled.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const overview = await watch(server.pid, terminal);
  const keys = await keysToScreen(terminal);
  terminal.type('q');
  await terminal.waitFor(/q quit|Enter console/);
  const one = await watch(server.pid, terminal);
  const what = `${count} racks of 24`;
  return [
    figure(`${what}: server`, one.server, '% of a core', 2 * count, {}),
    figure(`${what}: interface, one shown`, one.screen, '% of a core', 2 * count, { rate: one.rate }),
    figure(`${what}: interface, overview`, overview.screen, '% of a core', 2 * count, { rate: overview.rate }),
    figure(`${what}: bytes to the terminal, one shown`, one.rate, 'KB/s', 4, { overview: overview.rate }),
    figure(`${what}: key to screen, 99th percentile`, percentile(keys, 0.99), 'ms', 50, {
      median: percentile(keys, 0.5),
    }),
    figure(`${what}: cold start to the complete fleet`, start, 'ms', START_LIMIT_MS, {}),
    figure(`${what}: memory of the server`, residentMB(server.pid), 'MB', 110 + 2 * count, {}),
    figure(`${what}: memory of the interface`, residentMB(terminal.pid), 'MB', 150, {}),
  ];
}

/** Opens the overview and waits until it counts every node as on; returns the time. */
async function complete(terminal: TestTerminal, count: number): Promise<number> {
  await terminal.waitFor(/Enter console/, 'the first frame', START_LIMIT_MS);
  terminal.type('R');
  await terminal.waitFor(
    new RegExp(`${count} racks +${count * 24} nodes +${count * 24} on `),
    'all nodes',
    START_LIMIT_MS,
  );
  return performance.now();
}

/** Times from a key that moves the selection to the first byte of the frame that shows it, ms. */
async function keysToScreen(terminal: TestTerminal): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < KEYS; i++) {
    const before = terminal.output.length;
    const began = performance.now();
    terminal.type(i % 2 === 0 ? '>' : '<');
    await until('a frame', () => terminal.output.length > before);
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return times;
}

interface Watched {
  server: number;
  screen: number;
  /** KB/s. */
  rate: number;
}

async function watch(pid: number, terminal: TestTerminal): Promise<Watched> {
  const from = terminal.output.length;
  const [server = Number.NaN, screen = Number.NaN] = await processorShare([pid, terminal.pid], WATCH_MS);
  return { server, screen, rate: (terminal.output.length - from) / (WATCH_MS / 1000) / 1024 };
}
