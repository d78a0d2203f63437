/** Appends JSON lines that survive a power loss: a write is complete after its fsync. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lines of one turn of the event loop, and those that wait for the running write: written together, with one fsync. */
interface Batch {
  /** Of each key only the newest. */
  lines: Map<string | symbol, string>;
  done: Promise<void>;
}

/**
 * Writes reach the disk in the order of the calls; a failed one is reported to its caller, and the next one tries
 * again. However slow the disk is, a line waits for two fsyncs at most: the running one and its own.
 */
export class LineStore {
  readonly path: string;
  #file: FileHandle | null = null;
  #size = 0;
  /** The last line may be torn: the next one begins with a line end. */
  #torn = false;
  #last: Promise<void> = Promise.resolve();
  #waiting: Batch | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes in the file, as written or found by this program. */
  get size(): number {
    return this.#size;
  }

  /**
   * Resolves when `value`, or a newer one of the same `key`, is on the disk as one JSON line. Without a key every
   * line is kept. @throws errors of the disk
   */
  append(value: unknown, key?: string): Promise<void> {
    const batch = (this.#waiting ??= this.#begin());
    // Serialized here: the caller may change the value while others are written.
    batch.lines.set(key ?? Symbol('line'), `${JSON.stringify(value)}\n`);
    return batch.done;
  }

  /** Deletes all lines. @throws errors of the disk */
  clear(): Promise<void> {
    this.#waiting = null;
    return this.#inOrder(async () => {
      const file = (this.#file ??= await this.#open());
      await file.truncate(0);
      await file.datasync();
      this.#size = 0;
      this.#torn = false;
    });
  }

  /** Resolves when all earlier calls are done and the file is closed. */
  close(): Promise<void> {
    this.#waiting = null;
    return this.#inOrder(() => this.#drop());
  }

  #begin(): Batch {
    const batch: Batch = { lines: new Map(), done: Promise.resolve() };
    batch.done = this.#inOrder(async () => {
      // An operation's first states follow each other at once, and a cut waits for the last.
      await nextTurn();
      if (this.#waiting === batch) this.#waiting = null;
      return this.#append([...batch.lines.values()].join(''));
    });
    return batch;
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #append(lines: string): Promise<void> {
    try {
      const file = (this.#file ??= await this.#open());
      const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
      this.#torn = true;
      await file.appendFile(bytes);
      await file.datasync();
      this.#torn = false;
      this.#size += bytes.length;
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    // Owner only; a link planted in the directory is not followed.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(this.path, flags, 0o600);
    this.#size = (await file.stat()).size;
    this.#torn ||= this.#size > 0;
    await syncDirectory(dirname(this.path));
    return file;
  }

  async #drop(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
  }
}

/** Flushes the directory: a new file's name is on the disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
