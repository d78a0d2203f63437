/** Power verbs over several racks: simulated racks, one server process, the real program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { racks, type Racks } from '../support/racks.ts';
import { openTerminal } from '../support/terminal.ts';
import { PROGRAM } from '../support/program.ts';

let fleet: Racks;
let bin: string;
const PATH = process.env['PATH'] ?? '';

beforeAll(async () => {
  // No machine can be reached by ssh.
  bin = mkdtempSync(join(tmpdir(), 'rackui-bin-'));
  writeFileSync(
    join(bin, 'ssh'),
    '#!/bin/sh\necho "ssh: connect to host far port 22: No route to host" >&2\nexit 255\n',
    {
      mode: 0o755,
    },
  );
  process.env['PATH'] = `${bin}:${PATH}`;
  fleet = await racks({ north: 4, south: 4 }, ['--time-scale', '20', '--no-loss']);
  for (const [name, more] of [
    ['north', ''],
    ['south', ', protected: true'],
  ] as const)
    writeFileSync(
      join(fleet.folder, `${name}.yaml`),
      [
        `name: ${name}`,
        `port: ${fleet.racks.get(name)?.link ?? ''}`,
        'server: { linger: 2 }',
        'boot: { proof: status }',
        'nodes:',
        ...[1, 2, 3].map(
          (n) => `  - { addr: "0${n}", name: ${name[0] ?? ''}${n}, cluster: dev${n === 3 ? more : ''} }`,
        ),
        '',
      ].join('\n'),
    );
  await fleet.serve();
}, 60_000);
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  process.env['PATH'] = PATH;
  rmSync(bin, { recursive: true });
});
beforeEach(async () => {
  fleet.say('');
  await fleet.run('on', '*:all');
});

/** How often power was cut at each rack. */
async function cuts(): Promise<Record<string, number>> {
  const counted = [...fleet.racks].map(async ([name, rack]) => {
    const nodes = Object.values((await rack.counters()).nodes);
    return [name, nodes.reduce((sum, node) => sum + node.off, 0)] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

const json = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('one confirmation names every rack with its nodes and the count, and each rack runs an operation of its own', async () => {
  const words = ['off', '--force', 'north:n[1-2]', 'south:s1'];
  const before = await cuts();
  const dry = await fleet.run(...words, '--dry-run');
  expect(dry).toMatchObject({ code: 0, err: '' });
  expect(dry.out).toMatch(/^north {2}force-off n\[1-2\] \(2 nodes\): cuts power at once/m);
  expect(dry.out).toMatch(/^south {2}force-off s1 \(1 node\)/m);
  expect(dry.out).toContain(
    'force-off north:n[1-2] south:s1: 3 nodes on 2 racks: north n[1-2] (2), south s1 (1)\n' +
      "to confirm: --confirm 'north:n[1-2] south:s1 3'\nnothing was sent (--dry-run)\n",
  );
  const checks = json((await fleet.run(...words, '--dry-run', '--json')).out);
  expect(checks).toMatchObject([
    { type: 'check', rack: 'north', confirm: 'north:n[1-2] south:s1 3' },
    { type: 'check', rack: 'south', confirm: 'north:n[1-2] south:s1 3' },
  ]);
  const unconfirmed = await fleet.run(...words);
  expect(unconfirmed).toMatchObject({ code: 64, out: '' });
  expect(unconfirmed.err).toContain("add --confirm 'north:n[1-2] south:s1 3'");
  for (const wrong of ['north:n[1-2] south:s1 2', 'n[1-2] 2', 's1'])
    expect((await fleet.run(...words, '--confirm', wrong)).code).toBe(3);
  expect(await cuts()).toEqual(before);

  const done = await fleet.run(...words, '--confirm', 'north:n[1-2] south:s1 3', '--json');
  expect(done.code).toBe(0);
  const ends = json(done.out).filter(({ type }) => type === 'end');
  expect(ends.map(({ rack, exitCode }) => `${String(rack)} ${String(exitCode)}`).sort()).toEqual([
    'north 0',
    'south 0',
  ]);
  expect(await cuts()).toEqual({ north: (before['north'] ?? 0) + 2, south: (before['south'] ?? 0) + 1 });
  const { id } = ends.find(({ rack }) => rack === 'north') as { id: string };
  const idle = await fleet.run('answer', `north:${id}`, 'retry');
  expect(idle.err).toContain(`has no prompt: see 'rackui ops north:${id}'`);
  // Each rack's own server names its own operation.
  expect((await fleet.run('ops')).out).toMatch(/^north {2}force-off n\[1-2\][^\n]*2 done[^]*^south {2}force-off s1/m);
});

test('the confirmation is typed on a terminal, and a single node is named with its rack', async () => {
  const before = await cuts();
  const terminal = openTerminal(process.execPath, [PROGRAM, 'off', '--force', '*:n3'], { env: fleet.env });
  try {
    await terminal.waitFor(/force-off \*:n3: 1 node on 1 rack: north n3 \(1\)[^]*Type north:n3 and Enter to confirm/);
    terminal.type('north:n3\r');
    expect((await terminal.exited).code).toBe(0);
  } finally {
    await terminal[Symbol.asyncDispose]();
  }
  expect(await cuts()).toEqual({ ...before, north: (before['north'] ?? 0) + 1 });
});

test('a rack whose guard refuses keeps the verb from every rack', async () => {
  const before = await cuts();
  const refused = await fleet.run('off', '--force', '*:cluster:dev', '--confirm', '*:cluster:dev 6');
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toMatch(/^south {6}refused \(protected\): s3/m);
  expect(refused.err).toContain('rackui: force-off refused on south, nothing was sent to any rack\n');
  const asJson = await fleet.run('off', '--force', '*:cluster:dev', '--confirm', '*:cluster:dev 6', '--json');
  expect(json(asJson.out)).toMatchObject([{ type: 'refused', rack: 'south' }]);
  expect(await cuts()).toEqual(before);
});

test('a rack that is not reached is reported before, confirms nothing and is never counted as done', async () => {
  writeFileSync(fleet.config, 'racks: [{ name: far, ssh: pi@far }, north.yaml, south.yaml]\n');
  const before = await cuts();
  const short = await fleet.run(
    'off',
    '--force',
    '*:cluster:dev',
    '!south:s3',
    '--confirm',
    '*:cluster:dev !south:s3 9',
  );
  expect(short.code).toBe(3);
  expect(short.err).toMatch(/^far {4}rackui: .*No route to host\nnorth/);
  expect(short.err).toContain(
    '5 nodes on 2 racks: north n[1-3] (3), south s[1-2] (2); not reached, nothing is done there: far',
  );
  expect(await cuts()).toEqual(before);
  const rest = await fleet.run(
    'off',
    '--force',
    '*:cluster:dev',
    '!south:s3',
    '--confirm',
    '*:cluster:dev !south:s3 5',
  );
  expect(rest.code).toBe(2);
  expect(await cuts()).toEqual({ north: (before['north'] ?? 0) + 3, south: (before['south'] ?? 0) + 2 });
  expect(await fleet.run('on', 'far:all')).toMatchObject({ code: 5, out: '' });
});
