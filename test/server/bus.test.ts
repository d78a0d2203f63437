/** The bus through the server: its log, looking, host names, bytes by hand, a recording; against the simulated rack. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RPC_ERROR } from '../../src/api/methods.ts';
import type { RackClient } from '../../src/client/client.ts';
import { ReplayHost } from '../../src/sim/replay.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { refusal } from './harness.ts';
import { ServeProcess } from './process.ts';

const CONFIG = `name: test
nodes:
  - { addr: "00", name: node-00, role: master }
  - { addr: "01", name: node-01 }
  - { addr: "02", name: node-02 }
  - { addr: "03", name: node-03, protected: true }
`;
const folder = mkdtempSync(join(tmpdir(), 'rackui-test-bus-'));
const file = join(folder, 'bus.jsonl');
const UNLOCK = 'OpenSesame';

let rack: TestRack;
let server: ServeProcess;
let client: RackClient;

beforeAll(async () => {
  rack = await startRack({ args: ['--nodes', '5', '--unlock', UNLOCK, '--time-scale', '20'] });
  const secret = join(folder, 'unlock');
  writeFileSync(secret, `${UNLOCK}\n`, { mode: 0o600 });
  server = await new ServeProcess({
    port: rack.link,
    config: `${CONFIG}unlock: { file: ${secret} }\npoll: { interval: 0.2 }\n`,
    args: ['--record', file],
  }).ready();
  client = (await server.connect()).client;
  await client.request('sweep', { addrs: null, interrupt: false });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const raw = (target: number | null, text: string, confirm: string | null = null): ReturnType<typeof request> =>
  request(target, text, confirm);
function request(
  target: number | null,
  text: string,
  confirm: string | null,
): Promise<{ heard: string; after: string }> {
  return client.request('bus.raw', { target, text, confirm });
}

test('looking finds nodes that the configuration does not know, and UIDs as they come', async () => {
  const seen = await client.request('bus.look', { addrs: [0, 1, 4, 5], patient: true });
  expect(seen.map(({ addr, power, master, failure }) => [addr, power, master, failure])).toEqual([
    [0, 'on', true, null],
    [1, 'on', false, null],
    [4, 'on', false, null],
    [5, null, false, 'silent'],
  ]);
  expect(seen.map(({ uid }) => uid !== null && /^[0-9a-f-]{36}$/.test(uid))).toEqual([true, true, true, false]);
});

test('the survey asks only questions, and tells what came back byte for byte', async () => {
  const before = await rack.counters();
  const found = await client.request('bus.survey', { exchanges: 40 });
  expect(found).toMatchObject({ nodes: [0, 1, 2, 3], verbEcho: null });
  expect(found.exchanges).toBeGreaterThanOrEqual(40);
  // A busy machine hears some of them too late.
  expect(found.silent + found.garbled + found.foreign).toBeLessThan(found.exchanges / 10);
  expect(found.forms).toMatchObject({ idleClose: '', node: 1, pipe: '01|', pipeClose: '' });
  expect(found.forms.master).toMatch(/^=\r\n00 00 1 .. ..\r\n$/);
  expect(found.forms.status).toMatch(/^=\r\n01 ff 1 .. ..\r\n$/);
  const after = await rack.counters();
  for (const [addr, node] of Object.entries(after.nodes))
    expect([node.on, node.off]).toEqual([before.nodes[addr]?.on, before.nodes[addr]?.off]);
});

test('host names are read without logging in, and the console is closed again', async () => {
  expect(await client.request('host.read', { addr: 1 })).toEqual({ addr: 1, host: 'node-01', why: '' });
  await rack.ctl('hostname', { node: '02', name: 'impostor' });
  await rack.ctl('power', { node: '02', state: 'off' });
  await rack.ctl('power', { node: '02', state: 'on' });
  await expect
    .poll(async () => (await client.request('host.read', { addr: 2 })).host, { timeout: 20_000 })
    .toBe('impostor');
  await rack.until(({ bus }) => bus.pipe === null && bus.console === null);
});

test('a console that somebody has open is not taken: not for a name, not for a survey, not for bytes by hand', async () => {
  const { client: eve } = await server.connect('eve');
  await eve.request('console.attach', { addr: 1, take: false, watch: false });
  expect((await refusal(client.request('host.read', { addr: 2 }))).message).toMatch(/keyboard: eve/);
  expect((await refusal(client.request('bus.survey', { exchanges: 1 }))).code).toBe(RPC_ERROR.held);
  expect((await refusal(raw(2, '='))).code).toBe(RPC_ERROR.held);
  await eve.request('console.detach', {});
  eve.close();
});

describe('bytes by hand', () => {
  test('what changes nothing is sent at once, and what came back is told', async () => {
    expect((await raw(1, '#')).heard).toMatch(/^\s*#\r\n {3}[0-9a-f-]{36}\r\n/);
    expect(await raw(null, '=')).toMatchObject({ heard: expect.stringMatching(/^\s*=\r\n00 00 1/) as string });
  });

  test('what could do something wants the name typed, and passes the guards of its verb', async () => {
    const { off } = (await rack.counters()).nodes['01'] ?? { off: -1 };
    for (const confirm of [null, 'node-02', ''])
      expect((await refusal(raw(1, '\\', confirm))).message).toMatch(/confirm with 'node-01'/);
    expect((await refusal(raw(3, '\\', 'node-03'))).message).toMatch(/protected/);
    expect((await refusal(raw(0, '\\', 'node-00'))).message).toMatch(/never sent there/);
    expect((await refusal(raw(null, '\\', 'master'))).message).toMatch(/never sent there/);
    expect((await refusal(raw(null, '[01]|\\', 'master'))).code).toBe(RPC_ERROR.refused);
    expect((await rack.counters()).nodes['01']?.off).toBe(off);
    expect((await rack.counters()).bus.masterCuts).toBe(0);
  });

  test('a pipe left open by hand is closed, and the bus answers again', async () => {
    const { after } = await raw(null, '[01]|', 'master');
    expect(after).toBe('the pipe is closed and the master answers');
    await rack.until(({ bus }) => bus.pipe === null && bus.console === null);
    expect((await client.request('bus.look', { addrs: [2], patient: false }))[0]?.power).toBe('on');
    await raw(1, '[00]~', 'node-01');
    await rack.until((state) => state.bus.console === null);
  });

  test('a confirmed cut goes to the node that has proven who it is, and all of it is written down', async () => {
    await raw(1, '\\', 'node-01');
    expect((await rack.node('01')).power).toBe('off');
    await raw(1, '/', 'node-01');
    expect((await rack.node('01')).power).toBe('on');
    const entries = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { stage: string; raw: string; node: { name: string } });
    expect(entries.slice(-4).map(({ stage, raw: sent, node }) => `${stage} ${sent} ${node.name}`)).toEqual([
      'intent \\ node-01',
      'outcome \\ node-01',
      'intent / node-01',
      'outcome / node-01',
    ]);
  });
});

test('the log shows exchanges as they pass', async () => {
  const last = (await client.request('bus.log', { after: 0, limit: 512, wait: false })).at(-1)?.seq ?? 0;
  const news = await client.request('bus.log', { after: last, limit: 512, wait: true });
  expect(news.length).toBeGreaterThan(0);
  expect(news.every(({ seq }) => seq > last)).toBe(true);
});

test('a recording holds every byte but the secrets, and plays the same rack again', async () => {
  server.kill('SIGTERM');
  await server.exited;
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain(UNLOCK);
  expect(text).toContain('"secret":true');
  const bytes = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { d?: string; b?: string });
  expect(bytes.some(({ d, b }) => d === 'out' && b === '[01]|=')).toBe(true);
  expect(bytes.some(({ d, b }) => d === 'in' && b?.includes('01 ff 1') === true)).toBe(true);
  const replay = new ReplayHost(file, join(folder, 'replayed'));
  try {
    await using again = await new ServeProcess({ port: join(folder, 'replayed'), config: CONFIG }).ready();
    const { client: viewer } = await again.connect();
    const { nodes } = await viewer.request('sweep', { addrs: null, interrupt: false });
    const states = nodes.map(({ reading }) => (reading.state === 'ok' ? reading.sample.power : reading.state));
    expect(states).toEqual(['on', 'on', 'on', 'on']);
  } finally {
    replay.close();
  }
});

test('a recording for which the disk has no room is told to operators, and the bus goes on', async () => {
  await using full = await new ServeProcess({
    port: rack.link,
    config: CONFIG,
    args: ['--record', '/dev/full'],
  }).ready();
  const { client: viewer } = await full.connect();
  const told = async (): Promise<string[]> =>
    (await viewer.request('events.list', { limit: 50 }))
      .filter(({ level }) => level === 'warning')
      .map(({ text }) => text);
  await vi.waitFor(
    async () => expect((await told()).join('\n')).toMatch(/recording \/dev\/full cannot be written: ENOSPC/),
    { interval: 50, timeout: 15_000 },
  );
  expect((await viewer.request('sweep', { addrs: null, interrupt: false })).bus.port).toBe(rack.link);
});
