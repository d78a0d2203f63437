/**
 * Asking by ssh, whole: the system's own client and a real sshd on loopback; rack and server in virtual time. Between real
 * processes `test/scenarios/ways.test.ts` plays it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NodeProgress, PowerRequest } from '../../src/api/power.ts';
import { requestOf } from '../power/fake-rack.ts';
import { HAS_SSHD, SshHosts } from '../support/ssh-hosts.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand, type VirtualStand } from '../support/virtual-stand.ts';

/** Not the port of any other test that runs at the same time. */
const PORT = 2285;
const BASE = '127.73.0';
const ADDRS = ['01', '02', '03', '04', '05', '06', '07', '08'];

/** Of guests that live ten times as fast; limits are a tenth. */
const FAST = 10;
const LIMITS = 'request: 20, acknowledged: 5, stopping: 15, hard: 30, settle: 2';

let hosts: SshHosts;
beforeAll(async () => {
  if (HAS_SSHD) hosts = await SshHosts.behind(new Map(ADDRS.map((addr) => [`${BASE}.${Number(addr)}`, addr])), PORT);
});
afterAll(async () => {
  if (HAS_SSHD) await hosts[Symbol.asyncDispose]();
});

let clock: VirtualClock;
let stand: VirtualStand;

/** The rack, its hosts in the network, and a server that has seen all of them halt before. */
async function start(config: string, timeScale: number): Promise<void> {
  clock = new VirtualClock();
  const nodes = ADDRS.map((addr) => `  - { addr: "${addr}", name: node-${addr}, ip: ${BASE}.${Number(addr)} }`);
  stand = await virtualStand({
    clock,
    config: `nodes:\n  - { addr: "00", role: master }\n${nodes.join('\n')}\n${hosts.config}${config}`,
    sim: ['--time-scale', String(timeScale), '--line-rate', 'unlimited'],
  });
  hosts.obey(stand.rack.control);
  // A node's port opens and closes with its system: one that has halted answers no longer.
  await stand.rack.ctl('listen', { place: `${BASE}:${PORT}`, sshd: hosts.port });
  await stand.killServer();
  // The counts are what the simulated boards draw, and the time is what their shutdown takes.
  learned('halt-bands', { halts: [{ running: 60, low: 12, high: 30 }] });
  learned('durations', { off: [2_800 / timeScale], on: [] });
  await stand.startServer();
}

/** Writes what an earlier server has learned of each node. */
function learned(what: string, of: object): void {
  const known = ADDRS.map((addr) => [addr, { name: `node-${addr}`, ...of }]);
  writeFileSync(join(stand.folder, `${what}.json`), JSON.stringify(Object.fromEntries(known)));
}

async function end(): Promise<void> {
  await stand[Symbol.asyncDispose]();
  clock[Symbol.dispose]();
}

