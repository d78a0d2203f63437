/**
 * Returns memory after an emulator was disposed. Its lines are small typed arrays outside of the engine's heap: the
 * engine lets 64 MB of them pile up before it collects, and by then they are so scattered that the system never gets
 * that memory back. Measured with 24 nodes of 2 000 lines: `npm run bench -- memory`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of arrays from which on memory is collected, about two full emulators: it stops the program for some 20 ms. */
const WORTH_IT = 4 * 1024 * 1024;
/**
 * Delay before collecting, ms: an emulator is disposed when the console of another node is opened, and that goes
 * first.
 */
const SOON_MS = 250;

let collect: (() => void) | null = null;
let soon: NodeJS.Timeout | null = null;

/** Schedules a collection; to be called when an emulator was disposed. */
export function collectGarbage(): void {
  soon ??= setTimeout(() => {
    soon = null;
    if (process.memoryUsage().arrayBuffers >= WORTH_IT) (collect ??= exposed())();
  }, SOON_MS).unref();
}

function exposed(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
