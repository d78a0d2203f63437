/** The operator's own keys: which are understood, which are refused and where, and that everything shows them. */
import { expect, test } from 'vitest';
import { ConfigError, formatProblem, parseConfig, placedProblems } from '../../src/config/load.ts';
import { keyLabel, parseKey } from '../../src/tui/keymap/key-names.ts';
import { DEFAULT_KEYS, resolveKeys } from '../../src/tui/keymap/key-table.ts';
import { emptyTokenizer, flush, tokenize } from '../../src/tui/terminal/tokenizer.ts';
import { Scene, type SceneOptions } from '../screens/scene.ts';

/** What `rackui config check` says of this configuration, without the file's name. */
function problems(text: string): string[] {
  const strip = (error: ConfigError): string[] =>
    error.problems.map((one) => formatProblem(one).replace('rack.yaml:', ''));
  try {
    const found = resolveKeys(parseConfig(text, 'rack.yaml').keys).problems;
    return found.length === 0 ? [] : strip(placedProblems({ path: 'rack.yaml', text }, found));
  } catch (error) {
    if (error instanceof ConfigError) return strip(error);
    throw error;
  }
}

test.each([
  ['p', 'p'],
  ['P', 'P'],
  ['Ctrl-P', 'C-p'],
  ['C-p', 'C-p'],
  ['ctrl-]', 'C-]'],
  ['Alt-x', 'M-x'],
  ['Ctrl-Up', 'C-up'],
  ['Shift-Tab', 'S-tab'],
  ['^A', 'C-a'],
  ['^]', 'C-]'],
  ['^', '^'],
  ['^I', null],
  ['PgUp', 'pageup'],
  ['F5', 'f5'],
  ['Esc', 'escape'],
  ['Space', 'space'],
  ['-', '-'],
  ['Ctrl-I', null],
  ['Ctrl-M', null],
  ['Shift-p', null],
  ['Ctrl-Enter', null],
  ['F99', null],
  ['hello', null],
  ['', null],
])('%s is the key %s', (text, key) => {
  expect(parseKey(text)).toBe(key);
});

test('every key of the table is called by a name that is understood', () => {
  for (const { keys } of DEFAULT_KEYS.bindings) for (const key of keys) expect(parseKey(keyLabel(key))).toBe(key);
});

test('a control key is what the terminal sends for it', () => {
  for (const letter of 'abcdefghjklnopqrstuvwxyz]\\^_') {
    const { state, tokens } = tokenize(emptyTokenizer, Uint8Array.of((letter.codePointAt(0) ?? 0) & 0x1f));
    expect([...tokens, ...flush(state).tokens]).toMatchObject([{ kind: 'key', name: parseKey(`Ctrl-${letter}`) }]);
  }
});

