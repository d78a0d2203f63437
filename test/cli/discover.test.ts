/** discover and verify against the simulated rack: what they write and say, and that nothing in the rack knows of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rackFile, type Found } from '../../src/cli/format/discovered-config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { stand, type Stand } from '../support/stand.ts';
import { jsonLines, rackui } from './support.ts';

const HERE = hostname();
const CONFIG = `name: test
nodes:
  - { addr: "00", name: "${HERE}", role: master }
  - { addr: "01", name: alpha }
  - { addr: "02", name: beta }
  - { addr: "05", name: gamma }
`;

let one: Stand;
const folder = mkdtempSync(join(tmpdir(), 'rackui-test-discover-'));
beforeAll(async () => {
  one = await stand({ config: CONFIG, sim: ['--time-scale', '20'] });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const run = (...args: string[]): ReturnType<typeof rackui> => rackui(['--socket', one.socket, ...args]);

test('verify: a match, a mismatch, one that could not be seen; exit codes; nothing was switched, and consoles are closed', async () => {
  const good = await run('verify');
  expect(good.stdout).toMatch(/^4 match, 0 mismatch, 0 not verified$/m);
  expect(good.code).toBe(0);
  await one.rack.ctl('no-getty', { node: '01' });
  const partly = await run('verify', 'alpha', 'beta', '--json');
  expect(jsonLines(partly).map(({ addr, result }) => `${String(addr)} ${String(result)}`)).toEqual([
    '01 not seen',
    '02 match',
  ]);
  expect(partly.code).toBe(2);
  await one.rack.ctl('hostname', { node: '02', name: 'omega' });
  for (const state of ['off', 'on']) await one.rack.ctl('power', { node: '02', state });
  await expect
    .poll(async () => (await run('verify', 'beta')).stdout, { timeout: 30_000, interval: 500 })
    .toMatch(/beta +mismatch +calls itself omega/);
  expect((await run('verify', 'beta')).code).toBe(3);
  const { nodes, bus } = await one.rack.counters();
  expect(Object.values(nodes).map(({ on, off }) => on + off)).toEqual([0, 0, 0, 0]);
  expect(bus.masterForConsole.printable).toBe(0);
  await one.rack.until((state) => state.bus.pipe === null && state.bus.console === null);
});

test('discover writes a configuration that is good, and overwrites none unasked', { timeout: 60_000 }, async () => {
  const file = join(folder, 'rack.yaml');
  writeFileSync(file, 'mine\n');
  const refused = await run('discover', '--write', file);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(/exists and is not overwritten/);
  expect(readFileSync(file, 'utf8')).toBe('mine\n');
  const written = await run('discover', '--write', file, '--force');
  expect(written.stderr).toBe('');
  expect(written.stdout).toMatch(/^4 nodes written/m);
  const text = readFileSync(file, 'utf8');
  const { nodes } = parseConfig(text, file);
  expect(nodes.map(({ addr, name, role }) => [addr, name, role])).toEqual([
    [0, HERE, 'master'],
    [1, undefined, undefined],
    [2, 'omega', undefined],
    [5, 'gamma', undefined],
  ]);
  expect(text).toMatch(/addr: "05".*uid: "[0-9a-f-]{36}"/);
  expect(nodes.every(({ uid }) => uid?.length === 36)).toBe(true);
});

test('what a node claims cannot leave its place in the file', () => {
  const node = (addr: number, host: string | null, uid: string | null): Found => ({
    ...{ addr, host, uid, power: 'on', master: false, failure: null, why: 'silent\nnodes: []' },
  });
  const text = rackFile(
    [node(1, 'twin', null), node(2, 'twin', 'x\ny'), node(3, 'a b" }', null), node(4, null, null)],
    {
      port: '/dev/x',
      at: 0,
    },
  );
  const { nodes } = parseConfig(text, 'x');
  expect(nodes.map(({ name }) => name)).toEqual(['twin', undefined, undefined, undefined]);
});
