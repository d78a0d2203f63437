/** What the command line and the rack file of the simulator accept, and how they refuse. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRackPlan, referenceRackPath } from '../../src/sim/build.ts';
import { paramsFromWords } from '../../src/sim/control/socket.ts';
import { parseSimArgs, SIM_DEFAULTS } from '../../src/sim/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-test-sim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'rack.yaml');
  writeFileSync(path, text);
  return path;
}

test('options in both spellings', () => {
  const options = parseSimArgs([
    '--seed=7',
    '--line-rate',
    'unlimited',
    '--dialect',
    'newline=lf,brackets=yes',
    '--no-loss',
  ]);
  expect(options).toMatchObject({
    seed: 7,
    lineRate: Infinity,
    loss: false,
    dialect: { newline: '\n', brackets: true },
  });
  expect(parseSimArgs([])).toEqual(SIM_DEFAULTS);
});

test('the unlock string from a file is its first line', () => {
  expect(parseSimArgs(['--unlock-file', file('Secret\nrest\n')]).unlock).toBe('Secret');
});

test.each([
  [['--seed', 'x'], /'--seed <n>' argument 'x' is invalid. A number from 0/],
  [['--seed'], /'--seed <n>' argument missing/],
  [['--what'], /unknown option '--what'/],
  [['--dialect', 'newline=tab'], /newline=tab: can be lf, cr, crlf/],
  [['--dialect', 'colour=red'], /no dialect switch 'colour'/],
  [['--exec', 'top'], /Give NODE=PROGRAM/],
  [['--unlock', 'a', '--unlock-file', file('b\n')], /cannot be used with option '--unlock/],
  [['--state', 'half'], /choices are booted, off/],
])('%j is refused in words', (argv, message) => {
  expect(() => parseSimArgs(argv)).toThrow(message);
});

test('the reference rack', () => {
  const plan = readRackPlan(referenceRackPath() ?? '');
  expect(plan.nodes).toHaveLength(24);
  expect(plan).toMatchObject({ name: 'er24a', master: 0 });
  expect(plan.nodes[9]).toEqual({ addr: 9, name: 'dk8s-worker-03' });
});

test('positions stand for addresses, and a number for an address', () => {
  const plan = readRackPlan(file('nodes: [{ pos: B-2, name: x }, { addr: 3, name: y, role: master }]'));
  expect(plan).toEqual({
    name: 'rack',
    master: 3,
    nodes: [
      { addr: 3, name: 'y' },
      { addr: 6, name: 'x' },
    ],
  });
});

test.each([
  ['nodes: []', /describes no nodes/],
  ['nodes: [{ name: x }]', /node 'x' has neither an addr/],
  ['nodes: [{ addr: "80", name: x }]', /neither/],
  ['nodes: [{ addr: "01" }, { pos: A-1 }]', /an address occurs twice/],
])('%s is refused in words', (text, message) => {
  expect(() => readRackPlan(file(text))).toThrow(message);
});

test('words of the control command, in order or by name', () => {
  expect(paramsFromWords('off-late', ['03', 'ms=500'])).toEqual({ node: '03', ms: '500' });
  expect(paramsFromWords('hostname', ['03', 'a=b'])).toEqual({ node: '03', name: 'a=b' });
  expect(() => paramsFromWords('unplug', ['03'])).toThrow(/unplug has nothing that '03' could be/);
});
