/** Asking by ssh, whole: the system's own client, a real sshd on loopback, the real server over the real line. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { NodeProgress, PowerRequest } from '../../src/api/power.ts';
import { requestOf } from '../power/fake-rack.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { HAS_SSHD, SshHosts } from '../support/ssh-hosts.ts';
import { ServeProcess } from './process.ts';

/** Not the port of any other test that runs at the same time. */
const PORT = 2285;

/** Time for an answer by ssh, s: seven racks ask at once, and a boot id that comes too late is no evidence. */
const ASKED_S = 18;

/** Guests live ten times as fast; limits are a tenth. */
const LIMITS = 'request: 20, acknowledged: 5, stopping: 15, hard: 30, settle: 2';

/** A rack, its hosts in the network, and a server with one operator. */
class Stand implements AsyncDisposable {
  readonly rack: TestRack;
  readonly hosts: SshHosts;
  readonly server: ServeProcess;

  private constructor(rack: TestRack, hosts: SshHosts, server: ServeProcess) {
    this.rack = rack;
    this.hosts = hosts;
    this.server = server;
  }

  /** `base`: the first three numbers of the nodes' addresses, the test's own. */
  static async start(base: string, config: string): Promise<Stand> {
    const rack = await startRack({ args: ['--nodes', '4', '--time-scale', '10'] });
    const hosts = await SshHosts.behind(
      new Map([
        [`${base}.1`, '01'],
        [`${base}.2`, '02'],
      ]),
      PORT,
      ASKED_S,
    );
    hosts.obey(rack.control);
    // A node's port opens and closes with its system: one that has halted answers no longer.
    await rack.ctl('listen', { place: `${base}:${PORT}`, sshd: hosts.port });
    const nodes = `nodes:
  - { addr: "00", role: master }
  - { addr: "01", ip: ${base}.1 }
  - { addr: "02", ip: ${base}.2 }
  - { addr: "03" }
`;
    const stateDir = mkdtempSync(join(tmpdir(), 'rackui-test-serve-'));
    // Both were seen to halt before; the counts are what the simulated boards draw.
    const halts = [{ running: 60, low: 12, high: 30 }];
    mkdirSync(join(stateDir, 'state'));
    writeFileSync(
      join(stateDir, 'state', 'halt-bands.json'),
      JSON.stringify({ '01': { name: 'node-01', halts }, '02': { name: 'node-02', halts } }),
    );
    const server = new ServeProcess({ port: rack.port, config: `${nodes}${hosts.config}${config}`, dir: stateDir });
    return new Stand(rack, hosts, await server.ready());
  }

