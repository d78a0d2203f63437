/**
 * Text about whose width terminals disagree, in the console between map and detail, as four emulators hold it: borders
 * and the columns of the pane stand, while it scrolls and in copy mode.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { type Emulator, EMULATORS, isInstalled } from '../support/emulators.ts';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { BAR, torture } from '../support/torture.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-widths-'));
const SIZE = { cols: 200, rows: 40 };
let rack: Stand;
let watcher: RackClient;
/** Holds the number of times that the node has printed the text. */
const turns = join(folder, 'turns');

beforeAll(async () => {
  const script = join(folder, 'torture.sh');
  const text = join(folder, 'torture.txt');
  writeFileSync(join(folder, 'torture.txt'), torture());
  writeFileSync(
    script,
    `stty -echo\nn=0\nwhile read x; do cat ${text}; n=$((n+1)); echo "end of turn $n"; echo $n >${turns}; done\n`,
  );
  writeFileSync(turns, '0');
  rack = await innerStand({ sim: ['--no-loss', '--line-rate', '921600', '--exec', `02=/bin/sh ${script}`] });
  watcher = await rack.client();
});

afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Address of the node whose console is open, or null. */
async function openConsole(): Promise<number | null> {
  const { console } = await watcher.request('sweep', { addrs: [], interrupt: false });
  return console?.state === 'open' ? console.addr : null;
}

/** Columns of map, pane and detail: the borders beside the pane, and the bars that the node printed. */
const DETAIL = 161;
const BORDERS = [80, DETAIL];
const BARS = [81 + BAR];
/** The emulator in between may still be painting when the outer one has the words that are waited for. */
const LIMIT = { timeout: 20_000, interval: 100 };

/** The rows of the pane that are not as they should be, of those from the title to the last with a bar. */
async function misplaced(emulator: Emulator): Promise<string[]> {
  const borders = await emulator.columnsOf('│');
  // The detail pane may show lines of the node's log, with bars of their own.
  const bars = (await emulator.columnsOf('|')).map((found) => found.filter((column) => column < DETAIL));
  const rows = bars
    .map((found, y) => ({ y, bars: found, borders: borders[y] ?? [] }))
    .filter((row) => row.bars.length > 0);
  expect(rows.length).toBeGreaterThan(15);
  return rows
    .filter((row) => String(row.bars) !== String(BARS) || String(row.borders) !== String(BORDERS))
    .map((row) => `row ${row.y}: borders ${String(row.borders)}, bars ${String(row.bars)}`);
}

describe.each(['xterm', 'tmux', 'screen', 'vim'] as const)('%s', (name) => {
  const missing = name !== 'xterm' && !isInstalled(name);

  test.skipIf(missing)('borders and columns stand: live, scrolled, and in copy mode', async () => {
    const env = { XDG_STATE_HOME: mkdtempSync(join(folder, 'state-')) };
    await using emulator = EMULATORS[name]([process.execPath, PROGRAM, '--socket', rack.socket], SIZE, env);
    const { outer } = emulator;
    await outer.waitFor(/\b24 on\b/);
    // The interface before may not have left yet, and what its node printed is shown before the console is open.
    await expect.poll(openConsole, LIMIT).toBeNull();
    outer.type('02\r');
    await outer.waitFor(/Enter wakes it|end of turn/);
    await expect.poll(openConsole, LIMIT).toBe(2);
    const turn = Number(readFileSync(turns, 'utf8')) + 1;
    outer.type('\r');
    await outer.waitFor(`end of turn ${turn}`);
    await expect.poll(() => misplaced(emulator), LIMIT).toEqual([]);
    outer.type('\x1d\x1b[5~');
    await outer.waitFor(/\d+ lines back/);
    await expect.poll(() => misplaced(emulator), LIMIT).toEqual([]);
    outer.type('\x1dv');
    await outer.waitFor(/copy mode, line \d+/);
    const line = Number(/copy mode, line (\d+)/.exec(outer.text())?.[1]);
    outer.type('vkkkk');
    await outer.waitFor(`copy mode, line ${line - 4} `);
    await expect.poll(() => misplaced(emulator), LIMIT).toEqual([]);
    outer.type('q');
    await outer.waitFor((terminal) => !terminal.text().includes('copy mode'));
    await expect.poll(() => misplaced(emulator), LIMIT).toEqual([]);
  });
});
