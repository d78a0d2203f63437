/** Evidence is what happened: when a request counts, with a disk, a line or an ssh client that takes its time. */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { NodeProgress } from '../../src/api/power.ts';
import { LineStore } from '../../src/lib/jsonl-file.ts';
import type { ProgramEnd } from '../../src/lib/subprocess.ts';
import { FakeNetwork, FakeRack, OPERATOR, START, settle } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const PROMPT = `pi@${NAME}:~$ `;
const HALT = '[  312.345678] reboot: Power down\r\n';
const ACK = '\r\nThe system will power off now!\r\n';

/** A node with an open shell that shuts down when it is asked, and a disk and a line that take their time. */
class Scene {
  readonly rack = new FakeRack();
  /** Seconds from asking the disk for the journal to having it. */
  diskS = 0;
  /** When the request left, s after the beginning. */
  typedAt = NaN;

  constructor() {
    const { rack } = this;
    rack.console.onTyped = (typed) => {
      if (/^\x15?\r+$/.test(typed)) this.say(`\r\n${PROMPT}`);
      if (!typed.includes('poweroff')) return;
      this.typedAt = this.now;
      this.say(`${typed}\n${ACK}`);
    };
    rack.disk = () => this.#pause(this.diskS);
  }

  get now(): number {
    return (this.rack.clock.time - START) / 1000;
  }

  get node(): NodeProgress {
    const [node] = this.rack.operation.nodes;
    if (!node) throw new Error('no node');
    return node;
  }

  /** Seconds at which a piece of evidence was recorded. */
  when(kind: string): number | null {
    const piece = this.node.evidence.find((one) => one.kind === kind);
    return piece ? (piece.at - START) / 1000 : null;
  }

  say(text: string): void {
    this.rack.says(text);
  }

  /** Starts it and lets so many seconds pass. */
  async off(seconds: number): Promise<this> {
    await this.rack.start({ verb: 'off', confirm: NAME });
    await this.passes(seconds);
    return this;
  }

  passes(seconds: number): Promise<void> {
    return this.rack.clock.advance(seconds * 1000);
  }

  answer(choice: string): void {
    const { id } = this.rack.operation;
    const question = this.node.question?.id ?? '';
    this.rack.operations.answer(id, { addr: 3, question, choice, confirm: null }, OPERATOR);
  }

  #pause(seconds: number): Promise<void> {
    if (seconds === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.rack.clock.every(seconds * 1000, () => {
        stop();
        resolve();
      });
    });
  }
}

test.each([3, 8, 19])('a disk that takes %d s: it is asked after that, and its limits begin then', async (diskS) => {
  const scene = new Scene();
  scene.diskS = diskS;
  await scene.off(diskS - 1);
  expect(scene.node).toMatchObject({ phase: 'request', until: null });
  expect(scene.rack.console.typed).toEqual(['\r']);
  await scene.passes(3);
  expect(scene.typedAt).toBeGreaterThanOrEqual(diskS);
  expect(scene.when('request')).toBeCloseTo(scene.typedAt, 1);
  expect(scene.when('intent')).toBeLessThan(1);
  expect(scene.node.phase).toBe('stopping');
  const limitS = ((scene.node.until ?? 0) - START) / 1000;
  expect(limitS).toBeGreaterThanOrEqual(scene.typedAt + scene.rack.limits.stopping);
});

test.each([25, 90])('a disk that takes %d s is told, and does not keep the console from others', async (diskS) => {
  const scene = new Scene();
  scene.diskS = diskS;
  await scene.off(24);
  expect(scene.typedAt).toBeCloseTo(20.4, 0);
  expect(scene.rack.events.filter((text) => text.includes('has not been written for 20 s'))).toHaveLength(1);
});

test('a last line while the disk works is of another shutdown', async () => {
  const scene = new Scene();
  scene.diskS = 10;
  await scene.off(5);
  scene.say(HALT);
  await scene.passes(4);
  expect(scene.when('marker')).toBeNull();
  await scene.passes(3);
  expect([scene.node.phase, scene.when('marker')]).toEqual(['stopping', null]);
});

