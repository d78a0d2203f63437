/**
 * A node's console on disk: every byte as it came, and marks (attached, detached, gaps, notes) as lines of their own.
 * What a node prints is its own claim: it can imitate a mark. The audit log, not this file, says what was done.
 */
import { constants } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of a file before it is put aside. A flooding node brings 11 KB/s, so 8 MB hold at least twelve minutes. */
const ROTATE_AT = 8 * 1024 * 1024;
/** Older files kept beside the present one: `NAME.log.1` (youngest) to `NAME.log.4`. */
const KEPT = 4;
/** Bytes waiting for a disk that does not take them; more are given up and counted, so memory stays bounded. */
const PENDING_LIMIT = 4 * 1024 * 1024;

export interface TranscriptOptions {
  /** Directory of the transcripts; made (0700) when missing. */
  dir: string;
  /** Node's name; becomes the file's, with anything unusual replaced. */
  name: string;
  /** Bytes before rotation. */
  rotateAt?: number;
  /** Told once for each spell of trouble, in words; the text names the file. */
  onTrouble?: (text: string) => void;
}

/** Appends in the background, in order. Never throws and never blocks a console: trouble is told and marked. */
export class Transcript {
  readonly path: string;
  readonly #dir: string;
  readonly #rotateAt: number;
  readonly #onTrouble: (text: string) => void;
  #file: FileHandle | null = null;
  #size = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes that came and were not written, since the last mark about it. */
  #lost = 0;
  #atLineStart = true;
  #draining: Promise<void> | null = null;
  #closed = false;

  constructor({ dir, name, rotateAt = ROTATE_AT, onTrouble = () => undefined }: TranscriptOptions) {
    this.#dir = dir;
    this.path = join(dir, `${fileName(name)}.log`);
    this.#rotateAt = rotateAt;
    this.#onTrouble = onTrouble;
  }

  /** Bytes from the node. */
  data(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#push(Buffer.from(bytes));
    this.#atLineStart = bytes[bytes.length - 1] === 0x0a;
  }

  /** A line of our own: what happened at `at` (epoch milliseconds). Control characters in `text` are shown as `?`. */
  mark(text: string, at: number): void {
    this.#push(Buffer.from(`${this.#atLineStart ? '' : '\r\n'}${markLine(text, at)}`));
    this.#atLineStart = true;
  }

  /** Resolves when all that was given is on its way to the disk and the file is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
  }

  #push(chunk: Buffer): void {
    if (this.#closed || this.#pendingBytes + chunk.length > PENDING_LIMIT) {
      this.#lost += chunk.length;
      return;
    }
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const chunks = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      if (this.#lost > 0) chunks.unshift(Buffer.from(markLine(`${this.#lost} bytes were lost here`, Date.now())));
      const bytes = Buffer.concat(chunks);
      try {
        await this.#append(bytes);
        this.#lost = 0;
      } catch (error) {
        if (this.#lost === 0) this.#onTrouble(`console log ${this.path} cannot be written: ${reason(error)}`);
        this.#lost += bytes.length;
        await this.#file?.close().catch(() => undefined);
        this.#file = null;
      }
    }
    // Here and not in a later callback: what is pushed from now on needs a new drain.
    this.#draining = null;
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#file ??= await this.#open();
    if (this.#size >= this.#rotateAt) {
      await this.#rotate();
      this.#file = await this.#open();
    }
    await this.#file.appendFile(bytes);
    this.#size += bytes.length;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    // What a console shows can hold secrets: owner only. A link planted in the directory is not followed.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(this.path, flags, 0o600);
    this.#size = (await file.stat()).size;
    // A former run may have ended in the middle of a line.
    if (this.#size > 0) await file.appendFile('\r\n');
    return file;
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    for (let n = KEPT - 1; n >= 0; n--) {
      const from = n === 0 ? this.path : `${this.path}.${n}`;
      await rename(from, `${this.path}.${n + 1}`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    }
  }
}

function markLine(text: string, at: number): string {
  return `[rackui ${new Date(at).toISOString()}] ${text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')}\r\n`;
}

/** A name that is one file name on any file system, never hidden, never a path. */
function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '_');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
