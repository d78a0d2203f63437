/**
 * `rackui off` and plans as scripts see them: exit codes, no question without a terminal, JSON lines by their schema. In this
 * process and in virtual time.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REFERENCE_RACK, type Stand } from '../support/stand.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';
import { jsonLines, rackui, type Ran } from './support.ts';

const SCHEMA = fileURLToPath(new URL('../../docs/lines.schema.json', import.meta.url));
const isLine = new Ajv2020({ strict: false, allErrors: true }).compile(
  JSON.parse(readFileSync(SCHEMA, 'utf8')) as Record<string, unknown>,
);

const CONFIGURATION = [
  readFileSync(REFERENCE_RACK, 'utf8'),
  '  two-workers:',
  '    steps:',
  '      - { name: down, action: off, selector: "k8s-worker-[08-09]" }',
  '  cut-hung:',
  '    steps:',
  '      - { name: down, action: off, selector: k8s-worker-08, deadline: 20, onDeadline: cut }',
  'login: { user: pi, password: { command: [echo, raspberry] } }',
  'shutdown: { settle: 0.3 }',
  'boot: { proof: status }',
  '',
].join('\n');

let clock: VirtualClock;
let place: Stand;
beforeAll(async () => {
  clock = new VirtualClock();
  place = await virtualStand({
    clock,
    sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'],
    config: CONFIGURATION,
  });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  clock[Symbol.dispose]();
});

/** Every line of its output is one that the schema knows. */
async function run(...args: string[]): Promise<Ran & { lines: Record<string, unknown>[] }> {
  const ran = await rackui(['--socket', place.socket, ...args, '--json']);
  const lines = jsonLines(ran);
  for (const line of lines)
    expect(isLine(line), `${JSON.stringify(line)}\n${JSON.stringify(isLine.errors)}`).toBe(true);
  return { ...ran, lines };
}

const types = ({ lines }: { lines: Record<string, unknown>[] }): unknown[] => lines.map(({ type }) => type);

test('the schema refuses what is no such line', () => {
  expect(isLine({ type: 'start' })).toBe(false);
  expect(isLine({ type: 'node', id: 'x', addr: 3 })).toBe(false);
});

test('0: halted, proven, cut', async () => {
  const ran = await run('off', 'k8s-worker-04', '--confirm', 'k8s-worker-04');
  expect([ran.code, types(ran).at(0), types(ran).at(-1)], ran.stderr).toEqual([0, 'start', 'end']);
  expect(ran.lines.at(-1)).toMatchObject({ exitCode: 0, nodes: [{ name: 'k8s-worker-04', outcome: 'done' }] });
  expect((await place.rack.counters()).nodes['03']).toMatchObject({ off: 1, cutAlive: 0 });
});

test('2: one is done, another was left on at the deadline', async () => {
  await place.rack.ctl('shutdown-hangs', { node: '0b' });
  const ran = await run('off', '07', '0b', '--confirm', '07 0b 2', '--deadline', '8');
  expect([ran.code, types(ran).at(-1)], ran.stderr).toEqual([2, 'end']);
  expect((await place.rack.counters()).nodes['0b']).toMatchObject({ off: 0 });
});

test('3: a guard refuses, and the line names the rule', async () => {
  const ran = await run('off', 'mcp01', '--confirm', 'mcp01');
  expect([ran.code, types(ran)]).toEqual([3, ['refused']]);
  expect(ran.lines[0]).toMatchObject({ nodes: [{ refusals: [{ rule: 'master', override: null }] }] });
});

test('3: the wrong words', async () => {
  expect(await run('off', '0e', '--confirm', '0f')).toMatchObject({ code: 3, lines: [] });
});

test('4: the deadline passed, and the node was left on', async () => {
  await place.rack.ctl('shutdown-hangs', { node: '0e' });
  const ran = await run('off', '0e', '--confirm', 'k8s-worker-01', '--deadline', '2');
  expect([ran.code, types(ran).at(-1)], ran.stderr).toEqual([4, 'end']);
  expect((await place.rack.counters()).nodes['0e']).toMatchObject({ off: 0 });
});

