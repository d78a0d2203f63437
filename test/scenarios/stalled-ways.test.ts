/**
 * The server stopped in the middle of what takes more than its own console: an off that ssh asks for, a program that runs
 * before a shutdown, a plan of several nodes, a cycle. A real ssh client and a real sshd; needs openssh-server. In virtual
 * time; two of them with a real server.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import type { NodeProgress, Phase } from '../../src/api/power.ts';
import { HAS_SSHD, SshHosts } from '../support/ssh-hosts.ts';
import { eventually, hex, nameOf, Scene } from './scene.ts';

/** Longer than every limit of these shutdowns, and than ssh's own. */
const LONG_MS = 10_000;
/** Not the port of any other test that runs at the same time. */
const PORT = 2283;
const BASE = '127.71.5';
const ip = (addr: number): string => `${BASE}.${addr}`;
/** Nodes of the plan, and of the hook. */
const PLANNED = [20, 21, 22];
const HOOKED = [16, 17, 18, 19];

let scene: Scene;
let dir: string;
const file = (addr: number, what: string): string => join(dir, `${nameOf(addr)}.${what}`);

function onScene(virtual: boolean): void {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rackui-stalled-'));
    const hook = 'touch "$0.begun"; until [ -e "$0.go" ]; do sleep 0.05; done';
    scene = await Scene.open({
      virtual,
      node: (addr) => `, ip: ${ip(addr)}`,
      limits: 'networkGone: 1.5, steady: 0.5',
      ssh: () => {
        const addresses = Array.from({ length: 23 }, (_, index) => index + 1);
        return SshHosts.behind(new Map(addresses.map((addr) => [ip(addr), hex(addr)])), PORT);
      },
      config: `boot: { limit: 8, proof: console }
hooks:
  - { when: before-off, nodes: "${HOOKED.map(nameOf).join(' ')}", run: [sh, -c, '${hook}', '${dir}/{name}'], limit: 6, required: true }
plans:
  several: { steps: [{ name: down, action: off, selector: "${PLANNED.map(nameOf).join(' ')}", onFail: skip }] }
`,
    });
    await scene.stand.rack.ctl('listen', { place: `${BASE}:${PORT}`, sshd: scene.hosts?.port });
  }, 60_000);
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
}

const inPhase =
  (...phases: Phase[]) =>
  (node: NodeProgress): boolean =>
    phases.includes(node.phase);
const settled = (node: NodeProgress): boolean => node.question !== null || node.outcome !== null;
const asked = (addr: number): string[] => scene.hosts?.asked.filter((line) => line.startsWith(hex(addr))) ?? [];

/** Moments of an off by ssh: the node has just been asked; it has said its last line. */
const MOMENTS = ['asked', 'settle'] as const;

async function comesTo(id: string, addr: number, moment: (typeof MOMENTS)[number]): Promise<void> {
  if (moment === 'asked') await scene.hosts?.isAsked(hex(addr));
  else await scene.until(id, addr, inPhase(moment));
}

/** It started again while nobody looked: it runs, and somebody is asked. */
async function isLeftOn(id: string, addr: number): Promise<void> {
  const node = await scene.until(id, addr, settled);
  expect(`${node.question?.text ?? ''}${node.detail}`).toMatch(/start|boot|alive/);
  expect(node.outcome).not.toBe('done');
  expect(await scene.cuts(addr)).toEqual({ off: 0, cutAlive: 0 });
  expect(await scene.node(addr)).toMatchObject({ power: 'on', guest: 'login' });
  await scene.session.request('ops.abort', { id });
}

async function isDone(id: string, addr: number, cuts = 1): Promise<void> {
  const node = await scene.until(id, addr, settled);
  expect({ ...node, question: node.question?.text ?? null }).toMatchObject({ outcome: 'done', question: null });
  expect(await scene.cuts(addr)).toEqual({ off: cuts, cutAlive: 0 });
}

/** In real time, also where virtual time stands for this program. */
const hookBegins = (addr: number): Promise<void> =>
  vi.waitFor(() => expect(existsSync(file(addr, 'begun'))).toBe(true), { timeout: 20_000 });

async function startsAgainAfterSsh(moment: (typeof MOMENTS)[number]): Promise<void> {
  const addr = scene.fresh();
  const { id } = await scene.start('off', [addr]);
  await comesTo(id, addr, moment);
  await scene.stopped(LONG_MS, async () => {
    await scene.guest(addr, 'halted');
    await scene.startsAgain(addr);
  });
  await isLeftOn(id, addr);
  expect(asked(addr)).toHaveLength(1);
}

async function programEndsBeyondItsLimit(): Promise<void> {
  const [addr = 0] = HOOKED;
  const { id } = await scene.start('off', [addr]);
  await hookBegins(addr);
  await scene.stopped(LONG_MS, () => {
    writeFileSync(file(addr, 'go'), '');
    return Promise.resolve();
  });
  await isDone(id, addr);
}

