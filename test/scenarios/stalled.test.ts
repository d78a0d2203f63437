/**
 * The server stopped (SIGSTOP, as a swapping or suspended machine stops it) in the middle of a shutdown or a boot, while the
 * node goes its own way: what came meanwhile is read before anything is judged, and what nobody looked at proves nothing.
 * In virtual time; one of them with a real server.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeProgress, Phase } from '../../src/api/power.ts';
import { Scene } from './scene.ts';

/** Longer than settle, acknowledgement and deadline together. */
const LONG_MS = 9_000;

const inPhase =
  (...phases: Phase[]) =>
  (node: NodeProgress): boolean =>
    phases.includes(node.phase);

let scene: Scene;
function onScene(virtual: boolean): void {
  beforeAll(async () => {
    scene = await Scene.open({ config: 'boot: { limit: 6, proof: console }\n', virtual });
  }, 60_000);
  afterAll(() => scene[Symbol.asyncDispose]());
}

async function startsAgainBehindTheLastLine(ms: number): Promise<void> {
  const addr = scene.fresh();
  const { id } = await scene.start('off', [addr]);
  await scene.until(id, addr, inPhase('settle'));
  await scene.stopped(ms, () => scene.startsAgain(addr));
  const asked = await scene.until(id, addr, (node) => node.question !== null || node.outcome !== null);
  expect(asked.question?.text).toMatch(/start|boot/);
  expect(await scene.cuts(addr)).toEqual({ off: 0, cutAlive: 0 });
  expect(await scene.node(addr)).toMatchObject({ power: 'on', guest: 'login' });
  await scene.session.request('ops.abort', { id });
}

describe('a real server', () => {
  onScene(false);
  test(`stopped right behind the last line while the node starts again, at least ${LONG_MS} ms: it is not cut`, () =>
    startsAgainBehindTheLastLine(LONG_MS));
});

describe('in virtual time', () => {
  onScene(true);
  test.each([0, 500, LONG_MS])(
    'stopped right behind the last line while the node starts again, at least %d ms: it is not cut',
    startsAgainBehindTheLastLine,
  );

  test('stopped behind the last line of a node that stays halted: it settles again, and is cut then', async () => {
    const addr = scene.fresh();
    const { id } = await scene.start('off', [addr]);
    await scene.until(id, addr, inPhase('settle'));
    await scene.stopped(LONG_MS);
    const done = await scene.until(id, addr, (node) => node.outcome !== null);
    expect(done).toMatchObject({ outcome: 'done' });
    expect(await scene.cuts(addr)).toEqual({ off: 1, cutAlive: 0 });
  });

  test('stopped beyond a deadline that cuts, while the node starts again: it is left on, and the words say why', async () => {
    const addr = scene.fresh();
    await scene.ctl(addr, ['stop-job', { seconds: 60 }]);
    const { id } = await scene.start('off', [addr], { deadlineS: 6, onDeadline: 'cut' });
    await scene.until(id, addr, inPhase('stopping'));
    await scene.stopped(LONG_MS, () => scene.startsAgain(addr));
    const done = await scene.until(id, addr, (node) => node.outcome !== null);
    expect(done).toMatchObject({ outcome: 'deadline' });
    expect(done.detail).toContain('it started again');
    expect(await scene.cuts(addr)).toEqual({ off: 0, cutAlive: 0 });
  });

  test('stopped while a node boots, beyond the limit of the watch: what it said meanwhile counts', async () => {
    const addr = scene.fresh();
    await scene.ctl(addr, ['power', { state: 'off' }]);
    await scene.session.request('sweep', { addrs: [addr], interrupt: true });
    const { id } = await scene.start('on', [addr]);
    await scene.until(id, addr, inPhase('verify'));
    await scene.stopped(LONG_MS, () => scene.guest(addr, 'login'));
    const done = await scene.until(id, addr, (node) => node.outcome !== null);
    expect(done).toMatchObject({ outcome: 'done' });
  }, 60_000);

  test('stopped while its answer to the request is waited for: the limit is longer by that', async () => {
    const addr = scene.fresh();
    await scene.ctl(addr, ['stop-job', { seconds: 90 }]);
    const { id } = await scene.start('off', [addr]);
    await scene.until(id, addr, inPhase('request', 'acknowledged', 'stopping'));
    await scene.stopped(LONG_MS);
    const done = await scene.until(id, addr, (node) => node.outcome !== null || node.question !== null);
    expect(done).toMatchObject({ outcome: 'done', question: null });
    expect(await scene.cuts(addr)).toEqual({ off: 1, cutAlive: 0 });
  });
});
