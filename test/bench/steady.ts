/** What rackui costs while nothing happens but a sweep a second: processor, memory, bytes to the terminal. */
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { figure, processorShare, residentMB, until, type Figure } from './measure.ts';
import { others } from './others.ts';

const WATCH_MS = 15_000;
const LINES = 2_000;

/** Bytes of the default theme, and of the theme that shows the arrival of each sample. */
export async function steady(): Promise<Figure[]> {
  await using rack = await stand();
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], { cols: 160, rows: 50 });
  await terminal.waitFor(/\b24 on\b/);
  // The start's own costs are over when the compiler has settled.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const bytes = terminal.output.length;
  const [server = Number.NaN, screen = Number.NaN] = await processorShare([rack.serverPid, terminal.pid], WATCH_MS);
  const rate = (terminal.output.length - bytes) / (WATCH_MS / 1000) / 1024;
  const beside = await others(WATCH_MS);
  return [
    figure('bytes to the terminal at 160x50, 1 Hz', rate, 'KB/s', 3, beside),
    figure('bytes in the theme pulse at 160x50, 1 Hz', await pulseRate(rack), 'KB/s', 5, {}),
    figure('server at 1 Hz', server, '% of a core', 2, {}),
    figure('interface at 1 Hz', screen, '% of a core', 2, {}),
  ];
}

async function pulseRate(rack: Stand): Promise<number> {
  const words = [PROGRAM, '--socket', rack.socket, '--theme', 'pulse'];
  await using terminal = openTerminal(process.execPath, words, { cols: 160, rows: 50 });
  await terminal.waitFor(/\b24 on\b/);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const bytes = terminal.output.length;
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  return (terminal.output.length - bytes) / (WATCH_MS / 1000) / 1024;
}

/** The interface on a rack of 96 nodes: what a frame costs, and its memory. */
export async function wide(): Promise<Figure[]> {
  await using rack = await stand({ sim: ['--nodes', '96'] });
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], { cols: 160, rows: 50 });
  await terminal.waitFor(/\b96 on\b/, 'all 96 nodes', 60_000);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const from = terminal.output.length;
  const [share = Number.NaN] = await processorShare([terminal.pid], WATCH_MS);
  const frames = terminal.output.slice(from).split('\x1b[?2026h').length - 1;
  return [
    figure('96 nodes: a frame of the interface', ((share / 100) * WATCH_MS) / frames, 'ms of CPU', 10, {
      frames,
      share,
    }),
    figure('96 nodes: interface resident', residentMB(terminal.pid), 'MB', 90, {}),
  ];
}

/** Every node's console attached once and filled. */
export async function memory(): Promise<Figure[]> {
  await using rack = await stand({ sim: ['--line-rate', 'unlimited', '--time-scale', '50'] });
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], { cols: 160, rows: 50 });
  await terminal.waitFor(/\b24 on\b/);
  for (let addr = 1; addr < 24; addr++) await fill(rack, terminal, addr);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const lines = { lines: LINES, nodes: 23 };
  return [
    figure('memory of the server', residentMB(rack.serverPid), 'MB', 110, lines),
    figure('memory of the interface', residentMB(terminal.pid), 'MB', 90, lines),
  ];
}

async function fill(rack: Stand, terminal: TestTerminal, addr: number): Promise<void> {
  const hex = addr.toString(16).padStart(2, '0');
  terminal.type(addr === 1 ? `${hex}\r` : `\x1d${hex}`);
  await until(`the console of ${hex}`, async () => (await rack.rack.state()).bus.console === hex);
  await rack.rack.ctl('flood', { node: hex });
  const wanted = LINES * 60;
  await until('the flood', async () => ((await rack.rack.counters()).nodes[hex]?.consoleOut ?? 0) > wanted, 60_000, 20);
  await rack.rack.ctl('flood', { node: hex, on: false });
}
