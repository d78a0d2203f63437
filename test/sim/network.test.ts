/** The nodes' ssh ports on loopback, as somebody who knocks meets them. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startRackInProcess } from '../support/rack.ts';

const PORT = 2297;

/** What answers at a node's port: its first words, or how it does not answer. */
function knock(addr: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: `127.70.1.${addr}`, port: PORT });
    const done = (what: string): void => {
      clearTimeout(patience);
      socket.destroy();
      resolve(what);
    };
    const patience = setTimeout(() => done('nothing'), 400);
    socket.once('data', (chunk) => done(chunk.toString().trim()));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

const meets = (addr: number, what: RegExp): Promise<void> =>
  expect.poll(() => knock(addr), { timeout: 15_000, interval: 20 }).toMatch(what);

test('a port greets while its system is up, refuses on the way, and does not answer when it has halted', async () => {
  await using rack = await startRackInProcess({ args: ['--nodes', '4', '--time-scale', '20'] });
  await rack.ctl('listen', { place: `127.70.1:${PORT}` });
  await meets(1, /^SSH-2\.0-/);
  expect((await rack.node('01')).network).toBe('up');
  expect(await rack.ctl('shutdown', { node: '01' })).toMatchObject({ code: 0 });
  await rack.until(({ nodes }) => nodes[1]?.guest === 'halted');
  await meets(1, /^nothing$/);
  expect(await rack.ctl('shutdown', { node: '01' })).toMatchObject({ code: 255 });
  await rack.ctl('network', { node: '02', state: 'refused' });
  await meets(2, /^ECONNREFUSED$/);
  await rack.ctl('network', { node: '02', state: 'auto' });
  await meets(2, /^SSH-2\.0-/);
  // Off, and up again.
  await rack.ctl('power', { node: '01', state: 'off' });
  await rack.ctl('power', { node: '01', state: 'on' });
  await meets(1, /^SSH-2\.0-/);
});

test('a real server behind the ports sees which node was meant', async () => {
  const seen: (string | undefined)[] = [];
  const real = createServer((socket) => {
    seen.push(socket.remoteAddress);
    socket.end('SSH-2.0-real\r\n');
  });
  await new Promise<void>((resolve) => real.listen(0, '127.0.0.1', resolve));
  await using rack = await startRackInProcess({ args: ['--nodes', '4'] });
  await rack.ctl('listen', { place: `127.70.1:${PORT}`, sshd: (real.address() as AddressInfo).port });
  await meets(3, /^SSH-2\.0-real$/);
  expect(seen).toContain('127.70.1.3');
  real.close();
});

test('only loopback, and not what is taken', async () => {
  await using rack = await startRackInProcess({ args: ['--nodes', '4'] });
  await expect(rack.ctl('listen', { place: '10.0.0:22' })).rejects.toThrow(/no place for the nodes' ports/);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(PORT, '127.70.1.2', resolve));
  await expect(rack.ctl('listen', { place: `127.70.1:${PORT}` })).rejects.toThrow(/ports cannot be: .*EADDRINUSE/);
  other.close();
});
