/**
 * The serial port, and the only importer of serialport's binding: 115200 8N1, no flow control (bus-protocol section 2).
 *
 * Reads and writes an open port when the system reports it ready. The descriptor never blocks, so both are done
 * at once in the event loop: through the thread pool, where a serial library's stream does them, each piece costs two
 * changes of thread and an error for having come too early.
 *
 * Reads the settings of the open port back by `stty`, which opens the device a second time; that changes nothing of
 * it while ours is open. (Our own descriptor cannot be lent: a child's standard streams are made blocking, and the
 * port is the same open file.)
 */
import { execFile } from 'node:child_process';
import { existsSync, readSync, statSync, writeSync } from 'node:fs';
import { LinuxBinding } from '@serialport/bindings-cpp';
import { describeHolder, holdersOf } from './port-discovery.ts';
import type { Line } from './types.ts';

/** Reports once each event that the last `poll` asked for; with an error where the device failed. */
export interface Readiness {
  on(event: 'readable' | 'writable', listener: (error: Error | null) => void): unknown;
  poll(events: number): void;
}

const READABLE = 1;
const WRITABLE = 2;

export interface PortFileHandlers {
  onData(bytes: Uint8Array): void;
  /** The port cannot be used any more (`hung-up`: the device is gone). Never called from within `write`. */
  onFailure(error: Error | 'hung-up'): void;
}

/** Size of one read, bytes: as much as the kernel keeps for a reader. */
const READ_BYTES = 4_096;
/** Maximum of reads at once, more than any system holds; a node that floods must not hold the event loop. */
const CATCH_UP_READS = 64;

export class PortFile {
  readonly #fd: number;
  readonly #ready: Readiness;
  readonly #handlers: PortFileHandlers;
  readonly #room = Buffer.alloc(READ_BYTES);
  /** Writes that the system had no room for yet. */
  readonly #waiting: { bytes: Uint8Array; taken: (() => void) | undefined }[] = [];
  readonly #flushing: (() => void)[] = [];
  #over = false;

  constructor(fd: number, ready: Readiness, handlers: PortFileHandlers) {
    this.#fd = fd;
    this.#ready = ready;
    this.#handlers = handlers;
    ready.on('readable', (error) => this.#onReady(error, () => void this.#read()));
    ready.on('writable', (error) => this.#onReady(error, () => this.#send()));
    ready.poll(READABLE);
  }

  /**
   * Writes in order. `taken` is called when the system has the bytes, or never will; always in a later turn, so that
   * bytes that must keep a distance never leave together after the event loop was held up.
   */
  write(bytes: Uint8Array, taken?: () => void): void {
    if (this.#over) {
      taken?.();
      return;
    }
    this.#waiting.push({ bytes, taken });
    if (this.#waiting.length > 1) return;
    this.#send();
    if (this.#waiting.length > 0) this.#wait();
  }

  /**
   * Reads at once all that the system holds. In a turn of the event loop timers fire before reads, so input that
   * arrived while this process was stopped would be read only after its time limits were checked.
   */
  catchUp(): void {
    for (let n = 0; n < CATCH_UP_READS && !this.#over && this.#read(); n++);
  }

  /** Resolves when the system has all written bytes, or never will. */
  flushed(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushing.push(resolve));
  }

  /** Ends reading and writing; to be called before the descriptor is closed, because its number may be used again. */
  end(): void {
    this.#over = true;
    for (const { taken } of this.#waiting.splice(0)) taken?.();
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  #onReady(error: Error | null, then: () => void): void {
    if (this.#over) return;
    if (error) {
      // Waiting for an open descriptor fails only where the device has hung up.
      this.#fail('hung-up');
      return;
    }
    then();
    this.#wait();
  }

  #wait(): void {
    if (!this.#over) this.#ready.poll(this.#waiting.length > 0 ? READABLE | WRITABLE : READABLE);
  }

  /** Reads once; false: there is nothing to read. */
  #read(): boolean {
    let count: number;
    try {
      count = readSync(this.#fd, this.#room);
    } catch (error) {
      if (!isTooEarly(error)) this.#fail(error as Error);
      return false;
    }
    // A silent line reads as EAGAIN; zero bytes are its end.
    if (count === 0) this.#fail('hung-up');
    else this.#handlers.onData(Buffer.from(this.#room.subarray(0, count)));
    return count > 0;
  }

  #send(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      try {
        first.bytes = first.bytes.subarray(writeSync(this.#fd, first.bytes));
      } catch (error) {
        if (!isTooEarly(error)) this.#fail(error as Error);
        return;
      }
      if (first.bytes.length > 0) continue;
      this.#waiting.shift();
      if (first.taken) setImmediate(first.taken);
    }
    if (this.#flushing.length === 0) return;
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  #fail(error: Error | 'hung-up'): void {
    this.end();
    queueMicrotask(() => this.#handlers.onFailure(error));
  }
}

function isTooEarly(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EINTR';
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

/** Interval at which an open port's name is checked, ms. */
const PRESENCE_MS = 1_000;

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
    clearInterval(presence);
    file.end();
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
  // A hang-up is not always reported, and at a silent console no write fails: the name is checked too.
  const presence = setInterval(() => {
    if (!existsSync(port)) lost(`${port} no longer exists`);
  }, PRESENCE_MS);
  presence.unref();
  return {
    write: (bytes, taken) => file.write(bytes, taken),
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
