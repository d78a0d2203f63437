/**
 * The serial port, and the only importer of serialport's binding: 115200 8N1, no flow control (bus-protocol section 2).
 *
 * Reads the open port as a terminal stream of Node's own, which is watched without being asked anew for each piece.
 *
 * Reads the settings of the open port back by `stty`, which opens the device a second time; that changes nothing of
 * it while ours is open. (Our own descriptor cannot be lent: a child's standard streams are made blocking, and the
 * port is the same open file.)
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import type { SocketConstructorOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { LinuxBinding } from '@serialport/bindings-cpp';
import { describeHolder, holdersOf } from './port-discovery.ts';
import { PortFile, READ_BYTES, type Readiness } from './port-file.ts';
import type { Line } from './types.ts';

/**
 * Reads the device that `fd` has open, until the returned function is called. The reader has a descriptor of its own: the
 * stream opens the device anew in its place, and the lock of the port is that of `fd`.
 */
function readDevice(fd: number, file: Pick<PortFile, 'received' | 'fail'>): () => void {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  const callback = (count: number, buffer: Uint8Array): boolean => {
    file.received(buffer.subarray(0, count));
    return true;
  };
  // An option of every socket that the types have only for connecting ones.
  const options = { onread: { buffer: Buffer.alloc(READ_BYTES), callback } } as SocketConstructorOpts;
  let stream: ReadStream;
  try {
    stream = new ReadStream(own, options);
  } catch (error) {
    closeSync(own);
    throw error;
  }
  const used = (stream as unknown as { _handle: { fd: number } })._handle.fd;
  stream.on('error', (error) => file.fail(error));
  stream.on('end', () => file.fail('hung-up'));
  stream.resume();
  return () => {
    stream.destroy();
    // Where the device could not be opened anew, the stream has used this descriptor and closed it.
    if (used !== own) closeSync(own);
  };
}

/** Time limit of `stty`, ms: a driver that hangs must not hold up the caller. */
const LIMIT_MS = 2_000;

/** Resolves the text of `stty -a` (GNU's form), or null where there is no stty, or it fails. */
function ttySettings(port: string): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, LC_ALL: 'C' }, timeout: LIMIT_MS };
    execFile('stty', ['-F', port, '-a'], options, (error, stdout) => resolve(error === null ? stdout : null));
  });
}

/**
 * The port cannot be used; the message is a sentence with a remedy. A `missing` device may come back by
 * itself.
 */
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
  /** The bytes are valid during the call. */
  onData(bytes: Uint8Array): void;
  /** The device vanished or failed; called once. */
  onLost(why: string): void;
}

function check(port: string): void {
  if (!existsSync(port)) throw new LineError('missing', `${port} does not exist: enable the UART, or correct --port`);
  if (!statSync(port).isCharacterDevice())
    throw new LineError('not-serial', `${port} is not a serial device: give the bus's port, e.g. --port /dev/serial0`);
  const [holder] = holdersOf(port);
  if (holder)
    throw new LineError('held', `${port} is held by ${describeHolder(holder)}: end it, because a bus has one owner`);
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

/** Describes a failure. A write can be the first to meet a device that vanished. */
function sentence(port: string, error: Error | 'hung-up'): string {
  if (error === 'hung-up' || /\b(?:EIO|ENXIO|ENODEV)\b/.test(error.message)) return `${port} no longer exists`;
  return `${port} failed: ${error.message}`;
}

/** The used part of the binding; the types that it ships name a package without types. */
const BINDING = LinuxBinding as unknown as {
  open(options: { path: string; baudRate: number; lock: boolean; hupcl: boolean }): Promise<{
    /** Null once closed. */
    readonly fd: number | null;
    readonly poller: Readiness;
    drain(): Promise<void>;
    close(): Promise<void>;
  }>;
};

/** Opens the port exclusively. Rejects LineError. */
export async function openLine(port: string, handlers: LineHandlers): Promise<Line> {
  check(port);
  // hupcl off: DTR must not drop when the port closes.
  const serial = await BINDING.open({ path: port, baudRate: 115200, lock: true, hupcl: false }).catch(
    (error: unknown) => {
      throw explain(port, error as Error);
    },
  );
  if (serial.fd === null) throw new LineError('failed', `${port} was closed while it was being opened`);
  let over = false;
  let shut: Promise<void> | null = null;
  const close = (): Promise<void> => {
    file.end();
    if (shut === null) stopReading();
    return (shut ??= serial.close().catch(() => undefined));
  };
  const lost = (why: string): void => {
    const ended = over;
    over = true;
    void close();
    if (!ended) handlers.onLost(why);
  };
  const file = new PortFile(serial.fd, serial.poller, {
    onData: (bytes) => {
      if (!over) handlers.onData(bytes);
    },
    onFailure: (error) => lost(sentence(port, error)),
  });
  let stopReading = (): void => undefined;
  try {
    stopReading = readDevice(serial.fd, file);
  } catch (error) {
    file.end();
    await serial.close().catch(() => undefined);
    throw explain(port, error as Error);
  }
  return {
    write: (bytes, taken) => file.write(bytes, taken),
    catchUp: () => file.catchUp(),
    check: () => {
      if (!over && !existsSync(port)) lost(`${port} no longer exists`);
    },
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
