/** Table and consoles at a glance in the real program: order, a console opened from each, and screens of all nodes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the table puts a silent node first, and consoles opened from it are seen at a glance afterwards', async () => {
  const script = join(folder, 'node.sh');
  writeFileSync(script, `stty -echo\nwhile read x; do printf '\\033[1;31mwords of %s\\033[0m\\r\\n' $1; done\n`);
  const exec = [2, 5].flatMap((addr) => ['--exec', `0${addr}=/bin/sh ${script} ${addr}`]);
  await using rack = await innerStand({ sim: ['--time-scale', '20', '--no-loss', ...exec] });
  await using screen = rack.open({ cols: 160, rows: 50 });
  await screen.waitFor(/\b24 on\b/);
  screen.type('T');
  await screen.waitFor(/name +addr +pos +state +alarm +current +fan +age/);
  await screen.waitFor(/▌node-00 ★ +00 +A-0 +● on/);
  await rack.rack.ctl('silent', { node: '09' });
  // The first row below the titles.
  await screen.waitFor((s) => /^[▌ ]node-09 +09 +C-1 +\? unknown/.test(s.lines()[2] ?? ''), 'node 09 in the first row');

  // Enter opens the console of the selected row; leaving it comes back to the table.
  screen.type('02\r');
  await screen.waitFor(/─ node-02 A-2 02 on Enter wakes it/);
  screen.type('\r');
  await screen.waitFor('words of 2');
  screen.type('\x1dd');
  await screen.waitFor(/name +addr +pos/);
  await screen.waitFor(/▌node-02 +02 .* words of 2/);

  screen.type('g');
  await screen.waitFor(/● node-02 A-2 .* \d+s/);
  await screen.waitFor('words of 2');
  await screen.waitFor('Master: no console here.');
  // Cells of an emulator: the colour that the node chose does not reach the terminal.
  expect(screen.find('words of 2')?.cells.every(({ fg, bold }) => fg !== 1 && !bold)).toBe(true);
  const other = await rack.client('other');
  await other.request('console.attach', { addr: 5, take: false, watch: false });
  await screen.waitFor(/● node-05 B-1 .* open/);
  await other.request('console.detach', {});
  await screen.waitFor(/● node-05 B-1 .* \d+s/);
  screen.type('g');
  await screen.waitFor(/\b0[0-9a-f] node-/);
}, 90_000);
