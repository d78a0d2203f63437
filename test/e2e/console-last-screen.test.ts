/** The last screen of consoles that this interface never opened: with its time, faded, also after the server started anew. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { until } from '../bench/measure.ts';
import { innerStand } from '../support/inner-stand.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-last-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Somebody opens a console, is answered, and leaves it for the next one. */
async function visit(client: RackClient, addr: number): Promise<void> {
  let seen = '';
  const stop = client.on('console.data', (piece) => {
    if (piece.addr === addr) seen += Buffer.from(piece.data, 'base64').toString();
  });
  await client.request('console.attach', { addr, take: false, watch: false });
  await until(`node ${addr} answers`, async () => {
    client.note('console.input', { addr, data: Buffer.from('\r').toString('base64'), at: client.now() });
    await new Promise((resolve) => setTimeout(resolve, 50));
    return seen.includes(`words of ${addr}`);
  });
  stop();
}

test('of any node whose console was open, by whoever; one that never was says so', async () => {
  const script = join(folder, 'node.sh');
  writeFileSync(script, `stty -echo\nwhile read x; do printf '\\033[1;31mwords of %s\\033[0m\\r\\n' $1; done\n`);
  const exec = [2, 3, 5].flatMap((addr) => ['--exec', `0${addr}=/bin/sh ${script} ${addr}`]);
  await using rack = await innerStand({ sim: ['--time-scale', '20', '--no-loss', ...exec] });
  await using screen = rack.open({ cols: 160, rows: 50 });
  await screen.waitFor(/\b24 on\b/);
  // The console pane is there before a console was opened.
  screen.type('LL');
  await screen.waitFor('layout: map and console');
  await screen.waitFor('serial line is the bus');
  const other = await rack.client('other');
  for (const addr of [2, 3, 5]) await visit(other, addr);

  screen.type('02');
  await screen.waitFor(/─ node-02 A-2 02 on last seen \d+s ago, \d\d:\d\d:\d\d: other opened the console of/);
  await screen.waitFor('words of 2');
  const old = screen.find('words of 2')?.cells ?? [];
  expect(old.map(({ fg, dim, bold }) => [fg, dim, bold])).toEqual(old.map(() => [1, true, false]));
  screen.type('05');
  await screen.waitFor(/─ node-05 B-1 05 on other has it open, read \d+s ago/);
  await screen.waitFor('words of 5');
  await other.request('console.detach', {});
  await screen.waitFor(/─ node-05 B-1 05 on last seen \d+s ago.*: other detached/);
  screen.type('06');
  await screen.waitFor(/─ node-06 B-2 06 on ─[^]*Its console was never open/);

  // Live is not faded.
  screen.type('02\r');
  await screen.waitFor(/─ node-02 A-2 02 on Enter wakes it/);
  const live = screen.find('words of 2')?.cells ?? [];
  expect(live.map(({ fg, dim, bold }) => [fg, dim, bold])).toEqual(live.map(() => [1, false, true]));
  screen.type('\x1dd');
  await screen.waitFor(/─ node-02 A-2 02 on last seen/);

  await rack.killServer('SIGTERM');
  await screen.waitFor(/server/);
  await rack.startServer();
  await screen.waitFor(/reconnected to the server/);
  await screen.waitFor(/\b24 on\b/, 'the nodes that the new server discovers');
  screen.type('03');
  await screen.waitFor(/─ node-03 A-3 03 .*last seen \d+s ago, \d\d:\d\d:\d\d, from its log/);
  await screen.waitFor('words of 3');
}, 60_000);
