/**
 * Gives memory back after an emulator was put away. Its lines are small typed arrays outside of the engine's heap: the
 * engine lets 64 MB of them pile up before it looks, and by then they are scattered so that the system never sees that
 * memory again. Measured with 24 nodes of 2 000 lines: `npm run bench -- memory`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collecting stops the program for some 20 ms: only when so many bytes of arrays stand, about two full emulators. */
const WORTH_IT = 4 * 1024 * 1024;
/** An emulator is put away when the console of another node is opened: that comes first, ms. */
const SOON_MS = 250;

/**
 * For programs that run long and make little garbage: a young generation of 16 MB would only be kept (a server of 111 MB
 * became one of 87, an interface of 116 one of 89).
 */
export function keepYoungSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

let collect: (() => void) | null = null;
let soon: NodeJS.Timeout | null = null;

/** To be called when an emulator was put away. */
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
