/** Reading and writing an open port where the system says so: over a FIFO, which fills up and ends as a device does. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PortFile, type PortFileHandlers } from '../../src/bmc/port-file.ts';

const WRITABLE = 2;
/** More than a FIFO holds (64 KB, pipe(7)). */
const MUCH = 200_000;

/** Says that the port has room when the test says so, and keeps what was asked for. */
class Room {
  asked = 0;
  #told: (error: Error | null) => void = () => undefined;
  on(_event: string, told: (error: Error | null) => void): void {
    this.#told = told;
  }
  poll(events: number): void {
    this.asked = events;
  }
  tell(error: Error | null = null): void {
    this.asked = 0;
    this.#told(error);
  }
}

let [folder, path] = ['', ''];
const open: number[] = [];

function opened(flags: number): number {
  const fd = openSync(path, flags | constants.O_NONBLOCK);
  open.push(fd);
  return fd;
}

function portFile(fd: number, handlers: Partial<PortFileHandlers> = {}): { file: PortFile; room: Room } {
  const room = new Room();
  const file = new PortFile(fd, room, { onData: () => undefined, onFailure: () => undefined, ...handlers });
  return { file, room };
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

test('what a full device does not take is sent when there is room, in order', async () => {
  const other = opened(constants.O_RDONLY);
  const { file, room } = portFile(opened(constants.O_WRONLY));
  expect(room.asked).toBe(0);
  const sent = Uint8Array.from({ length: MUCH }, (_, i) => i % 251);
  const taken: string[] = [];
  file.write(sent, () => taken.push('much'));
  file.write(Uint8Array.of(252), () => taken.push('last'));
  expect(taken).toEqual([]);
  expect(room.asked).toBe(WRITABLE);
  const got: number[] = [];
  const bytes = Buffer.alloc(MUCH);
  while (room.asked & WRITABLE) {
    got.push(...bytes.subarray(0, readSync(other, bytes)));
    room.tell();
  }
  got.push(...bytes.subarray(0, readSync(other, bytes)));
  await file.flushed();
  await expect.poll(() => taken).toEqual(['much', 'last']);
  expect(Buffer.from(got).equals(Buffer.from([...sent, 252]))).toBe(true);
});

test('a silent line is none that ended, and an ended one is told once', async () => {
  const got: number[] = [];
  const failures: (Error | 'hung-up')[] = [];
  const reader = opened(constants.O_RDONLY);
  const writer = openSync(path, constants.O_WRONLY);
  const { file } = portFile(reader, {
    onData: (bytes) => got.push(...bytes),
    onFailure: (error) => failures.push(error),
  });
  file.catchUp();
  writeSync(writer, Uint8Array.of(1, 2, 3));
  file.catchUp();
  await Promise.resolve();
  expect([got, failures]).toEqual([[1, 2, 3], []]);
  closeSync(writer);
  file.catchUp();
  file.fail(new Error('EBADF'));
  await Promise.resolve();
  expect(failures).toEqual(['hung-up']);
});

test('a device that hangs up while room is waited for is gone', async () => {
  const reader = opened(constants.O_RDONLY);
  const failures: (Error | 'hung-up')[] = [];
  const { room } = portFile(reader, { onFailure: (error) => failures.push(error) });
  room.tell(new Error('bad file descriptor'));
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
