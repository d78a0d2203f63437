/** When an outage predicts the length of its last plan: this takes time, and on mains nothing is decided by it. */
import { expect, test, vi } from 'vitest';
import type { UpsReading } from '../../../src/api/outage.ts';
import { Outage } from '../../../src/power/outage/outage.ts';
import type { OutagePolicy, OutagePorts } from '../../../src/power/outage/record.ts';
import { readingFrom } from '../../../src/power/outage/supply.ts';

const POLICY: OutagePolicy = {
  ...{ index: 0, ups: ['apc'], needs: 1, nodes: null, nodesText: 'all nodes', assumedS: null, restorePlan: null },
  ...{ steps: [], last: 'shed-all', marginS: 60, restore: { afterS: 120, charge: 50 } },
};
const ups = (status: string, runtimeS: number): UpsReading =>
  readingFrom(
    'apc',
    new Map([
      ['ups.status', status],
      ['battery.runtime', String(runtimeS)],
    ]),
  );

/** An outage whose plans do not begin: it only decides. */
function outageOf(reading: () => UpsReading, predictedMs: () => number, begun: string[]): Outage {
  const run = vi.fn(() => null);
  const start = ({ name }: { name: string }): Promise<never> => {
    begun.push(name);
    return Promise.reject(new Error('not in this test'));
  };
  return new Outage(POLICY, {
    ...{ now: () => 0, wallTime: () => 0, keepTime: () => ({ boot: 'b', up: 0, wall: 0 }), recallTime: () => null },
    ...{ every: () => () => undefined, event: () => undefined, changed: () => undefined },
    ...{ inventory: () => ({ nodes: [] }), plans: { 'shed-all': { steps: [] } } },
    ...{ ups: reading, journal: { write: () => Promise.resolve() } },
    runs: { predictedMs, run, start },
  } as unknown as OutagePorts);
}

test('on mains no length is predicted; on battery the last plan begins by the present one', async () => {
  let reading = ups('OL', 1000);
  let lengthMs = 100_000;
  const predictedMs = vi.fn(() => lengthMs);
  const begun: string[] = [];
  const outage = outageOf(() => reading, predictedMs, begun);
  await outage.tick();
  expect(predictedMs).not.toHaveBeenCalled();

  reading = ups('OB', 1000);
  await outage.tick();
  expect(predictedMs).toHaveBeenCalled();
  expect(begun).toEqual([]);
  lengthMs = 900_000;
  await outage.tick();
  expect(begun).toEqual([]);
  lengthMs = 940_000;
  await outage.tick();
  expect(begun).toEqual(['shed-all']);

  predictedMs.mockClear();
  await outage.tick();
  expect(predictedMs).not.toHaveBeenCalled();
});
