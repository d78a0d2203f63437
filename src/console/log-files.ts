/**
 * Console logs on the disk: their names, the files of one log, and the deletion of old ones. A file is identified by
 * its content: a file system gives a freed inode to the next file, and may know no time of birth.
 *
 * {@link LogFile} appends in the background and in order, rotates by size and age, and is bounded in memory and on
 * the disk. It never throws and never blocks a console: failures are reported, and lost bytes are counted.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { count } from '../lib/words.ts';

const PUT_ASIDE = /\.(?:log|raw|times)\.\d+$/;
const PRESENT = /\.(?:log|raw|times)$/;

/** Converts a name into one file name on any file system, never hidden, never a path. */
export function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '_');
}

/**
 * Opens a log's files, oldest first; empty where nothing was logged. The caller closes them. Rejects errors of the
 * file system.
 */
export async function openLog(path: string, kept: number): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  const seen = new Set<string>();
  // The youngest first: a file that is rotated meanwhile is met a second time, never missed.
  for (let n = 0; n <= kept; n++) {
    const file = await open(n === 0 ? path : `${path}.${n}`, 'r').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
    if (file === null) continue;
    // Open files share no inode, so a file that is met twice is detected by it.
    const { dev, ino } = await file.stat();
    if (seen.has(`${dev}.${ino}`)) await file.close();
    else files.unshift(file);
    seen.add(`${dev}.${ino}`);
  }
  return files;
}

/** Bytes of a file's beginning, and before a place in it, by which both are identified. */
const HEAD = 128;
const BEFORE = 64;

/** A place in a log that is found again after the file was rotated. */
export interface LogPlace {
  offset: number;
  /** Hash of the file's first bytes up to `offset`, and of those before it. */
  print: string;
}

export async function placeIn(file: FileHandle, offset: number): Promise<LogPlace> {
  const head = await bytesOf(file, 0, Math.min(HEAD, offset));
  const from = Math.max(0, offset - BEFORE);
  return { offset, print: printOf(head, await bytesOf(file, from, offset - from)) };
}

function printOf(head: Uint8Array, before: Uint8Array): string {
  return createHash('sha1').update(head).update(before).digest('base64url').slice(0, 16);
}

/** Resolves the hash that identifies a file that is no longer written. */
export async function headOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  return (await placeIn(file, Math.min(HEAD, size))).print;
}

/** Resolves the index of the file that holds the place, or -1. */
export async function findPlace(files: readonly FileHandle[], place: LogPlace): Promise<number> {
  for (const [index, file] of files.entries())
    if ((await placeIn(file, place.offset)).print === place.print) return index;
  return -1;
}

/** Reads `length` bytes at `offset`; fewer at the file's end. */
export async function bytesOf(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** Deletes rotated files of the log at `path` beyond the `kept` youngest. */
async function pruneKept(path: string, kept: number): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)) && Number(name.slice(prefix.length)) > kept)
      await unlink(join(dirname(path), name)).catch(() => undefined);
}

/** Deletes rotated files, the oldest first, until all console logs in `dir` together have at most `total` bytes. */
async function pruneLogs(dir: string, total: number): Promise<void> {
  const names = (await readdir(dir)).filter((name) => PUT_ASIDE.test(name) || PRESENT.test(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const about = await stat(join(dir, name)).catch(() => null);
      return { name, size: about?.size ?? 0, at: about?.mtimeMs ?? 0 };
    }),
  );
  let sum = files.reduce((bytes, { size }) => bytes + size, 0);
  for (const { name, size } of files.filter((file) => PUT_ASIDE.test(file.name)).sort((a, b) => a.at - b.at)) {
    if (sum <= total) return;
    await unlink(join(dir, name)).catch(() => undefined);
    sum -= size;
  }
}

export interface LogLimits {
  /** Bytes of a file before it is rotated. */
  size: number;
  /** Milliseconds after which a file is rotated, however small. */
  age: number;
  /** Number of older files kept beside the current one: `NAME.log.1` is the youngest. */
  kept: number;
  /** Bytes of all console logs together; the oldest rotated file goes first. */
  total: number;
  /** Bytes that must stay free on the disk; below, nothing is logged. */
  free: number;
}

const MB = 1024 * 1024;
/** A flooding node prints 11 KB/s: 8 MB hold at least twelve minutes. */
export const LOG_LIMITS: LogLimits = { size: 8 * MB, age: 7 * 86_400_000, kept: 4, total: 1024 * MB, free: 100 * MB };

/** Bytes waiting for a disk that does not take them; more are dropped and counted, so memory stays bounded. */
const PENDING_LIMIT = 4 * MB;
/**
 * Time for which bytes are collected before they are written, ms: each write is eight jobs of other threads, which
 * would run while the next key is on its way.
 */
