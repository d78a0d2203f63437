/** Plans against a rack: order, defaults, and everything that can be wrong with one. */
import { expect, test } from 'vitest';
import { type Inventory, unnamedNode } from '../../src/rack/inventory.ts';
import { resolvePlan, type StepDefinition } from '../../src/rack/plan.ts';

const RACK: Inventory = {
  name: 'r',
  configured: true,
  calibration: null,
  nodes: [
    { ...unnamedNode(0), name: 'boss', role: 'master' },
    { ...unnamedNode(1), name: 'ns', role: 'dns' },
    ...[2, 3, 4, 5, 6, 7].map((addr) => ({ ...unnamedNode(addr), name: `w${addr}`, role: 'worker' })),
  ],
};

function step(name: string, selector: string, more: Partial<StepDefinition> = {}): StepDefinition {
  return { name, selector, action: 'off', verify: 'boot', onDeadline: 'leave', onFail: 'pause', ...more };
}

function problems(...steps: StepDefinition[]): string[] {
  const resolved = resolvePlan({ steps }, RACK);
  return resolved.ok ? [] : resolved.problems.map(({ step: index, field, message }) => `${index} ${field}: ${message}`);
}

test('a step without needs waits for the one before it; off goes four at once, on blade after blade', () => {
  const resolved = resolvePlan({ steps: [step('a', 'role:worker'), step('b', 'ns'), step('c', 'boss')] }, RACK);
  expect(
    resolved.ok && resolved.steps.map(({ name, needs, parallel, stagger }) => [name, needs, parallel, stagger]),
  ).toEqual([
    ['a', [], 4, 0],
    ['b', ['a'], 4, 0],
    ['c', ['b'], 4, 0],
  ]);
  const up = resolvePlan({ steps: [step('up', 'role:worker', { action: 'on' })] }, RACK);
  expect(up.ok && up.steps[0]?.nodes.map(({ addr }) => addr)).toEqual([4, 5, 2, 6, 3, 7]);
});

test('steps come after what they need, however they are written', () => {
  const resolved = resolvePlan(
    { steps: [step('late', 'w2', { needs: ['early'] }), step('early', 'w3', { needs: [] })] },
    RACK,
  );
  expect(resolved.ok && resolved.steps.map(({ name }) => name)).toEqual(['early', 'late']);
});

test.each<[string, StepDefinition[], RegExp]>([
  ['a circle', [step('a', 'w2', { needs: ['b'] }), step('b', 'w3')], /0 needs: step 'a' needs 'b', which needs 'a'/],
  ['a step that needs itself', [step('a', 'w2', { needs: ['a'] })], /0 needs: step 'a' needs itself/],
  ['a step that there is not', [step('a', 'w2', { needs: ['x'] })], /0 needs: there is no step 'x'/],
  ['an unknown node', [step('a', 'w9')], /0 selector: 'w9' is not a node of r/],
  ['two steps of one name', [step('a', 'w2'), step('a', 'w3')], /1 name: step 'a' is defined twice/],
  ['a node in two steps', [step('a', 'w2'), step('b', 'role:worker')], /1 selector: w2 is in step 'a' already/],
  [
    'the master among others',
    [step('a', 'w2'), step('b', 'boss ns')],
    /1 selector: boss is the master of the bus and must be last/,
  ],
  [
    'a master before the end',
    [step('a', 'boss'), step('b', 'w2')],
    /0 selector: boss .* step 'b' does not come before/,
  ],
  ['a master beside the end', [step('a', 'w2'), step('b', 'boss', { needs: [] })], /1 selector: boss .* step 'a'/],
  ['a cycle of the master', [step('a', 'boss', { action: 'cycle' })], /0 action: boss .* no node could switch it on/],
  ['a cut without a deadline', [step('a', 'w2', { onDeadline: 'cut' })], /0 onDeadline: .*add deadline/],
  [
    'a cut of what is switched on',
    [step('a', 'w2', { action: 'on', deadline: 9, onDeadline: 'cut' })],
    /0 onDeadline: .*nothing to cut/,
  ],
])('%s is refused, at its place', (_what, steps, words) => {
  expect(problems(...steps).join('\n')).toMatch(words);
});

test('the example plans of the reference rack are right, and so is their order', async () => {
  const { loadConfig } = await import('../../src/config/load.ts');
  const { REFERENCE_RACK } = await import('../support/stand.ts');
  const { config, inventory } = loadConfig(REFERENCE_RACK);
  const order = (name: string): string[] => {
    const resolved = resolvePlan(config.plans[name] ?? { steps: [] }, inventory);
    return resolved.ok ? resolved.steps.flatMap(({ nodes }) => nodes.map((node) => node.name)) : [];
  };
  expect(order('shed-dev')).toHaveLength(9);
  expect([order('shed-all').length, order('shed-all').at(-1)]).toEqual([24, 'mcp01']);
  expect([order('bring-up').length, order('bring-up').slice(0, 2)]).toEqual([23, ['ns01', 'ns02']]);
});