test('a question is answered on the command line: by its choice, with the words that it needs', async () => {
  await place.rack.ctl('inhibited', { node: '0f' });
  const bare = (...args: string[]): Promise<Ran> => rackui(['--socket', place.socket, ...args]);
  const begun = await bare('off', '0f', '--confirm', 'k8s-worker-07', '--detach', '--json');
  const id = String(jsonLines(begun)[0]?.['id']);
  let shown = '';
  await eventually(async () => {
    shown = (await bare('ops', id)).stdout;
    expect(shown).toContain(`answer: rackui answer ${id} CHOICE`);
  });
  expect(shown).toContain("force: cut its power now (--confirm '");
  expect(await bare('answer', id, 'perhaps')).toMatchObject({ code: 64 });
  expect(await bare('answer', id, 'leave', '--node', 'ns01')).toMatchObject({ code: 64 });
  expect(await bare('answer', id, 'force')).toMatchObject({ code: 64 });
  expect(await bare('answer', id, 'force', '--confirm', 'ns01')).toMatchObject({ code: 3 });
  expect(await bare('answer', 'nope', 'leave')).toMatchObject({ code: 64 });
  const left = await bare('answer', id, 'leave');
  expect([left.code, left.stdout], left.stderr).toEqual([0, expect.stringContaining('left on')]);
  expect((await bare('answer', id, 'leave')).stderr).toMatch(/has no prompt|has ended/);
  expect((await place.rack.counters()).nodes['0f']).toMatchObject({ off: 0 });
});

test('no question without a terminal: 64, at once, and how to confirm', async () => {
  const ran = await run('off', '12');
  expect(ran.code).toBe(64);
  expect(ran.stderr).toContain("add --confirm 'k8s-worker-02'");
  const plan = await run('plan', 'run', 'shed-dev');
  expect(plan.code).toBe(64);
  expect(plan.stderr).toContain("add --confirm 'shed-dev 9'");
});

test('a plan: shown, refused with the wrong words, carried out, its lines in order', async () => {
  const shown = await run('plan', 'show', 'two-workers');
  expect([shown.code, types(shown)], shown.stderr).toEqual([0, ['plan']]);
  expect((await run('plan', 'run', 'two-workers', '--confirm', 'two-workers 3')).code).toBe(3);
  const ran = await run('plan', 'run', 'two-workers', '--confirm', 'two-workers 2');
  expect([ran.code, types(ran).at(0), types(ran).at(-1)], ran.stderr).toEqual([0, 'plan-start', 'plan-end']);
  expect(types(ran)).toContain('plan-node');
  expect(ran.lines.at(-1)).toMatchObject({ state: 'ended', exitCode: 0 });
});

test('a plan pauses at a node that fails (2), goes on without it (skip), and can be called off', async () => {
  await run('on', '13', '17');
  await place.rack.until(({ nodes }) =>
    nodes.filter(({ addr }) => ['13', '17'].includes(addr)).every(({ guest }) => guest === 'login'),
  );
  await place.rack.ctl('shutdown-hangs', { node: '13' });
  const ran = await run('plan', 'run', 'two-workers', '--confirm', 'two-workers 2', '--deadline', '5');
  expect([ran.code, types(ran).at(-1)], ran.stderr).toEqual([2, 'plan-end']);
  expect(ran.lines.at(-1)).toMatchObject({ state: 'paused' });
  const id = String(ran.lines.at(-1)?.id);
  expect((await run('plan', 'run', 'two-workers', '--confirm', 'two-workers 2')).code).toBe(3);
  const skipped = await run('plan', 'skip', id, '13', '17');
  expect([skipped.code, types(skipped)], skipped.stderr).toEqual([0, ['plan-state']]);
  expect((await run('plan', 'abort', id)).code).toBe(3);
});

test('6: an armed plan cuts a node that does not halt, after asking it, and a paused run gives way to it', async () => {
  const former = await run('plan', 'run', 'two-workers', '--confirm', 'two-workers 2', '--deadline', '1');
  expect([former.code, former.lines.at(-1)?.['state']], former.stderr).toEqual([2, 'paused']);
  const ran = await run('plan', 'run', 'cut-hung', '--armed', '--deadline', '60');
  expect([ran.code, types(ran).at(-1)], ran.stderr).toEqual([6, 'plan-end']);
  expect(ran.lines.at(-1)).toMatchObject({ exitCode: 6, state: 'ended' });
  expect(JSON.stringify(ran.lines.at(-1))).toContain('cut-unproven');
  const listed = await rackui(['--socket', place.socket, 'plan', 'list']);
  expect(listed.stdout).toMatch(/plan two-workers .* ended: superseded by run /);
});

test('5: the bus is gone', async () => {
  await place.rack.ctl('unplug');
  const ran = await run('off', '12', '--confirm', 'k8s-worker-02');
  expect([ran.code, ran.lines]).toEqual([5, []]);
});
