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

/**
 * Delay of settings, ms: the engine refuses code that was compiled under others, that of Node's own modules (a start loads
 * them in 22 ms then, instead of 9) and that which `launch.ts` keeps a moment earlier.
 */
const SETTLED_MS = 2_000;

/**
 * Keeps the young generation small, for programs that run long and allocate little: one of 16 MB would only be kept
 * (a server of 111 MB became one of 87, an interface of 116 one of 89). A megabyte is collected by the program's own
 * thread in 0.5 ms; with helpers the program waits until the busy machine has run each of them, 15 to 50 ms. To be called
 * at the start.
 */
export function keepYoungSmall(): void {
  setTimeout(() => {
    setFlagsFromString('--semi-space-growth-factor=1');
    setFlagsFromString('--no-parallel-scavenge');
  }, SETTLED_MS).unref();
}

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
