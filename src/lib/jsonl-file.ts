/** Appending lines so that they survive the plug being pulled: written, then fsynced, before anybody goes on. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Lines that wait while the disk works: written together, with one fsync. */
interface Batch {
  /** Of one key only the newest. */
  lines: Map<string | symbol, string>;
  done: Promise<void>;
}

/**
 * Writes go to the disk in the order of asking; one that fails is reported to who asked, and the next one tries anew. However
 * slow the disk is, a line waits for two fsyncs at most: the one under way and its own.
 */
export class LineStore {
  readonly path: string;
  #file: FileHandle | null = null;
  #size = 0;
  /** The last line may be torn: the next one begins on a line of its own. */
  #torn = false;
  #last: Promise<void> = Promise.resolve();
  #waiting: Batch | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes in the file, as far as this program wrote or found them. */
  get size(): number {
    return this.#size;
  }

  /**
   * Resolves when `value`, or a newer one of the same `key`, is on the disk as one JSON line. Without a key every line is
   * kept. @throws what the disk says
   */
  append(value: unknown, key?: string): Promise<void> {
    const batch = (this.#waiting ??= this.#begin());
    // Made here: the value is the caller's, and may change while others are written.
    batch.lines.set(key ?? Symbol('line'), `${JSON.stringify(value)}\n`);
    return batch.done;
  }

  /** Forgets all lines. @throws what the disk says */
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

  /** Resolves when everything asked for before is done and the file is closed. */
  close(): Promise<void> {
    this.#waiting = null;
    return this.#inOrder(() => this.#drop());
  }

  #begin(): Batch {
    const batch: Batch = { lines: new Map(), done: Promise.resolve() };
    batch.done = this.#inOrder(() => {
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

/** A new file's name is on the disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
