/**
 * The floor of a server: opens the port, and asks every node for its status once a second, with the bytes that rackui
 * sends. No checks, no timeouts, no clients. Arguments: port, number of nodes.
 */
import { execFileSync } from 'node:child_process';
import { constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';

const [port = '', count = ''] = process.argv.slice(2);
execFileSync('stty', ['-F', port, '115200', 'raw', '-echo']);
const file = openSync(port, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
const questions = Array.from({ length: Number(count) }, (_, addr) =>
  addr === 0 ? '=' : `[${addr.toString(16).padStart(2, '0')}]|=`,
);
const samples = new Map<string, [current: number, fan: number, at: number]>();
let next = 0;
let reply = '';
const ask = (): void => void writeSync(file, questions[next] ?? '');
new ReadStream(file).on('data', (chunk: Buffer) => {
  reply += chunk.toString('latin1');
  const [whole, addr = '', current = '', fan = ''] = /\r\n(..) .. \d (..) (..)\r\n$/.exec(reply) ?? [];
  if (whole === undefined) return;
  samples.set(addr, [parseInt(current, 16), parseInt(fan, 16), Date.now()]);
  reply = '';
  if (next > 0) writeSync(file, '\x07');
  if (++next < questions.length) ask();
});
setInterval(() => {
  next = 0;
  ask();
}, 1000);
