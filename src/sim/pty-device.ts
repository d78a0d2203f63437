/**
 * The pseudo-terminal used as the serial device. Everything a tty needs to behave like a raw serial line without a peer
 * (a settings holder, raw mode, no echo) is here and nowhere else.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import * as pty from '@lydell/node-pty';

/** Bytes kept for a host that does not read, as a kernel's serial buffer does; beyond that they are overrun. */
const KEPT = 64 * 1024;
/** Delay before a full pseudo-terminal is tried again, ms. */
const RETRY_MS = 2;

export interface DeviceHandlers {
  data(chunk: Uint8Array): void;
  overrun(bytes: number): void;
  /** Called when the host has taken all waiting bytes. */
  drained?(): void;
}

export class Device {
  readonly path: string;
  private readonly master: ReadStream;
  private readonly fd: number;
  private readonly holder: number;
  private readonly handlers: DeviceHandlers;
  private settings: ReadStream | null = null;
  private waiting: Buffer = Buffer.alloc(0);
  private retry: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(handlers: DeviceHandlers) {
    this.handlers = handlers;
    // The public types hide what a device needs: both streams, the descriptor and the slave's name.
    const opened = (pty as unknown as { open(options: { encoding: null }): OpenedPty }).open({ encoding: null });
    this.master = opened._master;
    this.fd = opened._fd;
    this.path = opened._pty;
    // Held open so that settings survive between clients and the last client's close is no hang-up here.
    this.holder = openSync(this.path, constants.O_RDWR | constants.O_NOCTTY);
    // The library reads from the slave side too, and would steal the host's input.
    opened._slave.destroy();
    execFileSync('stty', ['-F', this.path, 'raw', '-echo', '115200']);
    this.master.on('data', (chunk: Buffer) => this.handlers.data(chunk));
    // A pseudo-terminal ends with EIO, which is expected after unplugging.
    this.master.on('error', () => undefined);
  }

  /** Sets raw mode without echo again: a program may have set others, and the tty's echo would come back as its input. */
  keepRaw(): void {
    if (this.closed) return;
    this.settings ??= new ReadStream(this.holder);
    // The library sets a mode only where it differs from the one that it set last.
    this.settings.setRawMode(false).setRawMode(true);
  }

  pause(): void {
    this.master.pause();
  }

  resume(): void {
    if (!this.closed) this.master.resume();
  }

  /** Bytes that wait for a host that does not read. */
  get backlog(): number {
    return this.waiting.length;
  }

  /** Writes without blocking: the descriptor is non-blocking, and the rest is tried again. */
  write(bytes: Uint8Array): void {
    if (this.closed) return;
    if (this.waiting.length > 0) {
      const room = KEPT - this.waiting.length;
      if (bytes.length > room) this.handlers.overrun(bytes.length - room);
      this.waiting = Buffer.concat([this.waiting, bytes.subarray(0, room)]);
      return;
    }
    const written = this.tryWrite(bytes);
    if (written === bytes.length) return;
    this.waiting = Buffer.from(bytes.subarray(written));
    this.retry = setTimeout(() => this.flush(), RETRY_MS);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.retry) clearTimeout(this.retry);
    this.master.destroy();
    this.settings?.destroy();
    closeSync(this.holder);
  }

  private flush(): void {
    if (this.closed) return;
    this.waiting = this.waiting.subarray(this.tryWrite(this.waiting));
    this.retry = this.waiting.length > 0 ? setTimeout(() => this.flush(), RETRY_MS) : null;
    if (this.retry === null) this.handlers.drained?.();
  }

  private tryWrite(bytes: Uint8Array): number {
    try {
      return writeSync(this.fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }
}

interface OpenedPty {
  _master: ReadStream;
  _slave: ReadStream;
  _fd: number;
  _pty: string;
}
