/** A file of lines that grows to a bound: the event log and the server's own log. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { escapeHiddenInJson } from '../lib/control-chars.ts';

/** Bytes before the file is put aside as `.1`, replacing the one before: at most twice this on the disk. */
const ROTATE_AT = 4 * 1024 * 1024;

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Written synchronously: lines are few and short, and the last one before a crash matters most. A disk that takes no
 * more never stops the server: the line is lost, and `trouble` says so until one is written again.
 */
export class LineFile {
  readonly path: string;
  readonly #rotateAt: number;
  #fd: number | null = null;
  #size = 0;
  /** Why the last line was not written, or null. */
  trouble: string | null = null;

  constructor(path: string, rotateAt = ROTATE_AT) {
    this.path = path;
    this.#rotateAt = rotateAt;
  }

  /** Appends a line of JSON, which brings its newline. */
  write(line: string): void {
    try {
      this.#fd ??= this.#open();
      if (this.#size >= this.#rotateAt) this.#rotate();
      this.#size += writeSync(this.#fd, escapeHiddenInJson(line));
      this.trouble = null;
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
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
