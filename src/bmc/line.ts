/** The serial port: the only importer of serialport. 115200 8N1, no flow control (bus-protocol section 2). */
import { existsSync, statSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { describeHolder, holdersOf } from './holder.ts';
import { PortFile, type Readiness } from './port-file.ts';
import { ttySettings } from './tty-settings.ts';
import type { Line } from './types.ts';

/** Why the port cannot be used: a sentence that says what to do. `missing` may come back by itself. */
export class LineError extends Error {
  override readonly name = 'LineError';
  readonly kind: 'missing' | 'permission' | 'held' | 'not-serial' | 'failed';
  /** The message names the server that holds the port. */
  readonly winner: boolean;
  constructor(kind: LineError['kind'], message: string, winner = false) {
    super(message);
    this.kind = kind;
    this.winner = winner;
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
function sentence(port: string, error: Error | 'hung-up'): string {
  if (error === 'hung-up' || /\b(?:EIO|ENXIO|ENODEV)\b/.test(error.message)) return `${port} is gone`;
  return `${port} failed: ${error.message}`;
}

/** What is used of the library: opening, settings, lock and readiness of the port, not its stream (see PortFile). */
const BINDING = SerialPort.binding as unknown as {
  open(options: { path: string; baudRate: number; lock: boolean; hupcl: boolean }): Promise<{
    /** Null once closed. */
    readonly fd: number | null;
    readonly poller: Readiness;
    drain(): Promise<void>;
    close(): Promise<void>;
  }>;
};

/** How often an open port's name is looked for, ms. */
const PRESENCE_MS = 1_000;

/** Opens the port exclusively. Rejects LineError. */
export async function openLine(port: string, handlers: LineHandlers): Promise<Line> {
  check(port);
  // hupcl off: dropping DTR when the port closes is nothing this bus should ever see.
  const serial = await BINDING.open({ path: port, baudRate: 115200, lock: true, hupcl: false }).catch(
    (error: unknown) => {
      throw explain(port, error as Error);
    },
  );
  if (serial.fd === null) throw new LineError('failed', `${port} was closed while it was being opened`);
  let over = false;
  let shut: Promise<void> | null = null;
  const close = (): Promise<void> => {
    clearInterval(presence);
    file.end();
    return (shut ??= serial.close().catch(() => undefined));
  };
  const lost = (why: string): void => {
    const told = over;
    over = true;
    void close();
    if (!told) handlers.onLost(why);
  };
  const file = new PortFile(serial.fd, serial.poller, {
    onData: (bytes) => {
      if (!over) handlers.onData(bytes);
    },
    onFailure: (error) => lost(sentence(port, error)),
  });
  // A hang-up is not always told, and at a silent console nothing is written that could fail: the name is looked for.
  const presence = setInterval(() => {
    if (!existsSync(port)) lost(`${port} is gone`);
  }, PRESENCE_MS);
  presence.unref();
  return {
    write: (bytes, taken) => file.write(bytes, () => taken?.()),
    catchUp: () => file.catchUp(),
    settings: () => ttySettings(port),
    async close() {
      over = true;
      if (shut === null) {
        // The closing ^G must be on the wire before the port goes; a vanished device has nothing to drain to.
        await file.flushed();
        await serial.drain().catch(() => undefined);
      }
      await close();
    },
  };
}
