/**
 * Files in the state directory: one JSON value that the server learned and the next one reads, and a file of lines
 * with a size limit (the event log and the server's own log).
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { escapeHiddenInJson } from './control-chars.ts';
import { messageOf } from './errors.ts';

/**
 * A file that cannot be read or written does not stop the server: `warn` is called once for each period of
 * failures.
 */
export class StateFile<T> {
  readonly path: string;
  readonly #shape: z.ZodType<T>;
  readonly #warn: (text: string) => void;
  #warned = false;

  constructor(stateDir: string, name: string, shape: z.ZodType<T>, warn: (text: string) => void) {
    this.path = join(stateDir, name);
    this.#shape = shape;
    this.#warn = warn;
  }

  /** Returns the value written last, or null where there is none that is valid. */
  read(): T | null {
    try {
      return this.#shape.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        this.#report(`${this.path} cannot be read; its content is learned again`);
      return null;
    }
  }

  /** Replaces the file: a reader sees the old text or the new one, never a part. */
  write(value: T): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // A new file, for its owner only: a link planted at the name is removed, not followed.
      rmSync(`${this.path}.new`, { force: true });
      writeFileSync(`${this.path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(`${this.path}.new`, this.path);
      this.#warned = false;
    } catch (error) {
      this.#report(`${this.path} cannot be written: ${messageOf(error)}`);
    }
  }

  #report(text: string): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#warn(text);
  }
}

/** Bytes before the file is rotated to `.1`, replacing the one before: at most twice this on the disk. */
const ROTATE_AT = 4 * 1024 * 1024;

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Written synchronously: lines are few and short, and the last one before a crash matters most. A full disk never
 * stops the server: the line is lost, and `problem` holds the reason until one is written again.
 */
export class LineFile {
  readonly path: string;
  readonly #rotateAt: number;
  #fd: number | null = null;
  #size = 0;
  /** The reason why the last line was not written, or null. */
  problem: string | null = null;

  constructor(path: string, rotateAt = ROTATE_AT) {
    this.path = path;
    this.#rotateAt = rotateAt;
  }

  /** Appends a line of JSON that includes its newline. */
  write(line: string): void {
    try {
      this.#fd ??= this.#open();
      if (this.#size >= this.#rotateAt) this.#rotate();
      this.#size += writeSync(this.#fd, escapeHiddenInJson(line));
      this.problem = null;
    } catch (error) {
      this.problem = messageOf(error);
      this.close();
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    // Owner only; a link planted in the directory is not followed.
    const fd = openSync(this.path, FLAGS, 0o600);
    this.#size = fstatSync(fd).size;
    return fd;
  }

  #rotate(): void {
    this.close();
    renameSync(this.path, `${this.path}.1`);
    this.#fd = this.#open();
  }
}
