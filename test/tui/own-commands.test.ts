/** Commands of the operator's own: their keys, their arguments, the question before them, and what they print. */
import { expect, test } from 'vitest';
import { parseConfig, placedProblems } from '../../src/config/load.ts';
import { checkOwnership } from '../../src/config/trust.ts';
import type { InventoryNode } from '../../src/rack/inventory.ts';
import { resolveKeys } from '../../src/tui/keymap/key-table.ts';
import { argumentsFor } from '../../src/tui/overlays/own-command.ts';
import { RACK, Scene, type SceneOptions } from '../screens/scene.ts';
import { eightNodes, sweptStand } from '../support/stand.ts';

const NODE = RACK.nodes[3] as InventoryNode;
const named = (name: string, more: Partial<InventoryNode> = {}): InventoryNode => ({ ...NODE, name, ...more });

/** A scene whose operator has these commands. */
function scene(commands: string, options: SceneOptions = {}): Scene {
  const { commands: own } = parseConfig(`commands: [${commands}]`, 'rack.yaml');
  const { keys, problems } = resolveKeys({}, own);
  expect(problems).toEqual([]);
  const made = new Scene(options);
  made.state = { ...made.state, settings: { ...made.state.settings, keys, commands: own } };
  return made;
}

test('of several nodes braces alone become an argument for each, and inside an argument a list', () => {
  const nodes = [named('a', { ip: '192.0.2.1' }), named('b', { ip: '192.0.2.2' })];
  expect(argumentsFor({ run: ['x', '{name}', '--limit={name}', '{pos}/{rack}'] }, nodes, 'r1')).toEqual({
    argv: ['x', 'a', 'b', '--limit=a,b', 'A-3,A-3/r1'],
  });
  expect(argumentsFor({ run: ['x', '{rack}'] }, [], 'r1')).toEqual({ argv: ['x', 'r1'] });
});

test.each([
  ['a value that is missing', named('a', { ip: null }), '{ip}', 'the inventory names no ip of a'],
  ['a value that would be an option', named('a', { role: '--rm' }), '{role}', 'the role of a is unsafe'],
  ['a value with control characters', named('a', { role: 'x\x1b[2J' }), 'r={role}', 'the role of a is unsafe'],
])('%s keeps the program from running', (_what, node, argument, problem) => {
  expect(argumentsFor({ run: ['x', argument] }, [node], 'r1')).toEqual({ problem });
});

test.each([
  ['key: p, name: a, run: [x]', 'rack.yaml:1:19: commands.0.key: p is also the key of "map.power"'],
  ['key: s, name: a, run: [x]', 'commands.0.key: s is also the key of "table.sort"'],
  ['key: 3, name: a, run: [x]', 'commands.0.key: '],
  ['key: "3", name: a, run: [x]', 'commands.0.key: "3" begins the address of a node'],
  ['key: Ctrl-Enter, name: a, run: [x]', 'commands.0.key: "Ctrl-Enter" is not a key that a terminal can send'],
  ['key: K, name: first, run: [x] }, { key: K, name: b, run: [x]', 'commands.1.key: K is also the key of "first"'],
  ['key: K, name: a, run: [x, "{op}"]', "commands.0.run.1: found '{op}'; braces hold one of {rack} {name}"],
  ['key: K, name: a, run: [x, "{name}"], scope: rack', 'braces hold one of {rack}'],
  ['key: K, name: a, run: []', 'commands.0.run: '],
])('{ %s } is refused with its place', (command, says) => {
  const text = `commands: [{ ${command} }]`;
  const problems = (): void => {
    const { problems: found } = resolveKeys({}, parseConfig(text, 'rack.yaml').commands);
    if (found.length > 0) throw placedProblems({ path: 'rack.yaml', text }, found);
  };
  expect(problems).toThrow(says);
});

