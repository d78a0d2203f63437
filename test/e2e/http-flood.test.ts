/**
 * Calls of the HTTP interface in such number that they could keep the server from the bus. Nothing runs beside this (project
 * `timed` in `vitest.config.ts`): a sweep is compared with itself.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { residentMB } from '../bench/measure.ts';
import { httpStand, secretOf } from '../support/http.ts';

/** Length of the flood: two seconds show the limit and the sweep; thirty, whether anything grows (docs/dev/testing.md). */
const FLOOD_S = Number(process.env['RACKUI_FLOOD'] ?? 2);
const CALLS_A_SECOND = 1000;

test('a thousand calls a second are held to the rate, switch nothing, and leave the sweep as it was', async () => {
  await using flooded = await httpStand({ rate: 20, ownProcess: true });
  const began = performance.now();
  const client = await flooded.stand.client();
  const sweeps = async (ms: number): Promise<number> => {
    const seen: number[] = [];
    const until = performance.now() + ms;
    while (performance.now() < until) {
      const { bus } = await client.request('sweep', { addrs: [2], interrupt: false });
      if (bus.sweepMs !== null) seen.push(bus.sweepMs);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return seen.sort((a, b) => a - b)[Math.floor(seen.length / 2)] ?? Number.NaN;
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const statuses = new Map<number, number>();
  const one = (n: number, port: number): Promise<void> =>
    new Promise((resolve) => {
      // Of a token that may cut, without a key, and of nobody: each in turn.
      const token = n % 2 === 0 ? secretOf('cutter') : 'nobody-knows-this-one';
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const sent = request(
        { port, path: '/v1/operations', method: n % 4 === 0 ? 'POST' : 'GET', agent, headers },
        (answer) => {
          statuses.set(answer.statusCode ?? 0, (statuses.get(answer.statusCode ?? 0) ?? 0) + 1);
          answer.resume().once('end', resolve);
        },
      );
      sent.once('error', () => resolve());
      sent.end(n % 4 === 0 ? '{"verb":"force-off","nodes":["n2"]}' : undefined);
    });
  const flood = async (port: number, calls: number): Promise<number> => {
    const all: Promise<void>[] = [];
    const began = performance.now();
    for (let n = 0; n < calls; n += 50) {
      for (let more = 0; more < 50; more++) all.push(one(n + more, port));
      const due = began + (n * 1000) / CALLS_A_SECOND;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
    await Promise.all(all);
    return calls / ((performance.now() - began) / 1000);
  };
  // The floor: what the same calls cost this machine where another process answers nothing of them.
  const listener = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const measured = async (port: number, seconds: number): Promise<{ sweepMs: number; callsPerS: number }> => {
    const calls = flood(port, seconds * CALLS_A_SECOND);
    const sweepMs = await sweeps(seconds * 1000);
    return { sweepMs, callsPerS: await calls };
  };
  const floor = await measured((listener.address() as AddressInfo).port, 2);
  listener.close();
  statuses.clear();
  const memory = residentMB(flooded.stand.serverPid);
  const busy = await measured(flooded.port, FLOOD_S);
  const grownMB = residentMB(flooded.stand.serverPid) - memory;
  agent.destroy();
  expect([...statuses.keys()].sort((a, b) => a - b)).toEqual([200, 401, 428, 429]);
  const calls = FLOOD_S * CALLS_A_SECOND;
  expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(calls);
  const limited = statuses.get(429) ?? 0;
  expect(limited / calls).toBeGreaterThan(0.7);
  expect(busy.sweepMs / floor.sweepMs).toBeLessThan(2);
  expect(grownMB).toBeLessThan(64);
  if (FLOOD_S > 2) console.info({ floor, busy, grownMB, statuses: Object.fromEntries(statuses) });
  expect(await flooded.cuts()).toBe(0);
  // Refused calls are counted, and written once a minute: three kinds of them here.
  const minutes = Math.ceil((performance.now() - began) / 60_000);
  expect(flooded.stand.audit().filter(({ status }) => status === 429).length).toBeLessThanOrEqual(3 * minutes);
  await flooded.stand.killServer('SIGTERM');
  const counted = flooded.stand.audit().filter(({ status }) => status === 429);
  expect(counted.map(({ token, from }) => [token, from])).toContainEqual(['cutter', '127.0.0.1']);
  expect(counted.reduce((sum, { count }) => sum + (count as number), 0)).toBe(limited);
}, 300_000);
