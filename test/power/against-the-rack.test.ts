/**
 * Graceful shutdowns of simulated Pis, through the real bus and the real console, in the guests' own quicker time: one of each
 * end. All styles and faults of a shutdown are in `test/scenarios`.
 */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, vi } from 'vitest';
import type { NodeProgress } from '../../src/api/power.ts';
import { createBus } from '../../src/bmc/index.ts';
import type { Bus } from '../../src/bmc/types.ts';
import { loadConfig } from '../../src/config/load.ts';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { Operations } from '../../src/power/operations.ts';
import { UNKNOWN_SYSTEM } from '../../src/rack/system-state.ts';
import { Consoles } from '../../src/server/consoles/consoles.ts';
import { startRackInProcess, type TestRack } from '../support/rack.ts';
import { OPERATOR, requestOf } from './fake-rack.ts';

const REFERENCE = new URL('../../src/config/racks/er24a.yaml', import.meta.url).pathname;

interface Bench {
  rack: TestRack;
  operations: Operations;
  node: () => NodeProgress;
  /** Starts the graceful verb on node 03 and waits until it asks or has ended. */
  until: (verb: 'off' | 'cycle') => Promise<NodeProgress>;
}

/** Ends in reverse order what a test started. Tests run side by side: they mostly wait. */
async function bench(onTestFinished: (fn: () => Promise<void>) => void): Promise<Bench> {
  const closing: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const close of closing.reverse()) await close();
  });
  const rack = await startRackInProcess({ args: ['--time-scale', '3'] });
  closing.push(() => rack.stop());
  const dir = mkdtempSync(join(tmpdir(), 'rackui-power-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  const bus: Bus = createBus({ port: rack.port });
  closing.push(() => bus.close());
  const { inventory } = loadConfig(REFERENCE);
  const consoles = new Consoles({
    bus,
    unlock: 'UnLock',
    baud: () => 115200,
    limits: LOG_LIMITS,
    scrollback: 100,
    transcriptDir: dir,
    now: Date.now,
    label: String,
    name: String,
    event: () => undefined,
    hostSeen: () => undefined,
    systems: { onOutput: () => undefined, tick: () => undefined, torn: () => undefined },
    lineSeen: () => undefined,
    tally: () => undefined,
    changed: () => undefined,
  });
  closing.push(() => consoles.close('the test is over'));
  const ready = new Promise<void>((resolve) =>
    bus.onHealth(({ phase }) => {
      if (phase === 'ready') resolve();
    }),
  );
  bus.start();
  await ready;
  const waiting = new Set<() => void>();
  const operations = new Operations({
    now: Date.now,
    every: (ms, fn) => {
      const timer = setInterval(fn, ms);
      return () => clearInterval(timer);
    },
    inventory: () => inventory,
    reading: () => ({ state: 'unasked' }),
    bus,
    console: consoles,
    hostSeen: () => null,
    credentials: () => Promise.resolve({ user: 'pi', password: 'raspberry' }),
    publish: () => {
      for (const look of waiting) look();
    },
    event: () => undefined,
    audit: () => Promise.resolve(),
    journal: { write: () => Promise.resolve(), unfinished: () => [] },
    // Guests live three times as fast: their login waits for 20 seconds, and what no test waits for has room for a busy machine.
    limits: {
      request: 60,
      acknowledged: 30,
      stopping: 30,
      hard: 60,
      settle: 2,
      cyclePause: 2,
      cutOn: 'A',
      networkGone: 10,
      steady: 2,
    },
    boot: { proof: 'status', limit: 60 },
    network: null,
    hooks: () => [],
    haltBands: { get: () => null, observed: () => undefined },
    durations: { usual: () => null, latest: () => [], recordDuration: () => undefined },
    systems: { get: () => UNKNOWN_SYSTEM, sign: () => undefined, unwatched: () => undefined },
  });
  const node = (): NodeProgress => {
    const progress = operations.list().at(-1)?.nodes[0];
    if (!progress) throw new Error('there is no operation');
    return progress;
  };
  return {
    rack,
    operations,
    node,
    async until(verb) {
      await operations.start(requestOf({ verb, confirm: 'k8s-worker-04' }), OPERATOR, 1);
      return new Promise((resolve) => {
        const look = (): void => {
          const { outcome, question } = node();
          if (outcome === null && question === null) return;
          waiting.delete(look);
          resolve(node());
        };
        waiting.add(look);
        look();
      });
    },
  };
}

test.concurrent('a node that goes down is seen to halt by its last line, and cut', async ({
  expect,
  onTestFinished,
}) => {
  const { rack, until } = await bench(onTestFinished);
  const { outcome, detail, evidence, question } = await until('off');
  expect([outcome, question?.text, detail]).toEqual(['done', undefined, 'is off, confirmed by two status replies']);
  expect(evidence.map(({ kind }) => kind)).toContain('marker');
  expect((await rack.node('03')).power).toBe('off');
});

test.concurrent('a reboot instead becomes a question, and nothing is cut', async ({ expect, onTestFinished }) => {
  const { rack, until, operations, node } = await bench(onTestFinished);
  await rack.ctl('reboots-instead', { node: '03' });
  const { question } = await until('off');
  expect(question?.text).toMatch(/reboots instead/);
  const id = operations.list().at(-1)?.id ?? '';
  operations.answer(id, { addr: 3, question: question?.id ?? '', choice: 'leave', confirm: null }, OPERATOR);
  expect(node().outcome).toBe('left-on');
  expect((await rack.node('03')).power).toBe('on');
});

test.concurrent('sync and remount read-only, as the kernel itself confirms it', async ({ expect, onTestFinished }) => {
  const { rack, until, operations, node } = await bench(onTestFinished);
  await rack.ctl('inhibited', { node: '03' });
  const { question } = await until('off');
  expect(question?.choices.map(({ key }) => key)).toContain('sync');
  operations.answer(
    operations.list().at(-1)?.id ?? '',
    { addr: 3, question: question?.id ?? '', choice: 'sync', confirm: null },
    OPERATOR,
  );
  await vi.waitFor(() => expect(node().question?.text ?? '').toContain('synced and read-only'), { timeout: 30_000 });
  expect(await rack.ctl('output', { node: '03' })).toMatch(/Emergency Sync complete[^]*Emergency Remount complete/);
  expect((await rack.node('03')).power).toBe('on');
});

test.concurrent('a cycle brings it back', async ({ expect, onTestFinished }) => {
  const { rack, until } = await bench(onTestFinished);
  const { outcome, detail } = await until('cycle');
  expect([outcome, detail]).toEqual(['done', 'is on again, confirmed by two status replies']);
  expect((await rack.node('03')).power).toBe('on');
});
