/** A paste of 100 KB through server, pacing and bridge: what is lost on the way, and its time against the pacing's floor. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from '../support/hostile.ts';
import { stand } from '../support/stand.ts';
import { figure, until, type Figure } from './measure.ts';

const BYTES = 100_000;
const PACING_MS = 2;
/** What a server takes in one piece. */
const PIECE = 32 * 1024;

export async function paste(): Promise<Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-paste-'));
  const received = join(dir, 'received');
  const program = join(dir, 'node.sh');
  writeFileSync(program, `#!/bin/sh\nstty raw -echo\nhead -c1 >/dev/null\nprintf ready\nexec tee ${received}\n`);
  chmodSync(program, 0o755);
  await using rack = await stand({ sim: ['--exec', `03=${program}`] });
  const client = await rack.client('paste');
  await client.request('sweep', { addrs: null, interrupt: false });
  let [opened, seen] = [false, ''];
  client.on('update', ({ console }) => (opened ||= console?.state === 'open'));
  client.on('console.data', ({ data }) => (seen = (seen + Buffer.from(data, 'base64').toString('latin1')).slice(-100)));
  const send = (bytes: Uint8Array): void =>
    client.note('console.input', { addr: 3, data: Buffer.from(bytes).toString('base64') });
  await client.request('console.attach', { addr: 3, take: false, watch: false });
  await until('the console', () => opened);
  send(Buffer.from('\r'));
  await until('the node', () => seen.includes('ready'));
  const text = randomBytes(BYTES, 5).map((byte) => 0x20 + (byte % 95));
  const began = performance.now();
  for (let at = 0; at < BYTES; at += PIECE) send(text.subarray(at, at + PIECE));
  let arrived = Buffer.alloc(0);
  await until('the paste', () => (arrived = readFileSync(received)).length >= BYTES, 600_000, 50).catch(
    () => undefined,
  );
  const ms = performance.now() - began;
  rmSync(dir, { recursive: true, force: true });
  const lost = arrived.equals(text) ? 0 : Math.max(1, BYTES - arrived.length);
  const floor = BYTES * PACING_MS;
  return [
    figure('characters lost of a paste of 100 KB', lost, 'characters', 0, { arrived: arrived.length }),
    // A timer of a whole millisecond and a byte's own time on the wire come on top of each gap.
    figure('paste against the floor of its pacing', ms / floor, 'times', 1.75, { ms, floor }),
  ];
}