/** Resolves when every node has ended or asks. */
async function off(addrs: readonly string[], request: Partial<PowerRequest> = {}): Promise<NodeProgress[]> {
  const client = await stand.client();
  while ((await client.request('sweep', { addrs: null, interrupt: false })).bus.state !== 'ready')
    await new Promise((resolve) => setTimeout(resolve, 100));
  const nodes = addrs.map(Number);
  const words = addrs.length === 1 ? { confirm: `node-${addrs[0] ?? ''}` } : { label: 'x', confirm: 'x 2' };
  const { id } = await client.request('power.start', requestOf({ nodes, ...words, ...request }));
  for (;;) {
    const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
    const progress = operation?.nodes ?? [];
    if (progress.every(({ outcome, question }) => outcome !== null || question !== null)) {
      // A question would keep the console from the next.
      if (progress.some(({ question }) => question !== null)) await client.request('ops.abort', { id });
      return progress;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const asked = (addr: string): string[] => hosts.asked.filter((line) => line.startsWith(addr));

const kinds = (node: NodeProgress | undefined): string[] => (node?.evidence ?? []).map(({ kind }) => kind);

describe.skipIf(!HAS_SSHD)('in virtual time; needs openssh-server', () => {
  beforeAll(() => start(`shutdown: { ${LIMITS} }\n`, FAST));
  afterAll(end);

  test('asked by ssh, seen to halt on its console, cut', async () => {
    const [node] = await off(['01']);
    expect([node?.outcome, node?.detail, node?.question]).toEqual([
      'done',
      'is off, confirmed by two status replies',
      null,
    ]);
    expect(asked('01')).toEqual(['01 cat /proc/uptime; sudo -n systemctl poweroff']);
    // Both the wall message and ssh's end acknowledge, in either order.
    const told = new Set(kinds(node).filter((kind) => !['identity', 'verified'].includes(kind)));
    expect([...told]).toEqual(['host', 'intent', 'request', 'ack', 'marker', 'touch', 'halt-band']);
    expect((await stand.rack.node('01')).power).toBe('off');
    // Nobody logged in: the console was only looked at.
    expect(readFileSync(join(stand.folder, 'consoles', 'node-01.log'), 'utf8')).not.toContain('Password');
    expect(JSON.parse(readFileSync(join(stand.folder, 'halt-bands.json'), 'utf8'))).toMatchObject({
      '01': { name: 'node-01', halts: [{}, {}] },
    });
  });

  test('an unknown host key stops ssh; its console asks instead', async () => {
    const [node] = await hosts.withoutHostKeys(() => off(['02']));
    expect(node?.evidence.find(({ kind }) => kind === 'ssh')?.text).toMatch(/Host key verification failed/);
    expect(node?.question?.text).toContain('requires a login, but no credentials are configured');
    expect(asked('02')).toEqual([]);
    expect((await stand.rack.node('02')).guest).toBe('login');
  });

  test('what sudo or an inhibitor says there is said here', async () => {
    await stand.rack.ctl('inhibited', { node: '03' });
    const [node] = await off(['03']);
    expect(node?.question?.text).toMatch(/forbids the shutdown: “Operation inhibited by "unattended-upgr"/);
    expect((await stand.rack.node('03')).power).toBe('on');
  });

  test.each<[what: string, addr: string, fault: string | null, words: RegExp, ground: RegExp]>([
    ['starts its kernel anew', '04', null, /^done: is on again/, /^its kernel was restarted: boot id /],
    ['keeps its kernel', '05', 'same-boot-id', /^failed: is on and was not reset/, /its kernel was not restarted/],
  ])('a cycle of a node that %s', async (_what, addr, fault, words, ground) => {
    if (fault !== null) await stand.rack.ctl(fault, { node: addr });
    const [node] = await off([addr], { verb: 'cycle' });
    expect(`${node?.outcome ?? ''}: ${node?.detail ?? ''}`).toMatch(words);
    expect(node?.evidence.find(({ kind }) => kind === 'boot-id')?.text).toMatch(ground);
    expect(asked(addr)[0]?.slice(3)).toMatch(
      /^cat \/proc\/uptime; echo rackui-\w+; cat \/proc\/sys\/kernel\/random\/boot_id; sudo -n systemctl poweroff$/,
    );
  });

  describe('a key with a command of its own', () => {
    beforeEach(() => hosts.obey(stand.rack.control, 'cat /proc/uptime; sudo -n systemctl poweroff'));
    afterEach(() => hosts.obey(stand.rack.control));

    test('a cycle by a key whose own command shuts down, whatever is asked, asks it once', async () => {
      const [node] = await off(['06'], { verb: 'cycle' });
      expect(`${node?.outcome ?? ''}: ${node?.detail ?? ''}`).toMatch(/^done: is on again/);
      expect(kinds(node)).not.toContain('boot-id');
      expect(asked('06')).toHaveLength(1);
      expect((await stand.rack.node('06')).power).toBe('on');
    });
  });
});

describe.skipIf(!HAS_SSHD)('in virtual time, cut on grade B; needs openssh-server', () => {
  // Not faster: of a shutdown of 0.3 s the last line comes before the console is back from the other node.
  beforeAll(() => start('shutdown: { cutOn: B, networkGone: 30, steady: 5 }\n', 1));
  afterAll(end);

  test('two at once: one read to its last line, the other, whose line nobody could read, cut on grade B', async () => {
    const pair = ['07', '08'];
    const ended = off(pair);
    // Asked far enough apart, both would be read: this one's line dies with its UART.
    await Promise.all(pair.map((addr) => hosts.isAsked(addr)));
    await stand.rack.ctl('console-dead', { node: hosts.asked.at(-1)?.slice(0, 2) });
    const nodes = await ended;
    expect(nodes.map(({ outcome, question }) => [outcome, question?.text])).toEqual([
      ['done', undefined],
      ['done', undefined],
    ]);
    expect(nodes.filter((node) => kinds(node).includes('marker'))).toHaveLength(1);
    const judged = nodes.find((node) => !kinds(node).includes('marker'));
    expect(judged?.evidence.find(({ kind }) => kind === 'grade')?.text).toMatch(/^B: its network has not answered for/);
    for (const addr of pair) {
      expect(asked(addr)).toEqual([`${addr} cat /proc/uptime; sudo -n systemctl poweroff`]);
      expect((await stand.rack.node(addr)).power).toBe('off');
    }
  });
});
