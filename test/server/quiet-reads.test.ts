/** Reads beside a silent console, by the real server on the simulated rack with a line that loses nothing by itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { eightNodes, stand } from '../support/stand.ts';

const IDLE_S = 4;
/** Share of the time that the console is off the wire at most: what begins just then is lost. */
const MOST_AWAY = 0.1;

async function oldestAge(client: RackClient): Promise<number> {
  const { nodes, now } = await client.request('sweep', { addrs: null, interrupt: false });
  return Math.max(...nodes.map(({ reading }) => (reading.state === 'ok' ? now - reading.sample.at : Infinity)));
}

test('every node is read again within console.idle, in gaps that the log adds up; keys come out whole', async () => {
  const config = `name: lab\nport: /dev/null\nconsole: { telemetry: idle, idle: ${IDLE_S} }\n${eightNodes({ 0: 'role: master' })}`;
  await using place = await stand({ config, sim: ['--line-rate', 'unlimited', '--no-loss', '--time-scale', '20'] });
  const client = await place.client();
  let seen = '';
  client.on('console.data', ({ data }) => (seen += Buffer.from(data, 'base64').toString('latin1')));
  const joined = await client.request('console.attach', { addr: 5, take: false, watch: false });
  seen += Buffer.from(joined.screen, 'base64').toString('latin1');
  const began = performance.now();
  await expect.poll(() => oldestAge(client), { timeout: 30_000, interval: 200 }).toBeGreaterThan(2_000);
  // The sweep of a whole round, from the first gap on: then no value is older than one round.
  await expect.poll(() => oldestAge(client), { timeout: 60_000, interval: 100 }).toBeLessThanOrEqual(IDLE_S * 1_000);
  const type = (text: string): void =>
    client.note('console.input', { addr: 5, data: Buffer.from(text).toString('base64'), at: client.now() });
  // What a node prints while another is read is lost, which the log says: then the operator presses Enter once more.
  const prompted = (): string => {
    type('\r');
    return seen;
  };
  await expect.poll(prompted, { timeout: 30_000, interval: 1_000 }).toMatch(/n5 login: /);
  for (const key of 'nobody-here') type(key);
  await expect.poll(() => seen, { timeout: 30_000 }).toContain('nobody-here');
  const log = readFileSync(join(place.folder, 'consoles', 'n5.log'), 'utf8');
  const gaps = [...log.matchAll(/gaps? of (\d+\.\d{3}) s in all: other nodes were read/g)].map(([, s]) => Number(s));
  expect(gaps.length).toBeGreaterThan(0);
  const away = gaps.reduce((sum, s) => sum + s, 0) / ((performance.now() - began) / 1_000);
  console.info(`the console was off the wire for ${(away * 100).toFixed(1)} % of the time (8 nodes in ${IDLE_S} s)`);
  expect(away).toBeLessThan(MOST_AWAY);
});
