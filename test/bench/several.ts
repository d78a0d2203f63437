/**
 * Four racks of 24 served by one process and shown by one interface, at a sweep a second each. The budgets are one rack's:
 * processor time is allowed once for each rack; memory and the terminal's bytes are not, since there is one process each
 * and one rack is shown. Memory is what most of the looks found: between two collections of garbage it rises (`most`).
 */
import { racks } from '../support/racks.ts';
import type { TestTerminal } from '../support/terminal.ts';
import { figure, median, processorShare, residentMB, type Figure } from './measure.ts';

const WATCH_MS = 15_000;
const LOOK_MS = 500;
const NAMES = ['north', 'east', 'south', 'west'];

export async function several(): Promise<Figure[]> {
  await using four = await racks(Object.fromEntries(NAMES.map((name) => [name, 24])), []);
  const server = await four.serve();
  await using terminal = four.open({ cols: 160, rows: 50 });
  for (const name of NAMES) {
    await terminal.waitFor(new RegExp(`${name} +bus ready +24 on`), `the rack ${name}`, 60_000);
    terminal.type('>');
  }
  // The start's own costs are over when the compiler has settled.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const memory = new Memory([server.pid, terminal.pid]);
  const one = await watch(server.pid, terminal);
  terminal.type('R');
  await terminal.waitFor(/Enter show/i);
  const all = await watch(server.pid, terminal);
  const [serverMB = [], screenMB = []] = memory.end();
  const allowed = 2 * NAMES.length;
  return [
    figure('4 racks of 24: server', one.server, '% of a core', allowed, { overview: all.server }),
    figure('4 racks of 24: interface, one shown', one.screen, '% of a core', allowed, {}),
    figure('4 racks of 24: interface, all at a glance', all.screen, '% of a core', allowed, {}),
    figure('4 racks of 24: bytes to the terminal, one shown', one.rate, 'KB/s', 4, { overview: all.rate }),
    figure('4 racks of 24: memory of the server', median(serverMB), 'MB', 110, { most: Math.max(...serverMB) }),
    figure('4 racks of 24: memory of the interface', median(screenMB), 'MB', 90, { most: Math.max(...screenMB) }),
  ];
}

async function watch(pid: number, terminal: TestTerminal): Promise<{ server: number; screen: number; rate: number }> {
  const bytes = terminal.output.length;
  const [server = Number.NaN, screen = Number.NaN] = await processorShare([pid, terminal.pid], WATCH_MS);
  return { server, screen, rate: (terminal.output.length - bytes) / (WATCH_MS / 1000) / 1024 };
}

/** Resident memory of processes, looked at again and again. */
class Memory {
  readonly #seen: number[][];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    this.#seen = pids.map(() => []);
    this.#timer = setInterval(() => pids.forEach((pid, i) => this.#seen[i]?.push(residentMB(pid))), LOOK_MS);
  }

  /** MB, a list for each process. */
  end(): readonly number[][] {
    clearInterval(this.#timer);
    return this.#seen;
  }
}
