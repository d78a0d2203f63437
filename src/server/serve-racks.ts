/** `rackui serve` for several racks: one process, a server each, which share nothing but the way out. */
import { isAtTerminal } from './departure.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../api/power.ts';
import { CannotServe, PortTaken } from './failure.ts';
import { serve, type ServeOptions } from './serve.ts';

/** How often the port of a rack that another server has is tried again, ms. */
const TAKEN_RETRY_MS = 5_000;

/**
 * Serves those that can be served, and says of the others why not; resolves with the worst exit code when the last one
 * has ended. A rack that another server has is tried again until the process ends.
 * @throws {CannotServe} where none can be served; of one rack what {@link serve} throws.
 */
export async function serveRacks(racks: readonly ServeOptions[]): Promise<number> {
  const [only, ...others] = racks;
  if (only !== undefined && others.length === 0) return serve(only);
  const group = new Group(racks.some(({ exitWithStdin }) => exitWithStdin));
  const codes = await Promise.all(racks.map((options) => group.serve(options)));
  if (group.over) return Math.max(EXIT.done, ...codes.map((code) => code ?? EXIT.done));
  if (codes.every((code) => code === null)) throw new CannotServe('none of the racks can be served');
  return Math.max(EXIT.done, ...codes.filter((code) => code !== null));
}

class Group {
  readonly #over = new AbortController();
  #serving = 0;

  constructor(exitWithStdin: boolean) {
    const end = (): void => this.#over.abort();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
    process.on('SIGHUP', () => {
      if (isAtTerminal()) end();
    });
    if (exitWithStdin) process.stdin.once('end', end).once('close', end).resume();
  }

  /** The process was asked to end, or its last server has ended. */
  get over(): boolean {
    return this.#over.signal.aborted;
  }

  /** The exit code of the rack's server, or null: it was never served. */
  async serve(options: ServeOptions): Promise<number | null> {
    for (let said = ''; ;) {
      try {
        return await this.#once(options);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const again = error instanceof PortTaken && !options.autostarted;
        if (why !== said)
          process.stderr.write(
            `rackui: rack ${options.loaded.config.name} is not served${again ? ' yet' : ''}: ${why}\n`,
          );
        said = why;
        if (!again) return null;
      }
      await delay(TAKEN_RETRY_MS, null, { signal: this.#over.signal }).catch(() => undefined);
      if (this.over) return null;
    }
  }

  /** When the last rack that was served has ended, the process has been asked to end. */
  async #once(options: ServeOptions): Promise<number> {
    this.#serving++;
    try {
      const code = await serve(options);
      if (this.#serving === 1) this.#over.abort();
      return code;
    } finally {
      this.#serving--;
    }
  }
}