describe.skipIf(!HAS_SSHD)('a real server stopped', { timeout: 120_000 }, () => {
  onScene(false);

  test('in an off by ssh (asked) while the node halts and starts again: it is not cut', () =>
    startsAgainAfterSsh('asked'));

  test(
    'while a program runs before a shutdown, beyond its limit: its end counts, and the node goes down',
    programEndsBeyondItsLimit,
  );
});

describe.skipIf(!HAS_SSHD)('in virtual time the server stopped', { timeout: 120_000 }, () => {
  onScene(true);

  test.each<(typeof MOMENTS)[number]>(MOMENTS)(
    'in an off by ssh (%s) while the node halts and starts again: it is not cut',
    startsAgainAfterSsh,
  );

  test.each<(typeof MOMENTS)[number]>(MOMENTS)(
    'in an off by ssh (%s) while the node halts and stays so: it is cut once, when that is proven',
    async (moment) => {
      const addr = scene.fresh();
      const { id } = await scene.start('off', [addr]);
      await comesTo(id, addr, moment);
      await scene.stopped(LONG_MS, () => scene.guest(addr, 'halted'));
      await isDone(id, addr);
      expect(asked(addr)).toHaveLength(1);
    },
  );

  test(
    'while a program runs before a shutdown, beyond its limit: its end counts, and the node goes down',
    programEndsBeyondItsLimit,
  );

  test('while a program runs before a shutdown, and the node starts again: it is asked in its new life', async () => {
    const [, addr = 0] = HOOKED;
    const { id } = await scene.start('off', [addr]);
    await hookBegins(addr);
    await scene.stopped(LONG_MS, async () => {
      await scene.besidePrograms(() => scene.startsAgain(addr));
      writeFileSync(file(addr, 'go'), '');
    });
    await isDone(id, addr);
    expect(asked(addr)).toHaveLength(1);
  });

  test('while a program runs before a shutdown that never ends: the node is not asked', async () => {
    const [, , addr = 0] = HOOKED;
    const { id } = await scene.start('off', [addr]);
    await hookBegins(addr);
    await scene.stopped(LONG_MS, () =>
      scene.besidePrograms(() => new Promise((resolve) => setTimeout(resolve, LONG_MS))),
    );
    const node = await scene.until(id, addr, settled);
    expect(node.question?.text).toMatch(/no end within 6 s/);
    expect(asked(addr)).toEqual([]);
    expect(await scene.cuts(addr)).toEqual({ off: 0, cutAlive: 0 });
    await scene.session.request('ops.abort', { id });
  });

  test('in a plan of several nodes while one starts again: the others halt and are cut, that one is left on', async () => {
    const { id } = await scene.session.request('plan.run', {
      name: 'several',
      confirm: `several ${PLANNED.length}`,
      armed: false,
      deadlineS: null,
    });
    const find = (holds: (node: NodeProgress) => boolean): { op: string; addr: number } | undefined =>
      [...scene.operations.values()]
        .flatMap((op) => op.nodes.map((node) => ({ op: op.id, addr: node.addr, node })))
        .find(({ addr, node }) => PLANNED.includes(addr) && holds(node));
    const first = await eventually(
      () => {
        const found = find(inPhase('settle'));
        if (found) return found;
        throw new Error('no node of the plan has said its last line');
      },
      60_000,
      20,
    );
    await scene.stopped(LONG_MS, () => scene.startsAgain(first.addr));
    await scene.until(first.op, first.addr, settled);
    await isLeftOn(first.op, first.addr);
    const run = async (): Promise<PlanRun | undefined> =>
      (await scene.session.request('plan.list', {})).runs.find((one) => one.id === id);
    const others = PLANNED.filter((addr) => addr !== first.addr);
    for (const addr of others) {
      await eventually(
        async () =>
          expect((await run())?.steps[0]?.nodes.find((node) => node.addr === addr)).toMatchObject({ outcome: 'done' }),
        60_000,
        100,
      );
      expect(await scene.cuts(addr)).toEqual({ off: 1, cutAlive: 0 });
    }
    expect(await scene.cuts(first.addr)).toEqual({ off: 0, cutAlive: 0 });
    await eventually(async () => expect(await run()).toMatchObject({ state: 'ended' }), 30_000, 100);
  });

  test('in a cycle behind the last line while the node starts again: it is not cut', async () => {
    const addr = scene.fresh();
    const { id } = await scene.start('cycle', [addr]);
    await scene.until(id, addr, inPhase('settle'));
    await scene.stopped(LONG_MS, () => scene.startsAgain(addr));
    await isLeftOn(id, addr);
  });

  test.each<Phase>(['pause', 'verify'])(
    'in a cycle (%s) while nothing interferes: the node is cut once and comes up',
    async (phase) => {
      const addr = scene.fresh();
      const { id } = await scene.start('cycle', [addr]);
      await scene.until(id, addr, inPhase(phase));
      await scene.stopped(LONG_MS);
      await isDone(id, addr);
      await scene.guest(addr, 'login');
      expect(await scene.node(addr)).toMatchObject({ power: 'on' });
    },
  );
});
