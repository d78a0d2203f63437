/** One end of a connection, with the ends of an independent library at the other. */
import { Duplex, PassThrough, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  type Message,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { Peer, type PeerHandlers, ResponseError } from '../../src/lib/json-rpc.ts';

const NONE: PeerHandlers = {
  request: () => null,
  note: () => undefined,
  broken: () => undefined,
  fault: () => undefined,
};

/** A stream that reads `incoming` and writes to `outgoing`. */
function streamOf(incoming: PassThrough, outgoing: Writable): Duplex {
  return Duplex.from({ readable: incoming, writable: outgoing });
}

/** A socket's double: reading is as synchronous as with a real one. */
class Wire extends Duplex {
  fails = false;
  override _read(): void {
    // The test pushes.
  }
  override _write(_data: Buffer, _encoding: string, done: (error?: Error) => void): void {
    done(this.fails ? new Error('EPIPE') : undefined);
  }
  /** Lets bytes arrive. */
  arrive(bytes: string | Buffer): void {
    this.emit('data', Buffer.from(bytes));
  }
}

function frame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  return Buffer.concat([Buffer.from(`Content-Length: ${text.length}\r\n\r\n`), text]);
}

function pair(handlers: Partial<PeerHandlers>): { peer: Peer; other: MessageConnection } {
  const [to, from] = [new PassThrough(), new PassThrough()];
  const other = createMessageConnection(new StreamMessageReader(from), new StreamMessageWriter(to));
  other.listen();
  return { peer: new Peer(streamOf(to, from), { ...NONE, ...handlers }), other };
}

test('one write a message, whatever its length and its characters', async () => {
  const writes: Buffer[] = [];
  const socket = new Writable({
    write(data: Buffer, _encoding, done) {
      writes.push(data);
      done();
    },
  });
  const peer = new Peer(streamOf(new PassThrough(), socket), NONE);
  const sent = ['', 'é€😀', 'x'.repeat(200_000)].map((text) => ({ method: 'note', params: { text } }));
  await Promise.all(sent.map(({ method, params }) => peer.note(method, params)));
  expect(writes).toHaveLength(sent.length);
  const stream = new PassThrough();
  const read: Message[] = [];
  new StreamMessageReader(stream).listen((message) => read.push(message));
  for (const write of writes) stream.write(write);
  await expect.poll(() => read).toEqual(sent.map((message) => ({ jsonrpc: '2.0', ...message })));
});

test('what goes wrong with the stream is told to the sender', async () => {
  const wire = new Wire();
  wire.fails = true;
  wire.on('error', () => undefined);
  const peer = new Peer(wire, NONE);
  await expect(peer.note('note', {})).rejects.toThrow('EPIPE');
  await expect(peer.request('ask', {})).rejects.toThrow();
});

test('requests and errors are answered in both directions', async () => {
  const { peer, other } = pair({
    request: (method, params) => {
      if (method === 'refuse') throw new ResponseError(7, 'no', { why: 'x' });
      if (method === 'return') return new ResponseError(8, 'no either');
      if (method === 'fail') throw new TypeError('a fault');
      return Promise.resolve({ method, params });
    },
  });
  expect(await other.sendRequest('ask', { a: 'é' })).toEqual({ method: 'ask', params: { a: 'é' } });
  await expect(other.sendRequest('refuse', {})).rejects.toMatchObject({ code: 7, message: 'no', data: { why: 'x' } });
  await expect(other.sendRequest('return', {})).rejects.toMatchObject({ code: 8 });
  await expect(other.sendRequest('fail', {})).rejects.toMatchObject({ code: -32603 });
  other.onRequest('double', ({ n }: { n: number }) => 2 * n);
  expect(await peer.request('double', { n: 4 })).toBe(8);
  await expect(peer.request('nothing', {})).rejects.toMatchObject({ code: -32601 });
});

test('a request is cancelled from either end', async () => {
  const { peer, other } = pair({
    request: (_method, _params, stop) => new Promise((resolve) => stop.addEventListener('abort', () => resolve('cut'))),
  });
  const source = new CancellationTokenSource();
  const asked = other.sendRequest('long', {}, source.token);
  await nextTurn();
  source.cancel();
  expect(await asked).toBe('cut');
  const cancelled = (_params: object, token: CancellationToken): Promise<unknown> =>
    new Promise((resolve) => {
      if (token.isCancellationRequested) resolve('before');
      else token.onCancellationRequested(() => resolve('during'));
    });
  other.onRequest('long', cancelled);
  const stop = new AbortController();
  const ours = peer.request('long', {}, stop.signal);
  await nextTurn();
  await nextTurn();
  stop.abort();
  expect(await ours).toMatch(/before|during/);
  expect(await peer.request('long', {}, AbortSignal.abort())).toMatch(/before|during/);
});

test('a note that arrives alone is handled in the same turn, several in their order and one a turn', async () => {
  const wire = new Wire();
  const notes: unknown[] = [];
  const after: unknown[] = [];
  new Peer(wire, {
    ...NONE,
    note: (_method, params) => {
      notes.push(params);
      queueMicrotask(() => after.push([params, notes.length]));
    },
  });
  wire.arrive(frame({ method: 'n', params: 1 }));
  expect(notes).toEqual([1]);
  await Promise.resolve();
  wire.arrive(Buffer.concat([2, 3, 4].map((params) => frame({ method: 'n', params }))));
  expect(notes).toEqual([1, 2]);
  wire.arrive(frame({ method: 'n', params: 5 }));
  expect(notes).toEqual([1, 2]);
  await expect.poll(() => notes).toEqual([1, 2, 3, 4, 5]);
  // What a note leads to is done before the next one is handled.
  expect(after).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]));
});

test('a message may arrive in any pieces', async () => {
  const wire = new Wire();
  const notes: unknown[] = [];
  new Peer(wire, { ...NONE, note: (_method, params) => notes.push(params) });
  const bytes = Buffer.concat(['é€😀', '', 'x'.repeat(300)].map((params) => frame({ method: 'n', params })));
  for (let at = 0; at < bytes.length; at += 7) wire.arrive(bytes.subarray(at, at + 7));
  await expect.poll(() => notes).toEqual(['é€😀', '', 'x'.repeat(300)]);
});

test('a note that fails leaves the connection; a request to the end of it fails', async () => {
  const faults: unknown[] = [];
  const { peer, other } = pair({
    note: () => {
      throw new Error('fault');
    },
    fault: (error) => faults.push(error),
    request: () => 'well',
  });
  await other.sendNotification('n', {});
  expect(await other.sendRequest('ask', {})).toBe('well');
  expect(faults).toHaveLength(1);
  other.onRequest('never', () => new Promise(() => undefined));
  const asked = expect(peer.request('never', {})).rejects.toThrow('the connection has ended');
  peer.dispose();
  await asked;
  await expect(peer.note('n', {})).rejects.toThrow('the connection has ended');
});

test.each([
  ['no head', 'x'.repeat(5_000)],
  ['a head without length', 'Content-Type: x\r\n\r\n'],
  ['no JSON', 'Content-Length: 4\r\n\r\n{"a"'],
  ['no object', 'Content-Length: 4\r\n\r\nnull'],
])('%s is told once', (_what, bytes) => {
  const wire = new Wire();
  const broken: Error[] = [];
  new Peer(wire, { ...NONE, broken: (error) => broken.push(error) });
  wire.arrive(bytes);
  wire.arrive(bytes);
  expect(broken).toHaveLength(1);
});
