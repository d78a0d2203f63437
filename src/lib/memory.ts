/**
 * Saves memory where there are emulators, and returns it after one was disposed. Its lines are small typed arrays outside
 * of the engine's heap: the engine lets 64 MB of them pile up before it collects, and by then they are so scattered that
 * the system never gets that memory back. Measured with 24 nodes of 2 000 lines: `npm run bench -- memory`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of the arrays of a full emulator. */
export const EMULATOR_BYTES = 2 * 1024 * 1024;
/**
 * Delay before collecting, ms: an emulator is disposed when the console of another node is opened, and that goes
 * first.
 */
const SOON_MS = 250;

/**
 * Age of a program from which the growth of its heap may be limited, s: on a slow machine, too, its code has been kept for the next
 * start by then, which is not done with other settings of the engine (launch.ts).
 */
const KEPT_BY_S = 6;

let collect: (() => void) | null = null;

/**
 * Lets the engine's heap grow by 30 % between two collections, not fourfold, once the start is over: to be called when
 * the first emulator is made. With 23 consoles filled that is 3 to 4 MB; at rest it would cost an eighth more time.
 */
export function limitHeapGrowth(): void {
  const waitMs = Math.max(0, (KEPT_BY_S - process.uptime()) * 1000);
  setTimeout(() => setFlagsFromString('--optimize-for-size'), waitMs).unref();
}

/**
 * Makes a function to be called when an emulator was disposed, which schedules a collection: it stops the program for some
 * 20 ms. `worthIt`: bytes of arrays from which on memory is collected, and again where half of that was added to what the
 * last collection left.
 */
export function collector(worthIt: number): () => void {
  let soon: NodeJS.Timeout | null = null;
  /** Bytes of arrays that the last collection left, or fewer where some were freed since: they are in use. */
  let left = 0;
  return () => {
    soon ??= setTimeout(() => {
      soon = null;
      left = Math.min(left, arrays());
      if (arrays() < Math.max(worthIt, left + worthIt / 2)) return;
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