test('a shell that ends while the disk works gets nothing: what stands there is looked at anew', async () => {
  const scene = new Scene();
  scene.diskS = 10;
  await scene.off(5);
  const before = scene.rack.console.typed.length;
  scene.say(`\r\nlogout\r\n\r\n${NAME} login: `);
  await scene.passes(1);
  scene.rack.console.onTyped = () => undefined;
  await scene.passes(6);
  expect(scene.rack.console.typed.slice(before).filter((text) => text.includes('poweroff'))).toEqual([]);
  expect(scene.node.question?.text).toContain('none are configured');
});

test.each([2, 12, 50])(
  'a line on which the request takes %d s: what came before its end is no answer',
  async (wireS) => {
    const scene = new Scene();
    const { rack } = scene;
    let leave: (at: number | null) => void = () => undefined;
    rack.console.left = () => new Promise((resolve) => (leave = resolve));
    rack.console.onTyped = (typed) => {
      if (/^\x15?\r+$/.test(typed)) scene.say(`\r\n${PROMPT}`);
    };
    await scene.off(1);
    scene.say(`\r\n${HALT}`);
    await scene.passes(wireS);
    expect([scene.when('request'), scene.when('marker'), scene.node.phase]).toEqual([null, null, 'request']);
    const leftAt = rack.clock.time;
    // Its answer is read before the port tells that the last byte is out.
    rack.console.say(`cat\r\n${ACK}`, rack.clock.time);
    leave(leftAt);
    await scene.passes(0.5);
    expect(scene.when('request')).toBeGreaterThan(wireS);
    expect([scene.node.phase, scene.when('marker')]).toEqual(['stopping', null]);
    scene.say(HALT);
    await scene.passes(1);
    expect(scene.node.phase).toBe('settle');
  },
);

test('a request that is dropped on its way was not asked: typed anew, and a question at the third time', async () => {
  const scene = new Scene();
  const { rack } = scene;
  rack.console.left = () => Promise.resolve(null);
  rack.console.onTyped = (typed) => {
    if (/^\x15?\r*$/.test(typed)) scene.say(`\r\n${PROMPT}`);
  };
  await scene.off(10);
  expect(scene.node.question?.text).toContain('interrupted 3 times');
  expect([scene.when('request'), scene.when('unsent')]).toEqual([null, expect.any(Number)]);
  expect(rack.systems.get(3)?.system ?? 'unknown').toBe('unknown');
  rack.console.left = () => Promise.resolve(rack.clock.time);
  scene.answer('retry');
  await scene.passes(3);
  expect(scene.node.phase).toBe('acknowledged');
});

/** A node that ssh asks. */
function bySsh(): { scene: Scene; ran: () => void; end: (end: ProgramEnd) => void } {
  const scene = new Scene();
  const network = new FakeNetwork();
  scene.rack.network = network;
  const told = { scene, ran: () => undefined, end: () => undefined } as ReturnType<typeof bySsh>;
  network.answer = (_addr, ran) => {
    told.ran = ran;
    return new Promise((resolve) => (told.end = resolve));
  };
  return told;
}

test.each([1, 9, 40])('ssh that needs %d s to connect: it counts as asked when the command ran', async (connectS) => {
  const told = bySsh();
  const { scene } = told;
  await scene.off(1);
  await scene.passes(connectS);
  expect([scene.when('intent'), scene.when('request')]).toEqual([expect.any(Number), null]);
  expect(scene.rack.systems.get(3)?.system ?? 'unknown').toBe('unknown');
  const ranAt = scene.now;
  told.ran();
  await scene.passes(2);
  told.end({ code: 0, why: '', output: ['300.00 1080.00'] });
  await scene.passes(1);
  expect(scene.when('request')).toBeCloseTo(ranAt, 1);
  expect(scene.rack.systems.get(3)?.system).toBe('going-down');
});