const COLLECT_MS = 50;
/** Bytes that are written without waiting for more. */
const COLLECT_LIMIT = 64 * 1024;
/** Bytes between two checks of the disk's free space. */
const LOOK_EVERY = MB;

export interface LogFileOptions {
  path: string;
  limits: LogLimits;
  now: () => number;
  /** Resolves the beginning of the next file, made from the rotated one. */
  carry?: (former: string) => Promise<Buffer>;
  /** Resolves the start of the current file, epoch ms, from its own lines; null: not known. */
  begun: () => Promise<number | null>;
  /** Makes the mark at a place where bytes were lost; default: none. */
  mark?: (text: string) => Buffer;
  /** Called once for each period of failures, with a message. */
  warn: (text: string) => void;
}

/** Place of bytes in the file: from `from` up to the place. */
export interface Written extends LogPlace {
  from: number;
}

interface Chunk {
  bytes: Uint8Array;
  written: ((where: Written) => void) | undefined;
}

export class LogFile {
  readonly #options: LogFileOptions;
  #file: FileHandle | null = null;
  #size = 0;
  /** Bytes carried over from the file before. */
  #carried = 0;
  #begun: number | null = null;
  #unlooked = Infinity;
  #pending: Chunk[] = [];
  #pendingBytes = 0;
  /** Bytes not written since the last report of a loss. */
  #lost = 0;
  #warned = false;
  #draining: Promise<void> | null = null;
  /** Begins to write what was collected; null: nothing is, or it is being written. */
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /**
   * Queues `bytes`, which must not change afterwards. `written` is called in the order of the calls, when they are in
   * the file; never where they are lost.
   */
  append(bytes: Uint8Array, written?: (where: Written) => void): void {
    if (this.#closed || this.#pendingBytes + bytes.length > PENDING_LIMIT) {
      this.#lost += bytes.length;
      return;
    }
    this.#pending.push({ bytes, written });
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > COLLECT_LIMIT) this.#begin();
    else if (this.#draining === null) this.#timer ??= setTimeout(() => this.#begin(), COLLECT_MS).unref();
  }

  /** Resolves when the bytes that are queued now are handed to the disk, or lost. */
  async flush(): Promise<void> {
    if (this.#pending.length > 0) this.#begin();
    await this.#draining;
  }

  /** Resolves when all queued bytes are handed to the disk and the file is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#begin();
    await this.#draining;
    await this.#shut();
  }

  #begin(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const chunks = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      const lost = this.#lost;
      if (lost > 0 && this.#options.mark)
        chunks.unshift({
          bytes: this.#options.mark(`${count(lost, 'byte')} of this log ${lost === 1 ? 'was' : 'were'} lost here`),
          written: undefined,
        });
      const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes));
      try {
        const file = bytes.length === 0 ? null : await this.#write(bytes);
        await report(chunks, file, this.#size - bytes.length);
        this.#lost -= lost;
        this.#warned = false;
      } catch (error) {
        if (!this.#warned)
          this.#options.warn(`console log ${this.#options.path} cannot be written: ${messageOf(error)}`);
        this.#warned = true;
        this.#lost += bytes.length;
        await this.#shut();
      }
    }
    // Here and not in a later callback: bytes that are queued from now on need a new drain.
    this.#draining = null;
  }

  async #write(bytes: Buffer): Promise<FileHandle> {
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
    return file;
  }

  /** Resolves the file under this name, reopened where another program moved, deleted or emptied it. */
  async #present(): Promise<FileHandle> {
    const { path, mark, warn } = this.#options;
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
      warn(`console log ${path}: ${text}`);
      this.#carried = 0;
      this.#begun = this.#options.now();
      if (mark) await this.#file.appendFile(mark(text));
    }
    return this.#file;
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // For the owner only: console output can hold secrets. A link planted in the directory is not followed.
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
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

/** Calls `written` of the chunks, which begin at `from`; null: none of them has bytes. */
async function report(chunks: readonly Chunk[], file: FileHandle | null, from: number): Promise<void> {
  if (!chunks.some(({ written }) => written)) return;
  const length = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const start = Math.max(0, from - BEFORE);
  const head = file && (await bytesOf(file, 0, HEAD));
  const before = file && (await bytesOf(file, start, from + length - start));
  let begin = from;
  for (const { bytes, written } of chunks) {
    const offset = begin + bytes.length;
    const print =
      head && before
        ? printOf(head.subarray(0, offset), before.subarray(Math.max(0, offset - BEFORE - start), offset - start))
        : '';
    written?.({ offset, print, from: begin });
    begin = offset;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
