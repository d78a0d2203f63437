/** The serial port: the only importer of serialport. 115200 8N1, no flow control (PROTOCOL section 2). */
import { existsSync, statSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { describeHolder, holdersOf } from './holder.ts';
import { ttySettings } from './tty-settings.ts';
import type { Line } from './types.ts';

/** Why the port cannot be used: a sentence that says what to do. `missing` may come back by itself. */
export class LineError extends Error {
  override readonly name = 'LineError';
  readonly kind: 'missing' | 'permission' | 'held' | 'not-serial' | 'failed';
  constructor(kind: LineError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface LineHandlers {
  onData(bytes: Uint8Array): void;
  /** The device vanished or failed; called once. */
  onLost(why: string): void;
}

function check(port: string): void {
  if (!existsSync(port))
    throw new LineError('missing', `${port} does not exist: is the UART enabled, is this the right --port?`);
  if (!statSync(port).isCharacterDevice())
    throw new LineError('not-serial', `${port} is not a serial device: give the bus's port, e.g. --port /dev/serial0`);
  const [holder] = holdersOf(port);
  if (holder)
    throw new LineError('held', `${port} is held by ${describeHolder(holder)}: end it, the bus has one owner`);
}

function explain(port: string, error: Error): LineError {
  const message = error.message;
  if (/permission denied/i.test(message))
    return new LineError(
      'permission',
      `no permission to open ${port}: join its group (sudo usermod -aG dialout $USER, then log in again)`,
    );
  if (/lock|busy/i.test(message))
    return new LineError(
      'held',
      `${port} is locked by another program that this user may not see (try: sudo fuser -v ${port})`,
    );
  if (/inappropriate ioctl|not a tty|invalid argument/i.test(message))
    return new LineError('not-serial', `${port} is not a serial device: give the bus's port, e.g. --port /dev/serial0`);
  return new LineError('failed', `${port} cannot be opened: ${message.replace(/^Error:?\s*/, '')}`);
}

/** A write can be the first to meet a device that vanished. */
function sentence(port: string, error: Error): string {
  return /\b(?:EIO|ENXIO|ENODEV)\b/.test(error.message) ? `${port} is gone` : `${port} failed: ${error.message}`;
}

/** How often an open port's name is looked for, ms. */
const PRESENCE_MS = 1_000;

/** Opens the port exclusively. Rejects LineError. */
export async function openLine(port: string, handlers: LineHandlers): Promise<Line> {
  check(port);
  // hupcl off: dropping DTR when the port closes is nothing this bus should ever see.
  const serial = new SerialPort({ path: port, baudRate: 115200, lock: true, hupcl: false, autoOpen: false });
  let over = false;
  const lost = (why: string): void => {
    if (over) return; // 'close' comes twice when the device vanishes
    over = true;
    clearInterval(presence);
    handlers.onLost(why);
  };
  // A hang-up is not always told, and at a silent console nothing is written that could fail: the name is looked for.
  const presence = setInterval(() => {
    if (serial.isOpen && !existsSync(port)) lost(`${port} is gone`);
  }, PRESENCE_MS);
  presence.unref();
  // Attached before opening: without a reader a vanished device would go unnoticed until the next write.
  serial.on('data', (bytes: Uint8Array) => {
    if (!over) handlers.onData(bytes);
  });
  serial.on('close', () => lost(`${port} is gone`));
  serial.on('error', (error) => lost(sentence(port, error)));
  await new Promise<void>((resolve, reject) => {
    serial.open((error) => {
      if (error) {
        clearInterval(presence);
        reject(explain(port, error));
      } else resolve();
    });
  });
  return {
    write(bytes, taken) {
      serial.write(Buffer.from(bytes), (error) => {
        taken?.();
        if (error) lost(sentence(port, error));
      });
    },
    settings: () => ttySettings(port),
    async close() {
      over = true;
      clearInterval(presence);
      if (!serial.isOpen) return;
      // The closing ^G must be on the wire before the port goes; a vanished device has nothing to drain to.
      await new Promise<void>((resolve) => serial.drain(() => resolve()));
      await new Promise<void>((resolve) => serial.close(() => resolve()));
    },
  };
}
