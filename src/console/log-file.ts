/**
 * A file of a console's log: appended to in the background and in order, put aside by size and age, bounded in
 * memory and on the disk. Never throws and never blocks a console: trouble is told, and what was lost is counted.
 */
import { constants } from 'node:fs';
import { mkdir, open, rename, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pruneKept, pruneLogs } from './log-shelf.ts';
import { count } from '../lib/words.ts';

export interface LogLimits {
  /** Bytes of a file before it is put aside. */
  size: number;
  /** Milliseconds after which a file is put aside, however small. */
  age: number;
  /** Older files kept beside the present one: `NAME.log.1` is the youngest. */
  kept: number;
  /** Bytes of all console logs together; the oldest file that was put aside goes first. */
  total: number;
  /** Bytes that must stay free on the disk: below, nothing is logged. */
  free: number;
}

const MB = 1024 * 1024;
/** A flooding node brings 11 KB/s: 8 MB hold at least twelve minutes. */
export const LOG_LIMITS: LogLimits = { size: 8 * MB, age: 7 * 86_400_000, kept: 4, total: 1024 * MB, free: 100 * MB };

/** Bytes waiting for a disk that does not take them; more are given up and counted, so memory stays bounded. */
const PENDING_LIMIT = 4 * MB;
/** The disk is asked how much is free after so many bytes. */
const LOOK_EVERY = MB;

export interface LogFileOptions {
  path: string;
  limits: LogLimits;
  now: () => number;
  /** What the next file begins with, made from the one that is put aside. */
  carry?: (former: string) => Promise<Buffer>;
  /** When the present file was begun, epoch ms, as its own lines tell; null: they do not. */
  begun: () => Promise<number | null>;
  /** What stands where something was lost; default: nothing. */
  mark?: (text: string) => Buffer;
  /** Told once for each spell of trouble, in words. */
  onTrouble: (text: string) => void;
}

export class LogFile {
  readonly #options: LogFileOptions;
  #file: FileHandle | null = null;
  #size = 0;
  /** Bytes of it that were carried over from the file before. */
  #carried = 0;
  #begun: number | null = null;
  #unlooked = Infinity;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes that came and were not written, since the last word about it. */
  #lost = 0;
  #told = false;
  #draining: Promise<void> | null = null;
  #closed = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** `bytes` must not change afterwards. */
  append(bytes: Uint8Array): void {
    if (this.#closed || this.#pendingBytes + bytes.length > PENDING_LIMIT) {
      this.#lost += bytes.length;
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#draining ??= this.#drain();
  }

  /** Resolves when all that was given is on its way to the disk and the file is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#shut();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const chunks = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      const lost = this.#lost;
      if (lost > 0 && this.#options.mark)
        chunks.unshift(
          this.#options.mark(`${count(lost, 'byte')} of this log ${lost === 1 ? 'was' : 'were'} lost here`),
        );
      const bytes = Buffer.concat(chunks);
      try {
        await this.#write(bytes);
        this.#lost -= lost;
        this.#told = false;
      } catch (error) {
        if (!this.#told)
          this.#options.onTrouble(`console log ${this.#options.path} cannot be written: ${reason(error)}`);
        this.#told = true;
        this.#lost += bytes.length;
        await this.#shut();
      }
    }
    // Here and not in a later callback: what is pushed from now on needs a new drain.
    this.#draining = null;
  }

  async #write(bytes: Buffer): Promise<void> {
    const { limits, now, path } = this.#options;
    let file = await this.#present();
    const age = now() - (this.#begun ?? now());
    const own = this.#size - this.#carried;
    if (own > 0 && (own >= limits.size || age >= limits.age)) file = await this.#rotate();
    if ((this.#unlooked += bytes.length) >= LOOK_EVERY) {
      const { bavail, bsize } = await statfs(dirname(path));
      if (bavail * bsize < limits.free)
        throw new Error(
          `only ${Math.round((bavail * bsize) / MB)} MB are left on its disk: nothing is logged before there are ${Math.round(limits.free / MB)}`,
        );
      this.#unlooked = 0;
    }
    await file.appendFile(bytes);
    this.#size += bytes.length;
  }

  /** The file under this name: an outside program may have moved it away, deleted it or emptied it. */
  async #present(): Promise<FileHandle> {
    const { path, mark, onTrouble } = this.#options;
    if (this.#file === null) return this.#open();
    const [ours, named] = await Promise.all([this.#file.stat(), stat(path).catch(() => null)]);
    if (named?.ino !== ours.ino || named.dev !== ours.dev) {
      await this.#shut();
      return this.#open();
    }
    const before = this.#size;
    this.#size = ours.size;
    if (ours.size < before) {
      const text = `this log was cut from ${before} to ${ours.size} bytes by another program`;
      onTrouble(`console log ${path}: ${text}`);
      this.#carried = 0;
      this.#begun = this.#options.now();
      if (mark) await this.#file.appendFile(mark(text));
    }
    return this.#file;
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // What a console shows can hold secrets: owner only. A link planted in the directory is not followed.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(path, flags, 0o600);
    this.#file = file;
    this.#carried = 0;
    this.#size = (await file.stat()).size;
    if (this.#size === 0) this.#begun = this.#options.now();
    this.#begun ??= (await this.#options.begun()) ?? this.#options.now();
    return file;
  }

  async #rotate(): Promise<FileHandle> {
    const { path, limits, carry } = this.#options;
    const tail = await carry?.(path);
    await this.#shut();
    if (limits.kept === 0) await unlink(path);
    for (let n = limits.kept - 1; n >= 0; n--)
      await rename(n === 0 ? path : `${path}.${n}`, `${path}.${n + 1}`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    await pruneKept(path, limits.kept);
    await pruneLogs(dirname(path), limits.total);
    const file = await this.#open();
    if (tail !== undefined) await file.appendFile(tail);
    this.#size = this.#carried = tail?.length ?? 0;
    return file;
  }

  async #shut(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
    this.#unlooked = Infinity;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
