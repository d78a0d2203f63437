/** `rackui serve` for several racks: one process, a server each, which share nothing but the way out. */
import { EXIT } from '../api/power.ts';
import { CannotServe } from './failure.ts';
import { serve, type ServeOptions } from './serve.ts';

/**
 * Serves those that can be served, and says of the others why not; resolves with the worst exit code when the last one
 * has ended.
 * @throws {CannotServe} where none can be served; of one rack what {@link serve} throws.
 */
export async function serveRacks(racks: readonly ServeOptions[]): Promise<number> {
  const [only, ...others] = racks;
  if (only !== undefined && others.length === 0) return serve(only);
  const codes = await Promise.all(racks.map(served));
  if (codes.every((code) => code === null)) throw new CannotServe('none of the racks can be served');
  return Math.max(EXIT.done, ...codes.filter((code) => code !== null));
}

async function served(options: ServeOptions): Promise<number | null> {
  try {
    return await serve(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`rackui: rack ${options.loaded.config.name} is not served: ${why}\n`);
    return null;
  }
}
