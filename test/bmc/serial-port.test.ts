/** An open port on a real pseudo-terminal: every byte in order, both ways, and nothing left open behind it. */
import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLine } from '../../src/bmc/serial-port.ts';
import type { Line } from '../../src/bmc/types.ts';
import { Device } from '../../src/sim/pty-device.ts';

/** More than a pseudo-terminal holds for its reader, or for its writer. */
const MUCH = 200_000;
const BYTES = Buffer.from(Uint8Array.from({ length: MUCH }, (_, i) => i % 251));

let device: Device;
let arrived: Buffer[] = [];
let [received, lost]: [Buffer[], string[]] = [[], []];

beforeEach(() => {
  [arrived, received, lost] = [[], [], []];
  device = new Device({ data: (chunk) => arrived.push(Buffer.from(chunk)), overrun: () => undefined });
});
afterEach(() => device.close());

function open(): Promise<Line> {
  return openLine(device.path, {
    onData: (bytes) => received.push(Buffer.from(bytes)),
    onLost: (why) => lost.push(why),
  });
}

/** Number of this process's descriptors of the device. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === device.path;
    } catch {
      return false; // the one that lists them
    }
  }).length;
}

test('what the device sends arrives whole and in order', async () => {
  const line = await open();
  for (let at = 0; at < MUCH; at += 1_000) {
    device.write(BYTES.subarray(at, at + 1_000));
    await expect.poll(() => device.backlog, { interval: 1 }).toBe(0);
  }
  await expect.poll(() => Buffer.concat(received).length).toBe(MUCH);
  expect(Buffer.concat(received).equals(BYTES)).toBe(true);
  await line.close();
});

test('input that nothing has reported yet is read at once on request, and once', async () => {
  const line = await open();
  device.write(Buffer.from('early'));
  line.catchUp?.();
  expect(Buffer.concat(received).toString()).toBe('early');
  device.write(Buffer.from(', late'));
  await expect.poll(() => Buffer.concat(received).toString()).toBe('early, late');
  await line.close();
});

test('what a device does not read is sent in order once it reads', async () => {
  const line = await open();
  device.pause();
  const taken: string[] = [];
  line.write(BYTES, () => taken.push('much'));
  line.write(Uint8Array.of(252), () => taken.push('last'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(taken).toEqual([]);
  device.resume();
  await expect.poll(() => taken).toEqual(['much', 'last']);
  await expect.poll(() => Buffer.concat(arrived).length).toBe(MUCH + 1);
  expect(Buffer.concat(arrived).equals(Buffer.concat([BYTES, Uint8Array.of(252)]))).toBe(true);
  await line.close();
});

test('an open port is locked against a second opening, and closed whole', async () => {
  const before = descriptors();
  const line = await open();
  await expect(open()).rejects.toMatchObject({ kind: 'held' });
  device.write(Buffer.from('still read'));
  await expect.poll(() => Buffer.concat(received).toString()).toBe('still read');
  await line.close();
  expect(descriptors()).toBe(before);
  expect(lost).toEqual([]);
  await (await open()).close();
});

test('a device that is unplugged is lost once, and kept open by nothing', async () => {
  await open();
  device.close();
  await expect.poll(() => lost).toEqual([`${device.path} no longer exists`]);
  await expect.poll(() => descriptors()).toBe(0);
});
