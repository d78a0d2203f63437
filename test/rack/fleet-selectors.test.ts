import { expect, test } from 'vitest';
import { inventoryOf } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { addressedRacks, rackNameProblem, rackWords, selectInRacks } from '../../src/rack/fleet-selectors.ts';

const rack = (
  name: string,
  nodes: Record<string, string>,
): { name: string; inventory: ReturnType<typeof inventoryOf> } => ({
  name,
  inventory: inventoryOf(
    configSchema.parse({
      name,
      nodes: Object.entries(nodes).map(([addr, text]) => {
        const [node = '', cluster = 'prod'] = text.split(' ');
        return { addr, name: node, cluster };
      }),
    }),
  ),
});
const RACKS = [
  rack('north', { '00': 'm0', '01': 'n01', '02': 'n02 dev' }),
  rack('South', { '00': 'm0', '01': 's01 dev', '02': 's02 dev' }),
  rack('east', { '00': 'm0', '01': 'e01' }),
];
const NAMES = RACKS.map(({ name }) => name);

/** `north: n01 n02; east: e01` or the problem. */
function meaning(words: string): string {
  const split = rackWords([words], NAMES);
  if (!split.ok) return split.problem;
  const selection = selectInRacks(split.words, RACKS);
  if (!selection.ok) return selection.problem;
  expect(selection.label).toBe(words);
  return selection.racks
    .map(({ rack: name, nodes }) => `${name}: ${nodes.map((node) => node.name).join(' ')}`)
    .join('; ');
}

test.each([
  ['north:n01', 'north: n01'],
  ['NORTH:02', 'north: n02'],
  ['south:name:s01', 'South: s01'],
  ['south:row:A !south:m0', 'South: s01 s02'],
  ['*:cluster:dev', 'north: n02; South: s01 s02'],
  ['*:cluster:dev east:m0', 'north: n02; South: s01 s02; east: m0'],
  ['*:all !*:m0 !south:all', 'north: n01 n02; east: e01'],
  ['*:cluster:dev !*:n02', 'South: s01 s02'],
  ['north:n[01-02]', 'north: n01 n02'],
])('%s', (words, nodes) => {
  expect(meaning(words)).toBe(nodes);
});

test.each([
  ['n01', "'n01' names no rack: write north:n01, or *:n01 for all racks"],
  ['!n01', "'!n01' names no rack: write north:n01, or *:n01 for all racks"],
  ['role:worker', "'role:worker' names no rack: write north:role:worker"],
  ['norht:n01', "there is no rack 'norht'; racks: north, South, east; did you mean 'north'?"],
  ['north:', "'north:' names no node: write north:all"],
  ['north:s01', "north: 's01' is not a node of north"],
  ['*:cluster:test', "no rack: 'cluster:test': no node is in that cluster"],
  ['*:cluster:dev *:n04', "no rack: 'n04' is not a node of north"],
  ['!north:n01', "'!north:n01' only excludes: write '*:all !north:n01'"],
  ['north:n01 !north:row:A', "'north:n01 !north:row:A' selects no node"],
])('%s is refused', (words, problem) => {
  expect(meaning(words)).toContain(problem);
});

test('only the racks that words address are asked; one that is not known selects nothing', () => {
  const addressed = (words: string): string[] => {
    const split = rackWords([words], NAMES);
    return split.ok ? addressedRacks(split.words, NAMES) : [];
  };
  expect(addressed('east:e01 north:n01')).toEqual(['north', 'east']);
  expect(addressed('east:e01 *:m0')).toEqual(NAMES);
  const split = rackWords(['north:n01 east:e01'], NAMES);
  expect(split.ok && selectInRacks(split.words, RACKS.slice(0, 1))).toMatchObject({
    ok: true,
    racks: [{ rack: 'north', label: 'n01', nodes: [{ name: 'n01' }] }],
  });
});

test('a name that would mean something else in a selector is no name of a rack', () => {
  expect(['er24a', 'lab.1', 'Süd', 'rack'].map(rackNameProblem)).toEqual([null, null, null, null]);
  for (const name of ['role', 'ALL', 'a b', 'a:b', '*', '!x', 'a/b', 'x[1]', ''])
    expect(rackNameProblem(name), name).toContain(`'${name}': the name of one of several racks precedes a colon`);
});
