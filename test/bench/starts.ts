/** How long a start takes, beside an empty Node program in the same run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRack } from '../support/rack.ts';
import { PROGRAM, stand } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';
import { emptyNode, figure, median, timeNode, type Figure } from './measure.ts';

export async function version(): Promise<Figure[]> {
  const floor = await emptyNode();
  const taken = median(await timeNode([PROGRAM, '--version'], 15));
  return [figure('rackui --version', taken / floor, '× empty node program', 1.3, { ms: taken, emptyMs: floor })];
}

/** From start to the first node of the map on the terminal. */
export async function firstPaint(): Promise<Figure[]> {
  await using rack = await stand();
  const client = await rack.client();
  await client.request('sweep', { addrs: null, interrupt: false });
  const floor = await emptyNode();
  const taken: number[] = [];
  for (let run = 0; run < 9; run++) {
    const began = performance.now();
    await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], { cols: 160, rows: 50 });
    await terminal.waitFor('node-03');
    taken.push(performance.now() - began);
  }
  const ms = median(taken);
  return [
    figure('first paint with a server', ms - floor, 'ms beyond an empty node program', 150, { ms, emptyMs: floor }),
  ];
}

/** No server, no history: from start to the last node's state on the map. */
export async function coldStart(): Promise<Figure[]> {
  const taken: number[] = [];
  for (let run = 0; run < 5; run++) {
    await using rack = await startRack();
    const folder = mkdtempSync(join(tmpdir(), 'rackui-bench-'));
    const env = { XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder };
    const began = performance.now();
    await using terminal = openTerminal(process.execPath, [PROGRAM, '--port', rack.link], { cols: 160, rows: 50, env });
    await terminal.waitFor(/\b24 on\b/, 'all nodes on the map');
    taken.push(performance.now() - began);
    spawnSync(process.execPath, [PROGRAM, '--port', rack.link, 'server', 'stop'], { env: { ...process.env, ...env } });
    rmSync(folder, { recursive: true, force: true });
  }
  return [figure('cold start to the complete map', median(taken), 'ms', 1000, { slowest: Math.max(...taken) })];
}