test('a configuration with commands that others can write is refused', () => {
  const stat = { uid: 12_345, mode: 0o644 } as never;
  const config = parseConfig('commands: [{ key: K, name: a, run: [x] }]', 'x');
  expect(checkOwnership(config, { path: '/etc/passwd', stat }, 0)).toMatch(/names programs to run.*belongs to user id/);
  expect(checkOwnership(parseConfig('', 'x'), { path: '/etc/passwd', stat }, 0)).toBeNull();
});

test('a command is confirmed by a key of its own, once it was seen', () => {
  const made = scene('{ key: K, name: drain, run: [kubectl, drain, "{name}"] }').keys('K');
  expect(made.state.overlay).toMatchObject({ kind: 'own-command', asks: { argv: ['kubectl', 'drain', 'mcp01'] } });
  expect(made.effects).toEqual([]);
  expect(made.keys('x').state.overlay).toBeNull();
  made.keys('K').keys('y');
  expect(made.effects).toEqual([
    { do: 'run-program', id: expect.any(Number) as number, argv: ['kubectl', 'drain', 'mcp01'], limit: 60 },
  ]);
  // Typed in one go, the answer was not meant for a question that was not seen.
  const blind = scene('{ key: K, name: drain, run: [x] }').keys('Ky');
  expect(blind.effects).toEqual([]);
});

test('the marked nodes are those of a command for them; without marks the selected one', () => {
  const command = '{ key: K, name: a, run: [x, "{addr}"], scope: marked, confirm: false }';
  expect(scene(command).keys(' ', 'h', ' ', 'K').effects).toMatchObject([{ argv: ['x', '00', '01'] }]);
  expect(scene(command).keys('h', 'K').effects).toMatchObject([{ argv: ['x', '01'] }]);
});

test('a view-only session runs none', () => {
  const made = scene('{ key: K, name: a, run: [x], confirm: false }', { access: 'view' }).keys('K');
  expect(made.effects).toEqual([]);
  expect(made.state.notice?.text).toContain('this is a view-only session');
});

test('help and palette have the command, and the palette runs it', () => {
  const made = scene('{ key: K, name: check the pods, run: [x], confirm: false }');
  expect(made.keys('?', '\x1b').state.overlay).toBeNull();
  expect(made.keys(':').typed('check the pods').keys('\r').effects).toMatchObject([{ do: 'run-program', argv: ['x'] }]);
});

test('what runs is not started twice, goes on behind a closed panel, and its end is said', () => {
  const made = scene('{ key: K, name: probe, run: [x], confirm: false }').keys('K', '\x1b');
  const { id = 0 } = made.state.program ?? {};
  made.dispatch({ type: 'program-printed', id, lines: ['one'] }).keys('K');
  expect(made.effects).toHaveLength(1);
  expect(made.state.overlay).toMatchObject({ kind: 'own-command', asks: null });
  expect(made.keys('\x03').effects.at(-1)).toEqual({ do: 'end-program' });
  made.keys('\x1b').dispatch({ type: 'program-ended', id, why: 'aborted' });
  expect(made.state.notice).toMatchObject({ level: 'warning', text: 'probe: aborted' });
});

test('the program of a command prints into the panel, as cells', async () => {
  const script = 'printf "\\033[2J\\033[31mred \\t%s\\n" "$1"; exit 3';
  const config = `${eightNodes()}\ncommands: [{ key: K, name: show, run: [sh, -c, ${JSON.stringify(script)}, sh, "{name}"] }]\n`;
  await using place = await sweptStand({ config });
  await using terminal = place.open({ args: ['--config', `${place.folder}/rack.yaml`], cols: 100, rows: 30 });
  await terminal.waitFor('n7', 'the map', 60_000);
  terminal.type('K');
  await terminal.waitFor('y runs it', 'the question', 30_000);
  await new Promise((resolve) => setTimeout(resolve, 400));
  terminal.type('y');
  await terminal.waitFor('exit code 3', 'the end', 30_000);
  expect(terminal.text()).toMatch(/│ red {5}n0 +│/);
});
