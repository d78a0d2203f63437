/** A verb that was held up on its way, and one that is withdrawn by what came meanwhile. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { verifiedVerb, type PowerCommand } from '../../src/bmc/power-command.ts';
import type { Sample } from '../../src/rack/reading.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const on: Sample = { power: 'on', current: 30, fan: 120, at: 0, rttMs: 3 };
const off: Sample = { ...on, power: 'off' };

/** A BMC whose proofs take so long each. */
function steps(proofMs: number[], catchUp: () => void = () => undefined): PowerCommand & { sent: number } {
  const one = {
    sent: 0,
    isMaster: () => false,
    status: () => Promise.resolve({ ok: true as const, sample: one.sent > 0 ? off : on, master: false }),
    exchange: (mayStill: () => boolean) => {
      vi.advanceTimersByTime(proofMs.shift() ?? 0);
      if (!mayStill())
        return Promise.resolve({
          sent: false as const,
          reply: { ok: true as const, sample: on, id: 3, master: false, lagMs: 3, missed: 0 },
        });
      one.sent++;
      const after = { ok: true as const, sample: off, id: 3, master: false, lagMs: 3, missed: 0 };
      return Promise.resolve({ sent: true as const, proof: on, after });
    },
    catchUp,
  };
  return one;
}

test.each([2_100, 60_000])('held up for %d ms after the node was last heard, nothing is sent', async (ms) => {
  const bus = steps([ms]);
  const outcome = await verifiedVerb(3, 'off', bus, { listened: true });
  expect(outcome).toMatchObject({ ok: false, sent: false, reason: 'held-up' });
  expect(bus.sent).toBe(0);
});

test('where nothing that the node said matters, the proof is asked again and the verb goes', async () => {
  const bus = steps([45_000, 5]);
  expect(await verifiedVerb(3, 'off', bus)).toMatchObject({ ok: true, tries: 1 });
  expect(bus.sent).toBe(1);
});

test('what had come and was not read yet withdraws it', async () => {
  const abort = new AbortController();
  const bus = steps([3], () => abort.abort());
  const outcome = await verifiedVerb(3, 'off', bus, { signal: abort.signal, listened: true });
  expect(outcome).toMatchObject({ ok: false, sent: false, reason: 'aborted' });
  expect(bus.sent).toBe(0);
});