test.each<[string, string, string[]]>([
  ['a place with a slip', 'keys:\n  consle:\n    power: P\n', ["; did you mean 'console'?"]],
  ['a command with a slip', 'keys:\n  map:\n    pwoer: P\n', ["; did you mean 'power'?"]],
  ['a key with a slip', 'keys:\n  map:\n    power: Entr\n', ["; did you mean 'Enter'?"]],
  [
    'an unknown place',
    'keys:\n  mapp:\n    power: P\n',
    ['2:3: keys.mapp: there is no such context; contexts are map,'],
  ],
  [
    'an unknown command',
    'keys:\n  map:\n    pwoer: P\n',
    ['3:5: keys.map.pwoer: there is no such command; those of map are'],
  ],
  [
    'an unknown key',
    'keys:\n  map:\n    power: Hyper-P\n',
    ['3:12: keys.map.power: "Hyper-P" is not a key that a terminal can send'],
  ],
  [
    'an unknown key of several',
    'keys:\n  map:\n    power: [P, Ctrl-M]\n',
    ['3:16: keys.map.power.1: "Ctrl-M" is not a key'],
  ],
  ['a number', 'keys:\n  map:\n    power: 9\n', ['3:12: keys.map.power: ']],
  [
    'a key that hides another command in the table',
    'keys:\n  table:\n    sort: p\n',
    ['3:11: keys.table.sort: p is also the key of "map.power"'],
  ],
  [
    'a key that another command of the table hides',
    'keys:\n  map:\n    power: s\n',
    ['3:12: keys.map.power: s is also the key of "table.sort"'],
  ],
  [
    'a key that another command has',
    'keys:\n  map:\n    power: q\n',
    ['3:12: keys.map.power: q is also the key of "map.quit"'],
  ],
  [
    'two on one key',
    'keys:\n  map:\n    quit: Q\n    power: Q\n',
    ['3:11: keys.map.quit: Q is also the key of "map.power"'],
  ],
  [
    'the digit of an address',
    'keys:\n  map:\n    power: "3"\n',
    ['3:12: keys.map.power: "3" begins the address of a node'],
  ],
  ['text in a line', 'keys:\n  palette:\n    cancel: x\n', ['3:13: keys.palette.cancel: "x" is text there']],
  ['a verb of the menu', 'keys:\n  menu:\n    cancel: f\n', ['3:13: keys.menu.cancel: "f" is a verb of the menu']],
  ['what starts a plan', 'keys:\n  armed:\n    accept: x\n', ['2:3: keys.armed: its keys cannot be changed']],
  [
    'a prefix that is a letter',
    'keys:\n  console:\n    prefix: x\n',
    ['3:13: keys.console.prefix: the prefix must be a control key'],
  ],
  [
    'Ctrl-G',
    'keys:\n  console:\n    prefix: Ctrl-G\n',
    ['3:13: keys.console.prefix: the prefix must be a control key'],
  ],
  [
    'two prefixes',
    'keys:\n  console:\n    prefix: [Ctrl-A, Ctrl-B]\n',
    ['3:13: keys.console.prefix: the prefix is one key'],
  ],
  [
    'the prefix in copy mode',
    'keys:\n  console:\n    prefix: Ctrl-B\n',
    ['3:13: keys.console.prefix: Ctrl-B is also the key of'],
  ],
  ['nothing', 'keys:\n  map:\n    power: [P, F5]\n    quit: Ctrl-Q\n', []],
  ['keys that change places', 'keys:\n  map:\n    power: o\n    operations: p\n', []],
])('%s is told with its place', (_what, text, expected) => {
  const found = problems(text);
  expect(found).toHaveLength(expected.length);
  expected.forEach((start, i) => expect(found[i]).toContain(start));
});

function own(keys: Parameters<typeof resolveKeys>[0], options: SceneOptions = {}): Scene {
  const scene = new Scene(options);
  const { keys: table, problems: none } = resolveKeys(keys);
  expect(none).toEqual([]);
  scene.state = { ...scene.state, settings: { ...scene.state.settings, keys: table } };
  return scene;
}

test('an own key does it, the former one does not, and footer, help and palette show it', async () => {
  const keys = { map: { power: ['F5', 'W'] } };
  expect(own(keys).keys('p').state.overlay).toBeNull();
  expect(own(keys).keys('W').state.overlay?.kind).toBe('menu');
  expect(own(keys).keys('\x1b[15~').state.overlay?.kind).toBe('menu');
  const text = async (scene: Scene): Promise<string> => (await scene.frame()).lines().join('\n');
  expect(await text(own(keys))).toMatch(/F5 power/);
  expect(await text(own(keys).keys('?'))).toMatch(/F5 W +power menu/);
  expect(await text(own(keys).keys(':').typed('power menu'))).toMatch(/power menu.* F5 /);
});

test('an own prefix: once it is ours, twice it is the node’s, and Ctrl-] is an ordinary key', () => {
  const scene = own({ console: { prefix: 'Ctrl-A' } })
    .keys('03', '\r')
    .attached('login: ');
  const typed = (): unknown =>
    scene.effects.filter((one) => one.do === 'keys').map((one) => ('bytes' in one ? [...one.bytes] : []));
  scene.keys('\x1d');
  expect(typed()).toEqual([[0x1d]]);
  scene.keys('\x01', '\x01');
  expect(typed()).toEqual([[0x1d], [0x01]]);
  expect(scene.keys('\x01', 'd').state.focus).toBe('map');
});
