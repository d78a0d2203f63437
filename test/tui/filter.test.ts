/** What the words of a filter mean, and that nobody acts on a node which the filter hides without reading its name. */
import { expect, test } from 'vitest';
import { formatAddress } from '../../src/rack/address.ts';
import { compressNames } from '../../src/rack/selectors.ts';
import { filterProblem, shownNodes, termsOf } from '../../src/tui/map/filter.ts';
import { targetsOf } from '../../src/tui/overlays/power/rules.ts';
import { allClear, MIXED, Scene } from '../screens/scene.ts';

const mixed = (): Scene => new Scene({ nodes: MIXED });
const shown = (scene: Scene): string => shownNodes(scene.state).map(formatAddress).join(' ');
const filtered = (text: string): string => shown(mixed().keys('/').typed(text).keys('\r'));

test.each([
  ['worker-05', '07 11'],
  ['WORKER-05', '07 11'],
  ['role:dns', '04 08'],
  ['cluster:dev role:controlplane', '0c 10 14'],
  ['cluster:dev|prod role:controlplane', '02 06 0a 0c 10 14'],
  ['row:a', '00 01 02 03'],
  ['pos:B', '04 05 06 07'],
  ['addr:1', '10 11 12 13 14 15 16 17'],
  ['addr:03', '03'],
  // Alone, it is the state; "on" is in "controlplane" too.
  ['off', '05'],
  ['state:off', '05'],
  ['disabled', '09'],
  ['lost', '11 12'],
  ['absent', '12'],
  ['stale', '0b 0e'],
  ['unknown', '11 14'],
  ['master', '00'],
  ['is:master', '00'],
  ['alarm:fan', '15'],
  ['alarm:lost', '11'],
  ['!on role:worker', '05 09 11 12'],
  ['!cluster:dev !cluster:prod', '00 04 08'],
  ['current<5', '05 09'],
  ['current>39 state:on', ''],
  ['fan>116', '06 0c'],
])('%s shows %s', (text, addresses) => {
  const names = filtered(text);
  // What no node matches is not kept: then all are shown.
  expect(
    names ===
      mixed()
        .state.rack.nodes.map(({ addr }) => formatAddress(addr))
        .join(' ')
      ? ''
      : names,
  ).toBe(addresses);
});

test('a word says what it was taken for', () => {
  expect(termsOf('!off role:dns x | ! role:').map(({ label }) => label)).toEqual([
    'not state:off',
    'role:dns',
    'x',
    '|',
  ]);
});

test('the cursor goes along while one types, and Escape brings everything back', () => {
  const scene = mixed().keys('/').typed('worker-05');
  expect(scene.state.cursor).toBe(0x07);
  expect(shown(scene)).toBe('07 11');
  scene.keys('\x1b');
  expect(scene.state).toMatchObject({ cursor: 0, filter: '', overlay: null });
  // A name's beginning wins over a name's middle: `/` and Enter jump.
  expect(mixed().keys('/').typed('k8s-worker-01').keys('\r').state.cursor).toBe(0x0e);
  expect(mixed().keys('/').typed('dk8s-worker-01').keys('\r').state.cursor).toBe(0x01);
});

test('n and N go from match to match, round the rack', () => {
  const scene = mixed().keys('/').typed('role:dns').keys('\r');
  const way = ['n', 'n', 'N'].map((key) => scene.keys(key).state.cursor);
  expect(way).toEqual([0x08, 0x04, 0x08]);
});

test('Escape on the map takes the filter away first, then the marks', () => {
  const scene = mixed().keys('03', ' ', '/').typed('dns').keys('\r', '\x1b');
  expect([scene.state.filter, scene.state.marks.size]).toEqual(['', 1]);
  expect(scene.keys('\x1b').state.marks.size).toBe(0);
});

test('* marks what is shown, b what is shown of the blade, v from the last mark to here', () => {
  const marked = (scene: Scene): number[] => [...scene.state.marks].sort((a, b) => a - b);
  expect(marked(mixed().keys('/').typed('role:dns').keys('\r', '*'))).toEqual([4, 8]);
  expect(marked(mixed().keys('/').typed('role:dns').keys('\r', '05', 'b'))).toEqual([4]);
  expect(marked(mixed().keys('03', ' ', '06', 'v'))).toEqual([3, 4, 5, 6]);
  expect(marked(mixed().keys('06', ' ', '03', 'v'))).toEqual([3, 4, 5, 6]);
  expect(marked(mixed().keys('/').typed('k8s').keys('\r', '03', ' ', '06', 'v'))).toEqual([3, 5, 6]);
  const none = mixed().keys('v');
  expect([marked(none), none.state.notice?.text]).toEqual([
    [],
    'mark from the last mark to here, by address: no node was marked yet: a range begins at the last mark',
  ]);
});

test('a verb for marks that the filter hides names them on the smallest screen, however many they are', async () => {
  const scene = new Scene({ cols: 60, rows: 16 });
  scene.keys('*', '/').typed('role:master').keys('\r', 'p', 's').checked(allClear);
  const targets = targetsOf(scene.state).nodes;
  expect(targets).toHaveLength(24);
  const hidden = targets.filter((addr) => !shownNodes(scene.state).includes(addr));
  const names = compressNames(
    hidden.map((addr) => scene.state.rack.nodes.find((one) => one.addr === addr)?.name ?? ''),
  );
  const dialog = (await scene.frame()).lines().flatMap((line) => /│(.*)│/.exec(line)?.[1] ?? []);
  const text = dialog.join(' ').replace(/\s+/g, ' ');
  expect(text).toContain(`23 outside the filter: ${names}`);
});

test.each([
  ['rol:worker', "'rol:' is not a field; fields: name, addr, pos, row, state, role"],
  ['rol:worker', "did you mean 'role'?"],
  ['role:wroker', "no node can have role:wroker; values: controlplane, dns, master, worker; did you mean 'worker'?"],
  ['cluster:dev|prdo', "no node can have cluster:prdo; values: dev, prod; did you mean 'prod'?"],
  ['state:haltd', "did you mean 'halted'?"],
  ['is:protectd', "did you mean 'protected'?"],
  ['curent>40', "'curent>40': only current and fan can be compared; did you mean 'current'?"],
  ['current>4o', "'current>4o': write a count, as in current>40"],
])('%s is said to mean nothing, while it is typed and when it is entered: %s', (text, problem) => {
  const typed = mixed().keys('/').typed(text);
  expect(shownNodes(typed.state)).toEqual([]);
  const screen = (scene: Scene): string => scene.seen().lines().join(' ').replaceAll(/\s+/g, ' ');
  expect(screen(typed)).toContain(problem);
  const entered = typed.keys('\r');
  expect(entered.state.notice?.text).toContain(problem);
  expect(entered.state.notice?.text).toMatch(/[Tt]he filter is unchanged$/);
  expect(screen(entered)).toContain(problem);
  expect(entered.state.filter).toBe('');
});

test.each(['!rol:worker', '!cluster:prdo', '!state:haltd', '!is:maked'])('%s leaves no node, not every one', (text) => {
  expect(shownNodes(mixed().keys('/').typed(text).state)).toEqual([]);
});

test.each([
  'role:',
  'role:wor',
  'cluster:d|p',
  'state:on',
  'state:going',
  'is:mar',
  'row:a|b',
  'alarm:anything',
  'name:x',
])('%s is no mistake', (text) => {
  expect(filterProblem(text, mixed().state)).toBeNull();
});
