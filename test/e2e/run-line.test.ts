/**
 * A line for the marked consoles, from the interface: each one's answer, a refusal, an abort. Needs a build.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shellOf } from '../support/shells.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, type Stand } from '../support/stand.ts';

let folder: string;
let rack: Stand;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-line-'));
  const password = join(folder, 'password');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  const shells = [
    ...shellOf(folder, 'n1', 'bash --norc'),
    ...shellOf(folder, 'n2', 'dash', 'export END=3'),
    ...shellOf(folder, 'n3', 'bash --norc'),
  ];
  rack = await innerStand({
    config: `login: { user: pi, password: { file: ${password} } }\n${eightNodes()}`,
    sim: ['--time-scale', '20', ...shells],
  });
});

afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Long lines need the time of a busy machine. */
const LONG = 60_000;

const runs = () => rack.audit().filter(({ verb, stage }) => verb === 'run' && stage === 'outcome');

test('a line runs on each marked console, one after another, and the table has every answer', async () => {
  await using screen = rack.open({ cols: 120, rows: 40 });
  await screen.waitFor(/\b8 on\b/);
  // The master has no console: it is refused, and the others run.
  for (const digits of ['00', '01', '02', '03']) screen.type(`${digits} `);
  await screen.waitFor('4 marked');
  screen.type('$');
  await screen.waitFor('a line for 4 consoles');
  const line = `uname -n; printf '\\033[31mred\\033[0m\\033]0;x\\007\\n'; exit \${END:-0}`;
  screen.paste(line);
  await screen.waitFor('exit ${END:-0}');
  screen.type('\r');
  await screen.waitFor(/n1 01 +done +0/, undefined, LONG);
  await screen.waitFor(/n3 03 +done +0/, undefined, LONG);
  await screen.waitFor('exit code 0 on 2 of 4 nodes');
  const text = screen.text();
  expect(text).toMatch(/n0 00 +refused +is the master: it has no console/);
  expect(text).toMatch(/n2 02 +done +3 +\[31mred/);
  expect(runs().map(({ detail }) => detail)).toEqual(['exit code 0', 'exit code 3', 'exit code 0']);
  // The output of a node without what a terminal would have executed.
  screen.type('jj\r');
  await screen.waitFor('n2 (A-2, 02)');
  await screen.waitFor(/exit code 3 [^]* n2 +│\n.*\[31mred\[0m\]0;x/);
  expect(screen.output).not.toContain('\x1b]0;x');
  screen.type('\x1b');
  await screen.waitFor(/n3 03 +done/);
  screen.type('\x1b');
  await screen.waitFor((terminal) => !terminal.text().includes('LAST LINE'));
}, 180_000);

test('an abort interrupts the running command and leaves out the nodes that wait', async () => {
  const before = runs().length;
  await using screen = rack.open({ cols: 120, rows: 40 });
  await screen.waitFor(/\b8 on\b/);
  for (const digits of ['01', '02', '04']) screen.type(`${digits} `);
  await screen.waitFor('3 marked');
  screen.type('$');
  await screen.waitFor('a line for 3 consoles');
  screen.type(`echo begun >>${folder}/begun; exec sleep 600`);
  await screen.waitFor('exec sleep 600');
  screen.type('\r');
  await screen.waitFor(/n1 01 +running/);
  await screen.waitFor(() => readsBegun(), 'the command on n1', LONG);
  screen.type('\x1b');
  await screen.waitFor('y abort');
  // A question counts as seen a moment after it was painted.
  await expect
    .poll(
      () => {
        screen.type('y');
        return screen.text();
      },
      { timeout: LONG },
    )
    .not.toContain('y abort');
  await screen.waitFor(/n1 01 +no end +its client aborted it; interrupted with Ctrl-C/, undefined, LONG);
  expect(screen.text()).toMatch(/n2 02 +left out +aborted before its turn/);
  expect(screen.text()).toMatch(/n4 04 +left out +aborted before its turn/);
  expect(runs().slice(before)).toHaveLength(1);
}, 180_000);

test('a console that somebody holds is refused, and gets no key', async () => {
  const holder = await rack.client('holder');
  await holder.request('console.attach', { addr: 5, take: false, watch: false });
  await using screen = rack.open({ cols: 120, rows: 40 });
  await screen.waitFor(/\b8 on\b/);
  screen.type('05$');
  await screen.waitFor('a line for one console');
  screen.type('true');
  await screen.waitFor(/\$ true/);
  screen.type('\r');
  await screen.waitFor(/n5 05 +refused +holder has the keyboard of the console of n5/);
  holder.close();
}, 60_000);

test('a view-only session opens no line', async () => {
  await using screen = rack.open({ cols: 120, rows: 40, args: ['--view-only'] });
  await screen.waitFor(/\b8 on\b/);
  screen.type('$');
  await screen.waitFor('this is a view-only session');
  expect(screen.text()).not.toContain('a line for');
}, 60_000);

function readsBegun(): boolean {
  try {
    return readFileSync(join(folder, 'begun'), 'utf8').includes('begun');
  } catch {
    return false;
  }
}
