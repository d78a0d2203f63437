/** How long a start takes, beside an empty Node program in the same run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRack } from '../support/rack.ts';
import { PROGRAM, stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { emptyNode, figure, median, timeNode, type Figure } from './measure.ts';
import { held, holding, isSlow } from './slow.ts';

const RUNS = 9;
const SIZE = { cols: 160, rows: 50 };

/** Times a start and the floor in turn. The first start is not counted: it keeps its compiled code for the others. */
async function besideEmpty(runs: number, start: () => Promise<number>): Promise<Starts> {
  await start();
  const starts: Starts = { ms: [], ratio: [], empty: [] };
  for (let run = 0; run < runs; run++) {
    const empty = await emptyNode();
    const ms = await start();
    starts.ms.push(ms);
    starts.empty.push(empty);
    starts.ratio.push(ms / empty);
  }
  return starts;
}

interface Starts {
  ms: number[];
  empty: number[];
  /** Of each start to the floor before it. */
  ratio: number[];
}

/** The ratio to the floor, and on a slow machine the time itself. */
function figures(what: string, { ms, ratio, empty }: Starts, budget: number, slowBudget: number): Figure[] {
  const detail = { ms: median(ms), emptyMs: median(empty) };
  if (isSlow()) return [figure(what, ms, 'ms', slowBudget, detail)];
  return [figure(what, ratio, '× empty node program', budget, detail)];
}

export async function version(): Promise<Figure[]> {
  const { ms, ratio, empty } = await besideEmpty(RUNS, () => timeNode([PROGRAM, '--version']));
  const detail = { ms: median(ms), emptyMs: median(empty) };
  return [figure('rackui --version', ratio, '× empty node program', 1.3, detail)];
}

/** Ends the interface in order, as it keeps its compiled code then. */
async function leave(terminal: TestTerminal): Promise<void> {
  terminal.type('q');
  await terminal.exited;
}

/** From start to the first node of the map on the terminal. */
export async function firstPaint(): Promise<Figure[]> {
  await using rack = await stand({ through: holding() });
  const client = await rack.client();
  await client.request('sweep', { addrs: null, interrupt: false });
  const starts = await besideEmpty(RUNS, async () => {
    const [program, args] = held(process.execPath, [PROGRAM, '--socket', rack.socket]);
    const began = performance.now();
    await using terminal = openTerminal(program, args, SIZE);
    await terminal.waitFor('node-03');
    const ms = performance.now() - began;
    await leave(terminal);
    return ms;
  });
  return figures('first paint with a server', starts, 1.5, 1_200);
}

/** No server, no history: from start to the last node's state on the map. */
export async function coldStart(): Promise<Figure[]> {
  const starts = await besideEmpty(5, async () => {
    await using rack = await startRack();
    const folder = mkdtempSync(join(tmpdir(), 'rackui-bench-'));
    const env = { XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder };
    const [program, args] = held(process.execPath, [PROGRAM, '--port', rack.link]);
    const began = performance.now();
    await using terminal = openTerminal(program, args, { ...SIZE, env });
    await terminal.waitFor(/\b24 on\b/, 'all nodes on the map');
    const ms = performance.now() - began;
    await leave(terminal);
    spawnSync(process.execPath, [PROGRAM, '--port', rack.link, 'server', 'stop'], { env: { ...process.env, ...env } });
    rmSync(folder, { recursive: true, force: true });
    return ms;
  });
  return figures('cold start to the complete map', starts, 4, 4_000);
}
