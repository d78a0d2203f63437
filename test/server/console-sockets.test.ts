/** The keyboard of a console's socket: ten minutes without a key give it back; first keys wait for the console. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ConsoleState } from '../../src/api/methods.ts';
import { ConsoleSockets } from '../../src/server/consoles/sockets.ts';

const MINUTE = 60_000;
let folder: string;
let open: ConsoleState | null;
let typed: string;
/** Calls of the consoles, in their order. */
let calls: string[];
let sockets: ConsoleSockets;
let socket: Socket;
let read: string;
/** State of a console that is opened. */
let begins: ConsoleState['state'];

const consoles = {
  state: () => open,
  attach: (user: { id: number }, { addr, watch }: { addr: number; watch: boolean }) => {
    if (watch) return Promise.resolve();
    calls.push('attach');
    open = { addr, state: begins, holder: user.id, holderName: 's', watchers: [] } as never;
    return Promise.resolve();
  },
  detach: () => {
    if (open !== null) calls.push('detach');
    open = null;
  },
  acquireKeyboard: () => undefined,
  paste: (_user: unknown, _addr: number, bytes: Uint8Array) => {
    typed += Buffer.from(bytes).toString();
    return Promise.resolve({ sent: true, why: null });
  },
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-sockets-'));
  [open, typed, calls, read, begins] = [null, '', [], '', 'open'];
  sockets = new ConsoleSockets({
    folder,
    gid: null,
    consoles: consoles as never,
    nodes: () => [{ name: 'n1', addr: 1 }] as never,
    refuses: () => null,
    newId: () => 7,
    now: () => 0,
    changed: () => undefined,
    warn: (text) => calls.push(text),
  });
  sockets.follow();
  await vi.waitFor(async () => {
    socket = await new Promise<Socket>((resolve, reject) => {
      const one = connect(join(folder, 'n1'), () => resolve(one)).once('error', reject);
    });
  });
  socket.on('data', (bytes: Buffer) => (read += bytes.toString()));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  socket.destroy();
  await sockets.close('end');
  rmSync(folder, { recursive: true, force: true });
});

/** Waits for a condition by turns of the event loop: timers are not real here. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function type(keys: string): Promise<void> {
  const before = typed.length;
  socket.write(keys);
  await until(() => typed.length === before + keys.length);
}

test('ten minutes without a key give the console back, each key begins them again, and the next key opens it', async () => {
  await type('a');
  expect(sockets.busy).toBe(true);
  vi.advanceTimersByTime(9 * MINUTE);
  await type('b');
  vi.advanceTimersByTime(9 * MINUTE + 59_000);
  expect(calls).toEqual(['attach']);
  vi.advanceTimersByTime(1_000);
  expect(calls).toEqual(['attach', 'detach']);
  expect(sockets.busy).toBe(false);
  await until(() => read.includes('given back after 10 min without a key'));
  await type('c');
  expect(calls).toEqual(['attach', 'detach', 'attach']);
  expect(typed).toBe('abc');
});

test('the first keys wait for the console, and go when it is on the wire', async () => {
  begins = 'opening';
  socket.write('a');
  await until(() => calls.includes('attach'));
  sockets.consoleChanged();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(typed).toBe('');
  if (open !== null) open = { ...open, state: 'open' };
  sockets.consoleChanged();
  await until(() => typed === 'a');
});

test('keys for a console that does not open go to the bus after five seconds, which says why they are not sent', async () => {
  begins = 'opening';
  socket.write('a');
  await until(() => calls.includes('attach'));
  await until(() => vi.getTimerCount() > 0);
  vi.advanceTimersByTime(4_999);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(typed).toBe('');
  vi.advanceTimersByTime(1);
  await until(() => typed === 'a');
});
