/** Silence is judged only after everything that has come was read: a process that was held up is no silent node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Transport } from '../../src/bmc/transport.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-test-wire-'));
let far: Socket;
let wire: Transport;
/** Bytes that arrived and were not read yet, as a port reads them on request. */
let unread: Buffer[];
let end: () => void;

/** A wire whose bytes come through the system, as a port's do. */
beforeEach(async () => {
  const server = createServer().listen(join(folder, 'sock'));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = connect(join(folder, 'sock'));
  far = await accepted;
  unread = [];
  wire = new Transport({
    write: (_bytes, taken) => taken?.(),
    catchUp: () => {
      for (const bytes of unread.splice(0)) wire.feed(bytes);
    },
    close: () => Promise.resolve(),
  });
  near.on('data', (bytes) => wire.feed(bytes));
  end = () => {
    near.destroy();
    far.destroy();
    server.close();
  };
});
afterEach(() => end());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a machine with too much to do holds a process up. */
function heldUp(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const whole = (text: string): string | null => (text.endsWith('\n') ? text : null);

test('a reply that came while the process was held up is a reply, not silence', async () => {
  wire.listen();
  const reply = wire.receive(whole, 20);
  far.write('0001 01 1d 74\n');
  await new Promise((resolve) => setImmediate(resolve));
  heldUp(60);
  expect(await reply).toBe('0001 01 1d 74\n');
});

test('silence is silence, also after having been held up', async () => {
  wire.listen();
  const nothing = wire.receive(whole, 20);
  heldUp(60);
  expect(await nothing).toBeNull();
});

test('a line is not quiet while bytes wait that a process that was held up has not read', async () => {
  const quiet = wire.quiet(20, 1_000).then(() => performance.now());
  await new Promise((resolve) => setImmediate(resolve));
  heldUp(60);
  unread.push(Buffer.from('the last of a console'));
  const arrivedAt = performance.now();
  expect((await quiet) - arrivedAt).toBeGreaterThanOrEqual(19);
});
