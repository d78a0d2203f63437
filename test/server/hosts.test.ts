/** Which machine is in which slot: what consoles say is remembered, and held against the map before every cut. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Refusal } from '../../src/api/power.ts';
import { steadyNow } from '../../src/lib/clock.ts';
import { HostMemory } from '../../src/server/learned-store.ts';
import { startRack } from '../support/rack.ts';
import { CUT_ALPHA, refusal } from './harness.ts';
import { ServeProcess } from './process.ts';

const CONFIG = 'nodes: [{ addr: "00" }, { addr: "01", name: alpha }, { addr: "02", name: node-02 }]\n';
test('a name seen on a console refuses the cut of another, by the next server too', { timeout: 60_000 }, async () => {
  // The simulated machines are called node-01 and node-02; the map says alpha.
  await using rack = await startRack({ args: ['--nodes', '4'] });
  await using first = await new ServeProcess({ port: rack.port, config: CONFIG }).ready();
  const alice = await first.connect();
  await alice.client.request('sweep', { addrs: null, interrupt: false });
  for (const addr of [1, 2]) {
    await alice.client.request('console.attach', { addr, take: false, watch: false });
    // Keys right behind one that was not sent are not sent either: Enter is pressed anew after a moment, as told.
    await vi.waitFor(
      () => {
        alice.type(addr, '\r');
        expect(readFileSync(join(first.stateDir, 'hosts.json'), 'utf8')).toContain(`"0${addr}"`);
      },
      { interval: 1_500, timeout: 20_000 },
    );
  }
  await alice.client.request('console.detach', {});
  first.kill('SIGTERM');
  await first.exited;
  await using second = await new ServeProcess({ port: rack.port, config: CONFIG, dir: first.dir }).ready();
  const bob = await second.connect();
  await bob.client.request('sweep', { addrs: null, interrupt: false });
  for (const verb of ['force-off', 'off', 'cycle', 'force-cycle'] as const) {
    const failure = await refusal(bob.client.request('power.start', { ...CUT_ALPHA, verb }));
    expect((failure.data as Refusal[]).map(({ rule }) => rule)).toEqual(['host']);
    expect(failure.message).toMatch(/‘node-01’ on its console .* the configuration says ‘alpha’/);
  }
  expect((await rack.counters()).nodes['01']?.off).toBe(0);
  // The other one is who the map says.
  await bob.client.request('power.start', { ...CUT_ALPHA, nodes: [2], label: 'node-02', confirm: 'node-02' });
  await rack.until(({ nodes }) => nodes.find(({ addr }) => addr === '02')?.power === 'off');
});

test('files of what was learned that nobody can read: the server starts all the same, and says so', async () => {
  await using rack = await startRack({ args: ['--nodes', '4'] });
  const dir = mkdtempSync(join(tmpdir(), 'rackui-hosts-'));
  try {
    const files = ['hosts.json', 'halt-bands.json', 'durations.json'];
    mkdirSync(join(dir, 'state'));
    for (const file of files) writeFileSync(join(dir, 'state', file), 'half a fi');
    await using server = await new ServeProcess({ port: rack.port, config: CONFIG, dir }).ready();
    const { client } = await server.connect();
    const told = client.welcome.snapshot.events.filter(({ level }) => level === 'warning').map(({ text }) => text);
    expect(told).toEqual(
      files.map((file) => `${join(dir, 'state', file)} cannot be read; its content is learned again`),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('what cannot be read is told once and forgotten; what cannot be kept still counts', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-hosts-'));
  try {
    const told: string[] = [];
    writeFileSync(join(dir, 'hosts.json'), '{"03":{"host":"evil\\u001b[2J","at":1}}');
    const memory = new HostMemory(dir, (text) => told.push(text));
    expect(memory.get(3)).toBeNull();
    expect(told).toHaveLength(1);
    memory.saw(3, 'ns01', 5);
    expect(new HostMemory(dir, () => undefined).get(3)).toEqual({ host: 'ns01', at: 5 });
    const nowhere = new HostMemory(join(dir, 'hosts.json', 'below-a-file'), (text) => told.push(text));
    nowhere.saw(3, 'ns01', 5);
    nowhere.saw(3, 'ns02', 6);
    expect(told).toHaveLength(2);
    expect(nowhere.get(3)).toEqual({ host: 'ns02', at: 6 });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('how old a name is survives a server and no boot of its machine: then it is said, and guards on', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-hosts-'));
  try {
    const seenAt = steadyNow() - 5_000;
    new HostMemory(dir, () => undefined).saw(3, 'ns01', seenAt);
    expect(new HostMemory(dir, () => undefined).get(3)).toEqual({ host: 'ns01', at: seenAt });
    const file = join(dir, 'hosts.json');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object>;
    // Of another boot; of a version that kept dates; of a clock that was a year ahead.
    for (const [host, other] of Object.entries({
      a: { boot: 'another', up: 5 },
      b: { boot: undefined, up: undefined },
      c: { boot: undefined, up: undefined, at: Date.now() + 365 * 86_400_000 },
    })) {
      writeFileSync(file, JSON.stringify({ '03': { ...kept['03'], ...other, host } }));
      const seen = new HostMemory(dir, () => undefined).get(3);
      expect(seen).toMatchObject({ host, before: true });
      expect(steadyNow() - (seen?.at ?? 0)).toBeLessThan(5_000);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
