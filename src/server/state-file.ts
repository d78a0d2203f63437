/** One JSON file in the state directory: what the server learned and the next one should know. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { z } from 'zod';

/** A file that cannot be read or written is no reason not to serve: `trouble` is told, once for each spell. */
export class StateFile<T> {
  readonly path: string;
  readonly #shape: z.ZodType<T>;
  readonly #trouble: (text: string) => void;
  #told = false;

  constructor(stateDir: string, name: string, shape: z.ZodType<T>, trouble: (text: string) => void) {
    this.path = join(stateDir, name);
    this.#shape = shape;
    this.#trouble = trouble;
  }

  /** What was written last, or null where there is nothing usable. */
  read(): T | null {
    try {
      return this.#shape.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        this.#tell(`${this.path} cannot be read; what it knew is learned anew`);
      return null;
    }
  }

  /** Replaces it: a reader sees the old text or the new one, never a part. */
  write(value: T): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // A file of its own, for its owner only: a link planted at the name is removed, not followed.
      rmSync(`${this.path}.new`, { force: true });
      writeFileSync(`${this.path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(`${this.path}.new`, this.path);
      this.#told = false;
    } catch (error) {
      this.#tell(`${this.path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #tell(text: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#trouble(text);
  }
}