test('a last line without a stamp before ssh reported that the command ran may be old: somebody is asked', async () => {
  const told = bySsh();
  const { scene } = told;
  await scene.off(1);
  scene.say('reboot: Power down\r\n');
  await scene.passes(1);
  told.ran();
  await scene.passes(0.2);
  expect(scene.node.question?.text).toContain('before ssh reported that the command ran');
  expect(scene.rack.verbs).toEqual([]);
});

test.each(['Connection refused', 'Host key verification failed.', 'Permission denied (publickey).'])(
  'ssh that ends with “%s” asked for nothing',
  async (line) => {
    const told = bySsh();
    const { scene } = told;
    await scene.off(1);
    told.end({ code: 255, why: 'exit code 255', output: [line] });
    await settle();
    expect([scene.when('request'), scene.when('ssh')]).toEqual([null, expect.any(Number)]);
  },
);

let dir: string | null = null;
afterEach(async () => {
  vi.restoreAllMocks();
  if (dir !== null) await rm(dir, { recursive: true, force: true });
  dir = null;
});

test.each([2, 30, 400])(
  '%d states while one fsync is under way wait for one more, the newest of each only',
  async (count) => {
    dir = await mkdtemp(join(tmpdir(), 'store-'));
    const handle = await open(join(dir, 'probe'), 'w');
    const prototype = Object.getPrototypeOf(handle) as { datasync(): Promise<void> };
    await handle.close();
    let release: () => void = () => undefined;
    const syncs = vi
      .spyOn(prototype, 'datasync')
      .mockImplementationOnce(() => new Promise((resolve) => (release = resolve)));
    const store = new LineStore(join(dir, 'lines.jsonl'));
    const first = store.append({ id: 'a', n: -1 }, 'a');
    await vi.waitFor(() => expect(syncs).toHaveBeenCalledTimes(1));
    const rest = Array.from({ length: count }, (_, n) => store.append({ id: n % 2 ? 'a' : 'b', n }, n % 2 ? 'a' : 'b'));
    const kept = [store.append({ audit: 1 }), store.append({ audit: 2 })];
    release();
    await Promise.all([first, ...rest, ...kept]);
    expect(syncs).toHaveBeenCalledTimes(2);
    const lines = (await readFile(store.path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const newest = [count - 2, count - 1].map((n) => ({ id: n % 2 ? 'a' : 'b', n }));
    expect(lines).toEqual([{ id: 'a', n: -1 }, ...newest, { audit: 1 }, { audit: 2 }]);
    await store.close();
  },
);

test('states of one turn are one write, also where others are awaited between them', async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-'));
  const store = new LineStore(join(dir, 'lines.jsonl'));
  const first = store.append({ id: 'a', n: 1 }, 'a');
  for (let n = 0; n < 20; n++) await Promise.resolve();
  await store.append({ id: 'a', n: 2 }, 'a');
  await first;
  expect(await readFile(store.path, 'utf8')).toBe('{"id":"a","n":2}\n');
  await store.close();
});

test('what is asked for behind a clearing is not cleared with what was before', async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-'));
  const store = new LineStore(join(dir, 'lines.jsonl'));
  await Promise.all([store.append({ n: 1 }), store.clear(), store.append({ n: 2 })]);
  expect(await readFile(store.path, 'utf8')).toBe('{"n":2}\n');
  await store.close();
});

test('kernel lines are no answer to Enter: one that was lost is pressed again, and the request follows at the prompt', async () => {
  const { rack } = new Scene();
  let enters = 0;
  rack.console.onTyped = (typed) => {
    if (typed.includes('poweroff')) rack.says(`${typed}\n${ACK}${HALT}`);
    else if (/^\x15?\r+$/.test(typed) && ++enters > 1) rack.says(`\r\n${PROMPT}`);
  };
  rack.clock.every(1_000, () => enters < 2 && rack.says('[  212.345678] usb 1-1: device not accepting address\r\n'));
  await rack.start({ verb: 'off', confirm: NAME });
  await rack.clock.advance(30_000);
  expect(enters).toBeGreaterThanOrEqual(2);
  expect(rack.console.typed.filter((typed) => typed.includes('poweroff'))).toHaveLength(1);
});
