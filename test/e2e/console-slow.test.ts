/** Programs that stop taking what a console prints: they fall behind alone, and are told what they did not get. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../bench/measure.ts';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-slow-'));
let rack: Stand;

/** Some 1.6 MB of lines for each Enter but the first: more than the kernel and the server (1 MB) keep for a client. */
const LINES = 22_000;

beforeAll(async () => {
  const script = join(folder, 'node.sh');
  const much = `seq -f 'line %.0f of more than anybody reads at such a pace, and then some' ${LINES}`;
  writeFileSync(script, `stty -echo\nread x; echo ready\nwhile read x; do ${much}; echo that-was-all; done\n`);
  const nodes = ['03', '04'].flatMap((node) => ['--exec', `${node}=/bin/sh ${script}`]);
  rack = await innerStand({ sim: ['--line-rate', 'unlimited', '--flow-control', ...nodes] });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A second operator, who watches all of it: how much came, and how it ended. */
async function witness(addr: number): Promise<{ bytes: number; end: string; closed: string | null }> {
  const client = await rack.client('witness');
  const seen = { bytes: 0, end: '', closed: null as string | null };
  client.on('console.data', ({ data }) => {
    const bytes = Buffer.from(data, 'base64');
    seen.bytes += bytes.length;
    seen.end = (seen.end + bytes.toString()).slice(-200);
  });
  client.onClose((why) => (seen.closed = why));
  await client.request('console.attach', { addr, take: false, watch: true });
  return seen;
}

test('an interface that stands still: the other sees all, it stays in its seat, and gets screen and gap when it goes on', async () => {
  await using screen = rack.open({ cols: 160, rows: 50 });
  await screen.waitFor(/\b24 on\b/);
  screen.type('03\r');
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor('ready');
  const other = await witness(3);
  const who = await rack.client('who');
  const before = await who.request('server.info', {});
  screen.type('\r');
  await until('the flood has begun', () => other.bytes > 1000);
  process.kill(screen.pid, 'SIGSTOP');
  await until('all of it is printed', () => other.end.includes('that-was-all'), 60_000);
  process.kill(screen.pid, 'SIGCONT');
  await screen.waitFor(/gap: \d\.\d MB that the node printed are not shown/);
  await screen.waitFor((s) => /that-was-all/.test(s.text()) && s.text().includes(`line ${LINES} of`), 'the end');
  // The same session, at the same console, with the keyboard.
  const after = await who.request('server.info', {});
  expect(after.sessions.map(({ id }) => id)).toEqual(before.sessions.map(({ id }) => id));
  expect(other.closed).toBeNull();
  // The notice of the gap has the title for 20 s.
  await screen.waitFor(/─ node-03 A-3 03 on 1 watching/, 'the title after the notice', 40_000);
}, 120_000);

test('a bare console whose terminal takes nothing: the gap stands between what was seen and the screen as it is now', async () => {
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'console', '04']);
  await terminal.waitFor('the node has printed nothing');
  terminal.type('\r');
  await terminal.waitFor('ready');
  const other = await witness(4);
  terminal.type('\r');
  await until('the flood has begun', () => other.bytes > 1000);
  terminal.stall();
  await until('all of it is printed', () => other.end.includes('that-was-all'), 60_000);
  terminal.flow();
  await terminal.waitFor(/that-was-all/, undefined, 60_000);
  // In the scrollback, where it stays; the status line is the next word's.
  expect(terminal.output).toMatch(/\[rackui: node-04: gap: \d+ KB of output were skipped/);
  terminal.type('\x1dd');
  expect((await terminal.exited).code).toBe(0);
}, 120_000);
