/** Waiting in the time that the ports bring: virtual in tests, real in the server. */
import type { OperationPorts } from './ports.ts';

export type Clock = Pick<OperationPorts, 'now' | 'every'>;

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
