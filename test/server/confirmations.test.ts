/** What acts counts once, soon, and for the question that was read: on the wire, and with servers that stand still. */
import { connect as connectSocket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMessageConnection, ResponseError, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { API_VERSION, RPC_ERROR, type Requests } from '../../src/api/methods.ts';
import type { PowerRequest } from '../../src/api/power.ts';
import { startRack } from '../support/rack.ts';
import { refusal } from './harness.ts';
import { ServeProcess } from './process.ts';

const FOUR = `nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: alpha }
  - { addr: "02", name: beta }
  - { addr: "03", name: gamma }
`;
const CUT: PowerRequest = {
  ...{ verb: 'force-off', nodes: [1], label: 'alpha', confirm: 'alpha', deadlineS: null },
  ...{ onDeadline: 'leave', takeConsole: false },
};

const SIM = { args: ['--nodes', '4'] };

/** The error that a request of {@link rawClient} is answered with. */
async function refused(request: Promise<unknown>): Promise<{ code: number; message: string }> {
  const error: unknown = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ResponseError)) throw new Error('it was not refused');
  return error;
}

/** A client that sends what it is told, without the typed client's own care. */
async function rawClient(path: string) {
  const socket = connectSocket(path);
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  rpc.listen();
  const who = { user: 'eve', from: null, tty: null, program: 'test', pid: 1 };
  await rpc.sendRequest('hello', { api: API_VERSION, who });
  return {
    send: (method: string, params: object): Promise<unknown> => rpc.sendRequest(method, params),
    nonce: async (): Promise<string> =>
      (await rpc.sendRequest<Requests['confirm.begin'][1]>('confirm.begin', {})).nonce,
    [Symbol.dispose]: () => {
      rpc.dispose();
      socket.destroy();
    },
  };
}

// Each on a rack of its own: they mostly wait.
describe.concurrent('a confirmation', () => {
  test('a cut without a confirmation, with a wrong one, and sent again does nothing', async () => {
    await using rack = await startRack(SIM);
    await using server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
    using client = await rawClient(server.socket);
    await client.send('sweep', { addrs: null, interrupt: false });
    for (const extra of [{}, { nonce: 'guessed' }, { nonce: 5 }])
      expect(await refused(client.send('power.start', { ...CUT, ...extra }))).toMatchObject({
        code: RPC_ERROR.refused,
        message: expect.stringContaining('nothing was done') as string,
      });
    expect((await rack.node('01')).power).toBe('on');
    using other = await rawClient(server.socket);
    const theirs = await other.nonce();
    expect((await refused(client.send('power.start', { ...CUT, nonce: theirs }))).code).toBe(RPC_ERROR.refused);
    const spent = await client.nonce();
    // Refused by a rule of its own, and spent all the same.
    await refused(client.send('power.start', { ...CUT, confirm: 'no', nonce: spent }));
    const { message } = await refused(client.send('power.start', { ...CUT, nonce: spent }));
    expect(message).toContain('used already');
    expect((await rack.node('01')).power).toBe('on');
    await client.send('power.start', { ...CUT, nonce: await client.nonce() });
    await rack.until(({ nodes }) => nodes.some(({ addr, power }) => addr === '01' && power === 'off'));
  });

  test('a confirmed cut that waited in the socket of a stopped server is not carried out', async () => {
    await using rack = await startRack(SIM);
    await using server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
    using client = await rawClient(server.socket);
    const nonce = await client.nonce();
    server.kill('SIGSTOP');
    const answer = refused(client.send('power.start', { ...CUT, nodes: [2], label: 'beta', confirm: 'beta', nonce }));
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    server.kill('SIGCONT');
    expect((await answer).message).toMatch(/confirmation is 1\d s old/);
    expect((await rack.node('02')).power).toBe('on');
  });

  test('a client of a stopped server is told within seconds, and what it wanted is not done later', async () => {
    await using rack = await startRack(SIM);
    await using server = await new ServeProcess({ port: rack.port, config: FOUR }).ready();
    const { client } = await server.connect();
    server.kill('SIGSTOP');
    const failure = await refusal(
      client.request('power.start', { ...CUT, nodes: [3], label: 'gamma', confirm: 'gamma' }),
    );
    expect(failure.code).toBe(RPC_ERROR.unavailable);
    expect(failure.message).toBe(
      `the server (pid ${server.pid}) has not answered for 5 s; it is stopped (state T): continue it with 'kill -CONT ${server.pid}', or end it with 'kill -KILL ${server.pid}'`,
    );
    // One that connects now hears the same.
    await expect(server.connect()).rejects.toThrow(`the server (pid ${server.pid}) has not answered`);
    server.kill('SIGCONT');
    const again = await server.connect();
    await again.client.request('sweep', { addrs: null, interrupt: false });
    expect(await again.client.request('ops.list', {})).toEqual([]);
    expect((await rack.node('03')).power).toBe('on');
  });
});