  /** Resolves when every node has ended or asks. */
  async off(request: Partial<PowerRequest> = {}): Promise<NodeProgress[]> {
    const { client } = await this.server.connect();
    // Four racks that start at once on a busy machine: the bus comes up when it does.
    while ((await client.request('sweep', { addrs: null, interrupt: false })).bus.state !== 'ready')
      await new Promise((resolve) => setTimeout(resolve, 100));
    const { id } = await client.request('power.start', requestOf({ nodes: [1], confirm: 'node-01', ...request }));
    for (;;) {
      const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
      const nodes = operation?.nodes ?? [];
      if (nodes.every(({ outcome, question }) => outcome !== null || question !== null)) return nodes;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.hosts[Symbol.asyncDispose]();
    await this.rack.stop();
    rmSync(this.server.dir, { recursive: true, force: true });
  }
}

const kinds = (node: NodeProgress | undefined): string[] => (node?.evidence ?? []).map(({ kind }) => kind);

test
  .skipIf(!HAS_SSHD)
  .concurrent(
    'asked by ssh, seen to halt on its console, cut; needs openssh-server',
    { timeout: 60_000 },
    async ({ expect }) => {
      await using stand = await Stand.start('127.73.0', `shutdown: { ${LIMITS} }\n`);
      const { rack, hosts } = stand;
      const [node] = await stand.off();
      expect([node?.outcome, node?.detail, node?.question]).toEqual([
        'done',
        'is off, confirmed by two status replies',
        null,
      ]);
      expect(hosts.asked).toEqual(['01 cat /proc/uptime; sudo -n systemctl poweroff']);
      // Both the wall message and ssh's end acknowledge, in either order.
      const told = new Set(kinds(node).filter((kind) => !['identity', 'verified'].includes(kind)));
      expect([...told]).toEqual(['host', 'intent', 'request', 'ack', 'marker', 'touch', 'halt-band']);
      expect((await rack.node('01')).power).toBe('off');
      // Nobody logged in: the console was only looked at.
      expect(stand.server.said).not.toContain('Password');
      expect(JSON.parse(readFileSync(join(stand.server.stateDir, 'halt-bands.json'), 'utf8'))).toMatchObject({
        '01': { name: 'node-01' },
      });
    },
  );

test
  .skipIf(!HAS_SSHD)
  .concurrent(
    'an unknown host key stops ssh; its console asks instead; needs openssh-server',
    { timeout: 60_000 },
    async ({ expect }) => {
      await using stand = await Stand.start('127.73.1', `shutdown: { ${LIMITS} }\n`);
      const { rack, hosts } = stand;
      hosts.forgetHostKeys();
      const [node] = await stand.off();
      expect(node?.evidence.find(({ kind }) => kind === 'ssh')?.text).toMatch(/Host key verification failed/);
      expect(node?.question?.text).toContain('requires a login, but no credentials are configured');
      expect(hosts.asked).toEqual([]);
      expect((await rack.node('01')).guest).toBe('login');
    },
  );

test
  .skipIf(!HAS_SSHD)
  .concurrent(
    'what sudo or an inhibitor says there is said here; needs openssh-server',
    { timeout: 60_000 },
    async ({ expect }) => {
      await using stand = await Stand.start('127.73.2', `shutdown: { ${LIMITS} }\n`);
      const { rack } = stand;
      await rack.ctl('inhibited', { node: '01' });
      const [node] = await stand.off();
      expect(node?.question?.text).toMatch(/forbids the shutdown: “Operation inhibited by "unattended-upgr"/);
      expect((await rack.node('01')).power).toBe('on');
    },
  );

test
  .skipIf(!HAS_SSHD)
  .concurrent(
    'two at once: one read to its last line, the other, whose line nobody could read, cut on grade B; needs openssh-server',
    { timeout: 90_000 },
    async ({ expect }) => {
      await using stand = await Stand.start(
        '127.73.3',
        `shutdown: { ${LIMITS}, cutOn: B, networkGone: 12, steady: 3 }\n`,
      );
      const { rack, hosts } = stand;
      const ended = stand.off({ nodes: [1, 2], label: 'x', confirm: 'x 2' });
      // Asked far enough apart, both would be read: this one's line dies with its UART.
      await expect.poll(() => hosts.asked.length, { timeout: 30_000, interval: 20 }).toBe(2);
      await rack.ctl('console-dead', { node: hosts.asked.at(-1)?.slice(0, 2) });
      await rack.until(
        ({ nodes }) => nodes.filter(({ guest }) => guest === 'halted' || guest === 'dead').length >= 2,
        30_000,
      );
      const nodes = await ended;
      expect(nodes.map(({ outcome, question }) => [outcome, question?.text])).toEqual([
        ['done', undefined],
        ['done', undefined],
      ]);
      expect(nodes.filter((node) => kinds(node).includes('marker'))).toHaveLength(1);
      const judged = nodes.find((node) => !kinds(node).includes('marker'));
      expect(judged?.evidence.find(({ kind }) => kind === 'grade')?.text).toMatch(
        /^B: its network has not answered for/,
      );
      expect(hosts.asked.sort()).toEqual([
        '01 cat /proc/uptime; sudo -n systemctl poweroff',
        '02 cat /proc/uptime; sudo -n systemctl poweroff',
      ]);
      for (const addr of ['01', '02']) expect((await rack.node(addr)).power).toBe('off');
    },
  );

test
  .skipIf(!HAS_SSHD)
  .concurrent.each<[what: string, base: string, fault: string | null, words: RegExp, ground: RegExp]>([
    ['starts its kernel anew', '127.73.4', null, /^done: is on again/, /^its kernel was restarted: boot id /],
    [
      'keeps its kernel',
      '127.73.5',
      'same-boot-id',
      /^failed: is on and was not reset/,
      /its kernel was not restarted/,
    ],
  ])(
  'a cycle of a node that %s; needs openssh-server',
  { timeout: 90_000 },
  async (_what, base, fault, words, ground) => {
    await using stand = await Stand.start(base, `shutdown: { ${LIMITS} }\n`);
    if (fault !== null) await stand.rack.ctl(fault, { node: '01' });
    const [node] = await stand.off({ verb: 'cycle' });
    expect(`${node?.outcome ?? ''}: ${node?.detail ?? ''}`).toMatch(words);
    expect(node?.evidence.find(({ kind }) => kind === 'boot-id')?.text).toMatch(ground);
    expect(stand.hosts.asked[0]).toMatch(
      /^01 cat \/proc\/uptime; echo rackui-\w+; cat \/proc\/sys\/kernel\/random\/boot_id; sudo -n systemctl poweroff$/,
    );
  },
);

test
  .skipIf(!HAS_SSHD)
  .concurrent(
    'a cycle by a key whose own command shuts down, whatever is asked, asks it once; needs openssh-server',
    { timeout: 90_000 },
    async ({ expect }) => {
      await using stand = await Stand.start('127.73.6', `shutdown: { ${LIMITS} }\n`);
      const { rack, hosts } = stand;
      hosts.obey(rack.control, 'cat /proc/uptime; sudo -n systemctl poweroff');
      const [node] = await stand.off({ verb: 'cycle' });
      expect(`${node?.outcome ?? ''}: ${node?.detail ?? ''}`).toMatch(/^done: is on again/);
      expect(kinds(node)).not.toContain('boot-id');
      expect(hosts.asked).toHaveLength(1);
      expect((await rack.node('01')).power).toBe('on');
    },
  );
