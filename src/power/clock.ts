/** Waiting in the time that the ports bring: virtual in tests, real in the server. */
import type { OperationPorts } from './ports.ts';

export type Clock = Pick<OperationPorts, 'now' | 'every'>;

/** A tick so late comes from a process, or a machine, that stood still, ms. */
const STALLED_MS = 1_000;

/** Calls `tick` every `ms`; before one that comes late because nothing ran, `stalled` with how long that was. Returns how to stop. */
export function everyTick(
  clock: Clock,
  ms: number,
  { tick, stalled }: { tick: (at: number) => void; stalled: (at: number, ms: number) => void },
): () => void {
  let last = clock.now();
  return clock.every(ms, () => {
    const at = clock.now();
    const late = at - last - ms;
    last = at;
    if (late >= STALLED_MS) stalled(at, late);
    tick(at);
  });
}

/** Resolves after `ms`, or at once when `signal` aborts; true when the time passed. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(false);
  if (ms <= 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      stop();
      signal?.removeEventListener('abort', aborted);
      resolve(passed);
    };
    const aborted = (): void => end(false);
    const stop = clock.every(ms, () => end(true));
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Settles as `work` does. @throws after `ms` that it said nothing for so long; what becomes of it then is not waited for */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = pause(clock, ms, over.signal).then((passed) => {
    if (passed) throw new Error(`no answer within ${ms / 1000} s`);
    return work;
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    for (const one of [work, late]) one.catch(() => undefined);
  }
}
