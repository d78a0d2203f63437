/** A paste of 100 KB through server, pacing and bridge: what is lost on the way, and its time against the pacing's floor. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from '../support/hostile.ts';
import { stand } from '../support/stand.ts';
import { figure, until, type Figure } from './measure.ts';

const BYTES = 100_000;
const PACING_MS = 2;
/** Nothing more has arrived for so long: the paste is over. */
const STALLED_MS = 10_000;
/** What a server takes in one piece. */
const PIECE = 32 * 1024;
/** Long enough to prove that the pipe leads to the node: keys go only behind that. */
const READY = 'this node is ready to read';

export async function paste(): Promise<Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-paste-'));
  const received = join(dir, 'received');
  const program = join(dir, 'node.sh');
  writeFileSync(program, `#!/bin/sh\nstty raw -echo\nhead -c1 >/dev/null\necho '${READY}'\nexec tee ${received}\n`);
  chmodSync(program, 0o755);
  await using rack = await stand({ sim: ['--exec', `03=${program}`] });
  const client = await rack.client('paste');
  await client.request('sweep', { addrs: null, interrupt: false });
  let [opened, seen] = [false, ''];
  client.on('update', ({ console }) => (opened ||= console?.state === 'open'));
  client.on('console.data', ({ data }) => (seen = (seen + Buffer.from(data, 'base64').toString('latin1')).slice(-100)));
  const send = (bytes: Uint8Array): void =>
    client.note('console.input', { addr: 3, data: Buffer.from(bytes).toString('base64'), at: client.now() });
  await client.request('console.attach', { addr: 3, take: false, watch: false });
  await until('the console', () => opened);
  send(Buffer.from('\r'));
  await until('the node', () => seen.includes(READY));
  const text = randomBytes(BYTES, 5).map((byte) => 0x20 + (byte % 95));
  const began = performance.now();
  for (let at = 0; at < BYTES; at += PIECE) send(text.subarray(at, at + PIECE));
  let arrived = Buffer.alloc(0);
  let [grownAt, ms] = [began, 0];
  const over = (): boolean => {
    const before = arrived.length;
    arrived = readFileSync(received);
    const now = performance.now();
    if (arrived.length > before) [grownAt, ms] = [now, now - began];
    // What was lost never comes.
    return arrived.length >= BYTES || now - grownAt > STALLED_MS;
  };
  await until('the paste', over, 600_000, 50);
  const { consoleIn = 0, lost: atBridge = 0 } = (await rack.rack.counters()).nodes['03'] ?? {};
  rmSync(dir, { recursive: true, force: true });
  const lost = arrived.equals(text) ? 0 : Math.max(1, BYTES - arrived.length);
  const floor = BYTES * PACING_MS;
  // The bridge knows when a byte was read, not when it was sent: on a busy machine it may blame the driver wrongly.
  const detail = { arrived: arrived.length, reachedTheBridge: consoleIn, atBridge };
  return [
    figure('characters lost of a paste of 100 KB', lost, 'characters', 0, detail),
    // A timer of a whole millisecond and a byte's own time on the wire come on top of each gap.
    figure('paste against the floor of its pacing', ms / floor, 'times', 1.75, { ms, floor }),
  ];
}
