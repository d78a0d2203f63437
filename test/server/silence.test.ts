/** Clients that say nothing any more: who is told, what may be taken from them, and keys that waited in a socket. */
import { connect as connectSocket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { API_VERSION, KEY_LIMIT_MS, RPC_ERROR, SILENT_LIMIT_S, type Snapshot } from '../../src/api/methods.ts';
import type { PowerRequest } from '../../src/api/power.ts';
import { startRack } from '../support/rack.ts';
import { eventually, Harness, NODES, refusal } from './harness.ts';
import { ServeProcess } from './process.ts';

const OFF_BETA: PowerRequest = {
  ...{ verb: 'off', nodes: [2], label: 'beta', confirm: 'beta', deadlineS: null },
  ...{ onDeadline: 'leave', takeConsole: false },
};

/** A client that opens a console and then says nothing, as one that is stopped. */
async function frozenHolder(socket: string, addr: number) {
  const stream = connectSocket(socket);
  const rpc = createMessageConnection(new StreamMessageReader(stream), new StreamMessageWriter(stream));
  rpc.listen();
  const who = { user: 'eve', from: null, tty: null, program: 'console', pid: 4711 };
  await rpc.sendRequest('hello', { api: API_VERSION, who });
  await rpc.sendRequest('console.attach', { addr, take: false, watch: false });
  return {
    speak: (): Promise<unknown> => rpc.sendRequest('server.ping', {}),
    [Symbol.dispose]: () => {
      rpc.dispose();
      stream.destroy();
    },
  };
}

const LONG = { timeout: (SILENT_LIMIT_S + 20) * 1000, interval: 100 };

test('a holder that says nothing is shown as silent, gives way to who must not wait, and is heard again', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready();
  using eve = await frozenHolder(rack.socket, 1);
  const snapshot = (): Promise<Snapshot> => alice.client.request('sweep', { addrs: null, interrupt: false });
  expect((await snapshot()).console).toMatchObject({ holderName: 'eve', holderSilentSince: null });
  const open = { addr: 2, take: false, watch: false };
  expect((await refusal(alice.client.request('console.attach', open))).message).toBe(
    'eve holds the console of alpha (A-1, 01)',
  );
  // One that was heard lately keeps it, whoever asks.
  for (const takeConsole of [false, 'silent'] as const) {
    const check = await alice.client.request('power.check', { ...OFF_BETA, takeConsole });
    expect(check.nodes[0]?.refusals.map(({ rule }) => rule)).toEqual(['console']);
  }

  await vi.waitFor(async () => expect((await snapshot()).console?.holderSilentSince).not.toBeNull(), LONG);
  const { sessions } = await snapshot();
  expect(sessions.filter(({ silentSince }) => silentSince !== null).map(({ who }) => who.user)).toEqual(['eve']);
  const { code, message } = await refusal(alice.client.request('console.attach', open));
  expect(code).toBe(RPC_ERROR.held);
  expect(message).toMatch(
    /^eve \(console, pid 4711, silent for \d+ s: it is stopped, or its link is cut\) holds the console of alpha/,
  );
  const attended = await alice.client.request('power.check', OFF_BETA);
  expect(attended.nodes[0]?.refusals[0]?.message).toContain('eve (console, pid 4711, silent for');
  const unattended = { ...OFF_BETA, takeConsole: 'silent' } as const;
  expect((await alice.client.request('power.check', unattended)).nodes[0]?.refusals).toEqual([]);

  await eve.speak();
  await eventually(() => expect(alice.updates.at(-1)?.console).toMatchObject({ holderSilentSince: null }));
  expect((await alice.client.request('power.check', unattended)).nodes[0]?.refusals).toHaveLength(1);
  await vi.waitFor(async () => expect((await snapshot()).console?.holderSilentSince).not.toBeNull(), LONG);
  const operation = await alice.client.request('power.start', unattended);
  await vi.waitFor(async () => expect((await snapshot()).console).toMatchObject({ addr: 2, holder: null }), LONG);
  await alice.client.request('ops.abort', { id: operation.id });
}, 60_000);

test.each([KEY_LIMIT_MS + 500, 43_000, 86_400_000])(
  'keys that are %i ms old are not typed, and neither is what follows at once',
  async (age) => {
    await using rack = await Harness.start();
    rack.rack.greeting = 'alpha login: ';
    const alice = await rack.ready();
    await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
    await eventually(() => expect(alice.seen).toContain('login'));
    const send = (text: string, at: number): void =>
      alice.client.note('console.input', { addr: 1, data: Buffer.from(text).toString('base64'), at });
    send('first ', alice.client.now());
    await eventually(() => expect(rack.rack.consoleInput).toBe('first '));
    send('rm -r ', alice.client.now() - age);
    send('x\r', alice.client.now());
    await eventually(() => expect(alice.told).toHaveLength(2));
    expect(alice.told[0]).toMatch(/blocked: the server or the line to it was held up for \d+ s: not sent; look at/);
    expect(alice.told[1]).toContain('keys before it were not sent either');
    const paste = { addr: 1, data: Buffer.from('y\r').toString('base64'), at: alice.client.now() - age };
    expect(await alice.client.request('console.paste', paste)).toMatchObject({ sent: false });
    // Whoever was told, and pauses, types anew.
    await vi.waitFor(
      () => {
        alice.type(1, 'k');
        expect(rack.rack.consoleInput).toMatch(/^first k+$/);
      },
      { timeout: 20_000, interval: 1_500 },
    );
  },
);

test('keys typed at a stopped server do not reach the node when it goes on', async () => {
  await using rack = await startRack({ args: ['--nodes', '4'] });
  const config = `nodes:\n${NODES.map((node) => `  - { addr: "${node.addr}", name: ${node.name} }\n`).join('')}`;
  await using server = await new ServeProcess({ port: rack.port, config }).ready();
  const { client } = await server.connect();
  await client.request('sweep', { addrs: null, interrupt: false });
  await client.request('console.attach', { addr: 1, take: false, watch: false });
  let seen = '';
  client.on('console.data', ({ data }) => (seen += Buffer.from(data, 'base64').toString()));
  const type = (text: string): void =>
    client.note('console.input', { addr: 1, data: Buffer.from(text).toString('base64'), at: client.now() });
  await vi.waitFor(
    () => {
      type('\r');
      expect(seen).toContain('login:');
    },
    { timeout: 20_000, interval: 1_000 },
  );
  server.kill('SIGSTOP');
  for (const key of ['reb', 'oot', '\r']) type(key);
  // The client gives a stopped server up; what it wrote stays in the socket.
  await new Promise<void>((resolve) => client.onClose(() => resolve()));
  await new Promise((resolve) => setTimeout(resolve, KEY_LIMIT_MS));
  server.kill('SIGCONT');
  const again = await server.connect();
  await again.client.request('console.attach', { addr: 1, take: true, watch: false });
  await vi.waitFor(
    () => {
      again.type(1, '\r');
      expect(again.seen).toContain('login:');
    },
    { timeout: 20_000, interval: 1_000 },
  );
  expect(
    Buffer.from(
      (await again.client.request('log.read', { addr: 1, kind: 'raw', cursor: null, since: null, search: null })).data,
      'base64',
    ).toString(),
  ).not.toContain('oot');
}, 60_000);
