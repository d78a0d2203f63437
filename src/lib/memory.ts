/**
 * Returns memory after an emulator was disposed. Its lines are small typed arrays outside of the engine's heap: the
 * engine lets 64 MB of them pile up before it collects, and by then they are so scattered that the system never gets
 * that memory back. Measured with 24 nodes of 2 000 lines: `npm run bench -- memory`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of arrays from which on memory is collected, about two full emulators: it stops the program for some 20 ms. */
const WORTH_IT = 4 * 1024 * 1024;
/** Bytes of arrays beyond those that the last collection left, about one full emulator: less would be the same again. */
const MORE = WORTH_IT / 2;
/**
 * Delay before collecting, ms: an emulator is disposed when the console of another node is opened, and that goes
 * first.
 */
const SOON_MS = 250;

let collect: (() => void) | null = null;

/** Schedules a collection; to be called when an emulator was disposed. */
export const collectGarbage = collector();

/** Makes {@link collectGarbage}, which knows what its last collection left. */
export function collector(): () => void {
  let soon: NodeJS.Timeout | null = null;
  /** Bytes of arrays that the last collection left, or fewer where some were freed since: they are in use. */
  let left = 0;
  return () => {
    soon ??= setTimeout(() => {
      soon = null;
      left = Math.min(left, arrays());
      if (arrays() < Math.max(WORTH_IT, left + MORE)) return;
      exposed()();
      left = arrays();
    }, SOON_MS).unref();
  };
}

function arrays(): number {
  return process.memoryUsage().arrayBuffers;
}

function exposed(): () => void {
  if (collect === null) setFlagsFromString('--expose-gc');
  return (collect ??= runInNewContext('gc') as () => void);
}
