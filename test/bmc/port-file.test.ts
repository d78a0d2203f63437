/** Reading and writing an open port where the system says so: over a FIFO, which fills up and ends as a device does. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PortFile, type PortFileHandlers } from '../../src/bmc/serial-port.ts';

const READABLE = 1;
const WRITABLE = 2;
/** More than a FIFO holds (64 KB, pipe(7)). */
const MUCH = 200_000;

/** Says that the port is ready when the test says so, and keeps what was asked for. */
class Ready {
  asked = 0;
  readonly #told = new Map<string, (error: Error | null) => void>();
  on(event: string, told: (error: Error | null) => void): void {
    this.#told.set(event, told);
  }
  poll(events: number): void {
    this.asked = events;
  }
  tell(event: 'readable' | 'writable', error: Error | null = null): void {
    this.#told.get(event)?.(error);
  }
}

let [folder, path] = ['', ''];
const open: number[] = [];

function opened(flags: number): number {
  const fd = openSync(path, flags | constants.O_NONBLOCK);
  open.push(fd);
  return fd;
}

function portFile(fd: number, handlers: Partial<PortFileHandlers> = {}): { file: PortFile; ready: Ready } {
  const ready = new Ready();
  const file = new PortFile(fd, ready, { onData: () => undefined, onFailure: () => undefined, ...handlers });
  return { file, ready };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-port-'));
  path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
});

afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
  rmSync(folder, { recursive: true });
});

test('what a full device does not take is sent when there is room, in order, and reading goes on meanwhile', async () => {
  const other = opened(constants.O_RDONLY);
  const { file, ready } = portFile(opened(constants.O_WRONLY));
  expect(ready.asked).toBe(READABLE);
  const sent = Uint8Array.from({ length: MUCH }, (_, i) => i % 251);
  const taken: string[] = [];
  file.write(sent, () => taken.push('much'));
  file.write(Uint8Array.of(252), () => taken.push('last'));
  expect(taken).toEqual([]);
  expect(ready.asked).toBe(READABLE | WRITABLE);
  const got: number[] = [];
  const room = Buffer.alloc(MUCH);
  while (ready.asked & WRITABLE) {
    got.push(...room.subarray(0, readSync(other, room)));
    ready.tell('writable');
  }
  got.push(...room.subarray(0, readSync(other, room)));
  await file.flushed();
  await expect.poll(() => taken).toEqual(['much', 'last']);
  expect(Buffer.from(got).equals(Buffer.from([...sent, 252]))).toBe(true);
});

test('a silent line is none that ended, and an ended one is told once', async () => {
  const got: number[] = [];
  const failures: (Error | 'hung-up')[] = [];
  const reader = opened(constants.O_RDONLY);
  const writer = openSync(path, constants.O_WRONLY);
  const { ready } = portFile(reader, {
    onData: (bytes) => got.push(...bytes),
    onFailure: (error) => failures.push(error),
  });
  ready.tell('readable');
  writeSync(writer, Uint8Array.of(1, 2, 3));
  ready.tell('readable');
  await Promise.resolve();
  expect([got, failures]).toEqual([[1, 2, 3], []]);
  closeSync(writer);
  ready.tell('readable');
  ready.tell('readable', new Error('EBADF'));
  await Promise.resolve();
  expect(failures).toEqual(['hung-up']);
});

test('a device that hangs up while it is waited for is gone', async () => {
  const reader = opened(constants.O_RDONLY);
  const failures: (Error | 'hung-up')[] = [];
  const { ready } = portFile(reader, { onFailure: (error) => failures.push(error) });
  ready.tell('readable', new Error('bad file descriptor'));
  await Promise.resolve();
  expect(failures).toEqual(['hung-up']);
});

test('a write that meets a dead device is no error to the writer: whoever waits is let go, and told afterwards', async () => {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = opened(constants.O_WRONLY);
  closeSync(reader);
  const failures: (Error | 'hung-up')[] = [];
  const { file } = portFile(writer, { onFailure: (error) => failures.push(error) });
  let taken = 0;
  file.write(Uint8Array.of(1), () => taken++);
  file.write(Uint8Array.of(2), () => taken++);
  expect([taken, failures]).toEqual([2, []]);
  await file.flushed();
  expect(failures).toMatchObject([{ code: 'EPIPE' }]);
});
