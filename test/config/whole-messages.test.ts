/** A message of JSON-RPC leaves in one write, as the library's own reader understands it. */
import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { StreamMessageReader, StreamMessageWriter, type Message } from 'vscode-jsonrpc/node';
import { wholeMessages } from '../../src/lib/unix-socket.ts';

test('one write a message, whatever its length and its characters', async () => {
  const writes: Buffer[] = [];
  const socket = new Writable({
    write(data: Buffer, _encoding, done) {
      writes.push(data);
      done();
    },
  });
  const writer = new StreamMessageWriter(wholeMessages(socket));
  const sent = ['', 'é€😀', 'x'.repeat(200_000)].map((text) => ({ jsonrpc: '2.0', method: 'note', params: { text } }));
  await Promise.all(sent.map((message) => writer.write(message)));
  expect(writes).toHaveLength(sent.length);
  const stream = new PassThrough();
  const read: Message[] = [];
  new StreamMessageReader(stream).listen((message) => read.push(message));
  for (const write of writes) stream.write(write);
  await expect.poll(() => read).toEqual(sent);
});

test('what goes wrong with the stream is told to the writer', async () => {
  const socket = new Writable({
    write(_data, _encoding, done) {
      done(new Error('EPIPE'));
    },
  });
  socket.on('error', () => undefined);
  const writer = new StreamMessageWriter(wholeMessages(socket));
  const told: string[] = [];
  writer.onError(([error]) => told.push(error.message));
  await expect(writer.write({ jsonrpc: '2.0' })).rejects.toThrow('EPIPE');
  expect(told).toContain('EPIPE');
});
