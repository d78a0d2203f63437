/** A sweep against the wire time of its bytes, and how it grows with the rack. */
import { createBus } from '../../src/bmc/index.ts';
import { PRIORITY } from '../../src/bmc/types.ts';
import { startRack } from '../support/rack.ts';
import { figure, median, until, type Figure } from './measure.ts';

/** 8N1: ten bits a byte. */
const BYTE_MS = 10_000 / 115_200;

async function sweepOf(nodes: number, rounds: number): Promise<{ ms: number; wireMs: number; failed: number }> {
  await using rack = await startRack({ args: ['--nodes', String(nodes)] });
  const bus = createBus({ port: rack.link });
  bus.start();
  await until('the bus', () => bus.health.phase === 'ready');
  const times: number[] = [];
  let failed = 0;
  const sweep = async (): Promise<void> => {
    const addrs = Array.from({ length: nodes }, (_, addr) => addr);
    await bus.poll(
      PRIORITY.sweep,
      addrs,
      () => true,
      (outcomes) => (failed += outcomes.filter(({ outcome }) => !outcome.ok).length),
    );
  };
  await sweep();
  await rack.ctl('reset-counters');
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await sweep();
    times.push(performance.now() - began);
  }
  const { bytesIn, bytesOut } = (await rack.counters()).bus;
  await bus.close();
  return { ms: median(times), wireMs: ((bytesIn + bytesOut) / rounds) * BYTE_MS, failed };
}

export async function sweeps(): Promise<Figure[]> {
  const of24 = await sweepOf(24, 20);
  const of96 = await sweepOf(96, 8);
  return [
    figure('sweep of 24 nodes', of24.ms / of24.wireMs, '× wire time of its bytes', 1.08, of24),
    figure('sweep of 96 nodes', of96.ms / of24.ms / 4, '× four sweeps of 24 nodes', 1.1, of96),
  ];
}
