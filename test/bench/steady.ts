/**
 * What rackui costs while nothing happens but a sweep a second: processor, memory, bytes to the terminal. The server
 * stands beside the least program that makes the same exchanges, the interface beside the least one that writes the
 * same frames, and beside btop; each pair is measured at the same time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRack } from '../support/rack.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { floorProgram } from './floors/floor.ts';
import {
  figure,
  leftOut,
  median,
  notHere,
  processorRounds,
  processorShare,
  ratios,
  residentMB,
  until,
  type Figure,
} from './measure.ts';
import { held, holding } from './slow.ts';
import { others } from './others.ts';

const WATCH_MS = 15_000;
const LINES = 2_000;

const SIZE = { cols: 160, rows: 50 };
const ROUNDS = 5;
const ROUND_MS = 6_000;
/** A start's own costs are over, and the compiler has settled. */
const SETTLED_MS = 5_000;
/**
 * The same for a server, which runs for weeks, and its floor: at a sweep a second the compiler takes minutes, and before
 * both figures are those of compilation.
 */
const SERVING_MS = 120_000;
/**
 * The same for an interface that was left open: it runs so little that the compiler takes a minute to settle, and after
 * less the figure is that of compilation.
 */
const LEFT_OPEN_MS = 60_000;
const FRAME = '\x1b[?2026h';

/** The server without a client, and with the interface, beside its floor; and how it grows with the rack. */
export async function server(): Promise<Figure[]> {
  await using rack = await stand({ through: holding() });
  await using wide = await stand({ sim: ['--nodes', '96'], through: holding() });
  await using other = await startRack({ args: ['--unlocked'] });
  await using floor = openTerminal(...held(process.execPath, [floorProgram('exchanges'), other.link, '24']));
  await delay(SERVING_MS);
  const pids = [rack.serverPid, wide.serverPid, floor.pid];
  const [alone = [], of96 = [], least = []] = await processorRounds(pids, ROUND_MS, ROUNDS);
  await using terminal = openTerminal(...held(process.execPath, [PROGRAM, '--socket', rack.socket]), SIZE);
  await terminal.waitFor(/\b24 on\b/);
  await delay(SERVING_MS);
  const [withClient = [], leastThen = []] = await processorRounds([rack.serverPid, floor.pid], ROUND_MS, ROUNDS);
  const detail = { server: median(alone), floor: median(least) };
  const shared = { server: median(withClient), floor: median(leastThen) };
  return [
    figure('server at 1 Hz, no client', ratios(alone, least), '× its floor', 1.3, detail),
    figure('server at 1 Hz, one interface', ratios(withClient, leastThen), '× its floor', 1.6, shared),
    figure('server of 96 nodes', ratios(of96, alone), '× server of 24 nodes', 4, { server: median(of96) }),
  ];
}

export async function steady(): Promise<Figure[]> {
  await using rack = await stand({ through: holding() });
  await using terminal = openTerminal(...held(process.execPath, [PROGRAM, '--socket', rack.socket]), SIZE);
  await terminal.waitFor(/\b24 on\b/);
  await delay(LEFT_OPEN_MS);
  const from = terminal.output.length;
  await delay(WATCH_MS);
  const frames = terminal.output.slice(from);
  const rate = frames.length / (WATCH_MS / 1000) / 1024;
  const folder = mkdtempSync(join(tmpdir(), 'rackui-bench-'));
  const recorded = join(folder, 'frames.json');
  const pieces = frames.split(FRAME).slice(1);
  writeFileSync(recorded, JSON.stringify(pieces.map((piece) => [WATCH_MS / pieces.length, `${FRAME}${piece}`])));
  await using floor = openTerminal(...held(process.execPath, [floorProgram('frames'), recorded]), SIZE);
  const why = notHere('btop');
  if (why !== null) leftOut(`interface beside btop: ${why}`);
  await using btop = why === null ? openTerminal(...held('btop'), SIZE) : null;
  await delay(LEFT_OPEN_MS);
  const pids = [terminal.pid, floor.pid, ...(btop === null ? [] : [btop.pid])];
  const [ours = [], least = [], theirs = []] = await processorRounds(pids, ROUND_MS, ROUNDS);
  rmSync(folder, { recursive: true });
  const detail = { interface: median(ours), floor: median(least), frames: pieces.length / (WATCH_MS / 1000) };
  return [
    figure('bytes to the terminal at 160x50, 1 Hz', rate, 'KB/s', 3, await others(WATCH_MS)),
    figure('bytes in the theme pulse at 160x50, 1 Hz', await pulseRate(rack), 'KB/s', 5, {}),
    figure('interface at 160x50, 1 Hz', ratios(ours, least), '× its floor', 3, detail),
    ...(btop === null
      ? []
      : [figure('interface at 160x50, 1 Hz', ratios(ours, theirs), '× btop every 2 s', 0.5, { btop: median(theirs) })]),
  ];
}

/** Bytes in the theme that shows the arrival of each sample, KB/s. */
async function pulseRate(rack: Stand): Promise<number> {
  const words = [PROGRAM, '--socket', rack.socket, '--theme', 'pulse'];
  await using terminal = openTerminal(process.execPath, words, SIZE);
  await terminal.waitFor(/\b24 on\b/);
  await delay(SETTLED_MS);
  const from = terminal.output.length;
  await delay(WATCH_MS);
  return (terminal.output.length - from) / (WATCH_MS / 1000) / 1024;
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

/** Starts the program by its own name, as operators do: the launcher chooses settings of the engine. */
const BY_NAME = ['sh', '-c', 'shift; exec "$@"', 'sh'];

/** Every node's console attached once and filled. */
export async function memory(): Promise<Figure[]> {
  await using rack = await stand({ sim: ['--line-rate', 'unlimited', '--time-scale', '50'], through: BY_NAME });
  await using terminal = openTerminal(PROGRAM, ['--socket', rack.socket], SIZE);
  await terminal.waitFor(/\b24 on\b/);
  await delay(SETTLED_MS);
  for (let addr = 1; addr < 24; addr++) await fill(rack, terminal, addr);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const lines = { lines: LINES, nodes: 23 };
  return [
    figure('memory of the server', residentMB(rack.serverPid), 'MB', 85, lines),
    figure('memory of the interface', residentMB(terminal.pid), 'MB', 70, lines),
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
