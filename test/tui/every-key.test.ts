/**
 * Every binding is pressed where it holds, and what came of it is written down in `pressed.txt`, a line a key, for eyes to
 * judge: `RACKUI_GOLDENS=update npx vitest run test/tui/every-key.test.ts` writes it anew. A key that does nothing fails
 * without it, and so does one that docs/keys.md or `?` call otherwise.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { OutageStatus } from '../../src/api/outage.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { contextOf } from '../../src/tui/keymap/context.ts';
import { keyLabel } from '../../src/tui/keymap/key-names.ts';
import { DEFAULT_KEYS } from '../../src/tui/keymap/key-table.ts';
import { disabledReason, type Binding } from '../../src/tui/keymap/lookup.ts';
import { MIN_ROWS } from '../../src/tui/layout/layout.ts';
import type { Context } from '../../src/tui/model/keys.ts';
import type { State } from '../../src/tui/model/state.ts';
import { helpLines } from '../../src/tui/overlays/help.ts';
import { asking, ended, running } from '../screens/operations.ts';
import { preview, run } from '../screens/plans.ts';
import { FLEET_PLANS, fleetPlans } from '../screens/fleet-plans.ts';
import { EVE, ME, MIXED, NOW, Scene } from '../screens/scene.ts';
import { SUPPLIES, TWO } from '../screens/supplies.ts';

const { bindings: BINDINGS, sections: SECTIONS } = DEFAULT_KEYS;
const PRESSED = fileURLToPath(new URL('pressed.txt', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/keys.md', import.meta.url));

/** A demo: it has every key that there is. */
const base = (outage: OutageStatus = SUPPLIES.battery): Scene => {
  const scene = new Scene({
    ...{ cols: 160, rows: 50, nodes: MIXED, sessions: [ME, EVE], operations: [ended()], outage },
  });
  scene.state = { ...scene.state, settings: { ...scene.state.settings, demo: true } };
  return scene;
};
const atConsole = (): Scene => base().keys('06', '\r').attached('one\r\ntwo\r\nlogin: ');
const left = (): Scene => atConsole().keys('\x1d', 'd');
const looking = (): Scene => {
  const scene = atConsole().keys('\x1d', 'v');
  return scene.dispatch({ type: 'looking', addr: 6, length: 60, cols: 80, x: 20, y: 40, search: false }).keys('v', 'h');
};
const plan = (state: 'running' | 'paused' | 'ended'): Scene =>
  base()
    .ran(run('shed-all', { state, ...(state === 'ended' ? { endedAt: NOW } : {}) }, () => ({})))
    .keys('!')
    .plans();

/** How one comes to each place, with something in it to move over. */
const REACH = {
  map: () => left().keys('\t', '\t', '0d', ' '),
  table: () => base().keys('T', '0d', 'l', 'l'),
  glance: () => base().keys('0d', 'g'),
  events: () => base().keys('e', 'k', 'k'),
  columns: () => base().keys('T', 'C', 'j'),
  console: atConsole,
  prefix: () => {
    const scene = atConsole().keys('\x1d', 'c', '\x1b');
    scene.state = { ...scene.state, pane: { ...scene.state.pane, previous: 0x0d } };
    return scene.keys('\x1d');
  },
  left: () => left().keys('\t'),
  look: looking,
  'look-search': () => looking().keys('/').typed('ab'),
  filter: () => base().keys('/').typed('dns'),
  palette: () => base().keys(':').typed('mark').keys('\x1b[B'),
  consoles: () => base().keys('c', '\x1b[B'),
  people: () => atConsole().keys('\x1d', 'u'),
  note: () => atConsole().keys('\x1d', 'l').typed('x'),
  'own-command': () => {
    const scene = base();
    const program = { id: 1, name: 'probe', argv: ['x'], lines: ['one', 'two', 'three'], startedAt: NOW, why: null };
    scene.state = { ...scene.state, program, overlay: { kind: 'own-command', asks: null, back: 1 } };
    return scene;
  },
  run: () => {
    const scene = lineRan();
    return scene.keys('\x1b', '$').typed('x');
  },
  'run-table': () => lineRan().keys('j'),
  'run-output': () => lineRan().keys('\r', 'j', ' '),
  help: () => base().keys('?', ' '),
  tour: () => base().keys('?', 't', ' ', ' ', ' '),
  menu: () => base().keys('03', 'p', 'j'),
  operations: () => {
    const scene = new Scene({ operations: [running(), asking(), ended()] }).keys('o');
    return scene.keys(' ');
  },
  alarms: () => base().keys('a', 'k'),
  bus: () => {
    const scene = base().keys('B');
    const entry = { seq: 1, at: NOW, kind: 'status', addr: 3, sent: '', heard: '', ms: 3, outcome: 'ok' };
    const entries = Array.from({ length: 60 }, (_, seq) => ({ ...entry, seq: seq + 1 })) as never;
    const pane = scene.state.overlay?.kind === 'bus' ? scene.state.overlay.id : 0;
    return scene.dispatch({ type: 'bus-log', pane, entries }).keys('\x1b[5~', '\x1b[5~');
  },
  supply: () => base(TWO).keys('u', '\x1b[6~'),
  racks: () => several().keys('R').keys('/').typed('worker').keys('\r', 'n', 'n', 'n'),
  'racks-table': () => several().keys('R', 'T').keys('/').typed('worker').keys('\r', 'n', 'n', 'n', 'l', 'l'),
  'fleet-plans': () => several().dispatch({ type: 'fleet-plans', fleet: FLEET_PLANS }).keys('R', '!', 'j'),
  'fleet-run': () => fleetRun('running'),
  emergency: () => {
    const scene = base().keys('!').plans().previewed(preview('shed-dev')).keys(' ');
    return scene.ran(run('shed-all', { state: 'running' }, () => ({})));
  },
  armed: () => base().keys('!').plans().previewed(preview('shed-dev')).keys('a'),
  'plan-run': () => plan('running').keys('j', ' '),
} satisfies Partial<Record<Context, () => Scene>>;

/** A line that has run on three consoles. */
const lineRan = (): Scene => {
  const scene = base().keys('03', ' ', '06', ' ', '07', ' ', '$').typed('seq 40').keys('\r');
  const output = Array.from({ length: 40 }, (_, n) => `${n + 1}\n`).join('');
  const run = { by: 'console', code: 0, output, truncated: false, why: '', ms: 900 } as const;
  const id = scene.state.lineRun?.id ?? 0;
  for (const addr of [3, 6, 7]) scene.dispatch({ type: 'line-ran', id, addr, run: { ...run, addr } });
  return scene;
};

const fleetRun = (state: 'running' | 'paused'): Scene => {
  const scene = several().dispatch({ type: 'fleet-plans', fleet: fleetPlans(state) });
  return scene.keys('R', '!', 'j', 'j', '\r', ' ');
};

const several = (): Scene => withRacks(base());

/** Where a binding needs another story than its place has. */
const STORIES: Record<string, () => Scene> = {
  'map attach': base,
  'map mark-range': () => base().keys('03', ' ', '06'),
  'map next-match': () => base().keys('/').typed('dns').keys('\r'),
  'map previous-match': () => base().keys('/').typed('dns').keys('\r'),
  'map span': () => new Scene({ cols: 160, rows: 50 }),
  'map next-rack': several,
  'map previous-rack': several,
  'map racks': several,
  'map retry-bus': () => {
    const scene = base();
    scene.state = { ...scene.state, bus: { ...scene.state.bus, state: 'locked' } };
    return scene;
  },
  'prefix take': () =>
    base().keys('06', '\r').attached('', { role: 'watches', holder: EVE.id, holderName: 'eve' }).keys('\x1d'),
  'prefix next-rack': () => withRacks(REACH.prefix()),
  'prefix previous-rack': () => withRacks(REACH.prefix()),
  'prefix racks': () => withRacks(REACH.prefix()),
  'prefix next-marked': () => withMarks(REACH.prefix()),
  'prefix previous-marked': () => withMarks(REACH.prefix()),
  'left next-marked': () => withMarks(REACH.left()),
  'left previous-marked': () => withMarks(REACH.left()),
  'racks unmark-all': () => withMarks(several().keys('R', 'u', ' ')),
  'racks next-marked': () => withMarks(several().keys('R')),
  'racks previous-marked': () => withMarks(several().keys('R')),
  'racks mark-range': () => several().keys('R', ' ', 'l'),
  'prefix scroll-down': () => atConsole().keys('\x1d', '\x1b[5~', '\x1d'),
  'left next-rack': () => withRacks(REACH.left()),
  'left previous-rack': () => withRacks(REACH.left()),
  'left racks': () => withRacks(REACH.left()),
  'left scroll-down': () => REACH.left().keys('\x1b[5~'),
  'look older': () => looking().keys('/').typed('a').keys('\r'),
  'look newer': () => looking().keys('/').typed('a').keys('\r'),
  'run-table abort': () => base().keys('03', ' ', '06', ' ', '$').typed('x').keys('\r'),
  'fleet-run resume': () => fleetRun('paused'),
  'plan-run resume': () => plan('paused'),
  'plan-run dismiss': () => plan('ended'),
  'plan-run operations': () => plan('running'),
};

function withRacks(scene: Scene): Scene {
  const names = ['one', 'two'];
  scene.state = { ...scene.state, racks: { names, index: 0, shown: true } };
  scene.peers = [{ ...base().state, racks: { names, index: 1, shown: false } }];
  return scene;
}

/** One node is marked in each of two racks. */
function withMarks(before: Scene): Scene {
  const scene = withRacks(before);
  scene.state = { ...scene.state, marks: new Set([0x0d]) };
  scene.peers = scene.peers.map((peer) => ({ ...peer, marks: new Set([3]) }));
  return scene;
}

const SENT: Record<string, string> = {
  ...{ up: '\x1b[A', down: '\x1b[B', right: '\x1b[C', left: '\x1b[D', pageup: '\x1b[5~', pagedown: '\x1b[6~' },
  ...{ f7: '\x1b[18~', f8: '\x1b[19~' },
  ...{ enter: '\r', space: ' ', tab: '\t', escape: '\x1b', home: '\x1b[H', end: '\x1b[F', 'S-tab': '\x1b[Z' },
};
const sent = (key: string): string =>
  SENT[key] ?? (/^C-.$/.test(key) ? String.fromCharCode((key.codePointAt(2) ?? 0) & 0x1f) : key);

/** What came of a key, in a few words: effects, where one is, and what else is another. */
function outcome(before: State, after: State, effects: readonly { do: string }[]): string {
  const words = effects.map((effect) => `does ${effect.do}`);
  const [from, to] = [placeOf(before), placeOf(after)];
  if (from !== to) words.push(`to ${to}`);
  const changed = (Object.keys(after) as (keyof State)[]).filter(
    (name) => !['now', 'digit', 'nextId', 'notice', 'recent'].includes(name) && before[name] !== after[name],
  );
  const told = from === to ? changed : changed.filter((name) => !['overlay', 'focus'].includes(name));
  words.push(...told.map((name) => `${name} ${brief(before[name], after[name])}`.trim()));
  if (after.notice !== null && after.notice !== before.notice) words.push(`says "${after.notice.text}"`);
  return words.join('; ');
}

function brief(before: unknown, after: unknown): string {
  if (after instanceof Set) return `{${[...(after as Set<number>)].sort((a, b) => a - b).join(' ')}}`;
  if (typeof after !== 'object' || after === null || typeof before !== 'object' || before === null)
    return String(after);
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const parts = Object.keys(is).filter((name) => was[name] !== is[name]);
  return parts.map((name) => (typeof is[name] === 'object' ? name : `${name}=${JSON.stringify(is[name])}`)).join(',');
}

const placeOf = (state: State): string => contextOf(state) ?? state.overlay?.kind ?? 'typing';

/** `help` closed by its own keys, and `prefix escape`, are only a change of place: that is something, too. */
function press({ context, command }: Binding, key: string): string {
  const reach = STORIES[`${context} ${command}`] ?? (REACH as Partial<Record<Context, () => Scene>>)[context];
  if (reach === undefined) throw new Error(`no scene reaches the keys of ${context}`);
  const scene = reach();
  const binding = BINDINGS.find((one) => one.context === context && one.command === command);
  if (context !== 'console')
    expect(`${context} ${command} is pressed ${placeOf(scene.state)}`).toMatch(new RegExp(` ${context}$`));
  expect(binding && disabledReason(binding, scene.state)).toBeNull();
  const [state, count] = [scene.state, scene.effects.length];
  scene.keys(sent(key));
  return outcome(state, scene.state, scene.effects.slice(count));
}

test('every binding, pressed, does something, and what it does is what was judged to be right', () => {
  const lines = BINDINGS.flatMap((binding) =>
    binding.keys.map((key) => {
      const came = press(binding, key);
      expect(`${binding.context} ${binding.command} ${key}: ${came}`).not.toMatch(/: $/);
      return `${binding.context.padEnd(12)}${keyLabel(key).padEnd(10)}${binding.command.padEnd(16)}${came}\n`;
    }),
  );
  const text = lines.join('');
  if (process.env['RACKUI_GOLDENS'] === 'update' && process.env['CI'] === undefined) writeFileSync(PRESSED, text);
  expect(text).toBe(existsSync(PRESSED) ? readFileSync(PRESSED, 'utf8') : '');
});

test('no two commands of a place share a key, and every place has its words', () => {
  const seen = BINDINGS.flatMap(({ context, keys }) => keys.map((key) => `${context} ${key}`));
  expect(seen.filter((one, i) => seen.indexOf(one) !== i)).toEqual([]);
  expect([...new Set(BINDINGS.map(({ context }) => context))].sort()).toEqual(
    SECTIONS.map(({ context }) => context).sort(),
  );
});

test('the help tells every binding, beginning with the place from which it was asked', () => {
  const scene = base().keys('?');
  const text = helpLines(scene.state, glyphs(false)).map((line) => line.map(([words]) => words).join(''));
  // A sentence may go on in the next line.
  const flowing = text.map((line) => line.trim().replace(/ +/g, ' ')).join(' ');
  for (const { keys, help } of BINDINGS)
    expect(flowing).toContain(`${keys.slice(0, 3).map(keyLabel).join(' ')} ${help}`);
  const titles = (state: State): string[] =>
    helpLines(state, glyphs(false)).flatMap((line) => line.flatMap(([words, ink]) => (ink === 'title' ? [words] : [])));
  const places = SECTIONS.map(({ title }) => title);
  const here = SECTIONS.filter(({ context }) => context === 'console' || context === 'prefix').map(
    ({ title }) => title,
  );
  expect(titles(scene.state)).toEqual(['Signs', ...places]);
  expect(text[0]).toBe('Signs');
  // The smallest terminal shows the map's first keys without a scroll.
  expect(text.indexOf('Map')).toBeLessThan(MIN_ROWS - 6);
  expect(titles(atConsole().keys('\x1d', '?').state)).toEqual([
    ...here,
    ...places.filter((title) => !here.includes(title)),
    'Signs',
  ]);
});

/** docs/keys.md from the table. */
function page(): string {
  const code = (key: string): string => `\`${keyLabel(key).replace('|', '\\|')}\``;
  const rows = (context: Context): string =>
    BINDINGS.filter((binding) => binding.context === context)
      .map(
        ({ keys, command, help }) =>
          `| ${keys.map(code).join(' ')} | ${help.replaceAll('|', '\\|')} | \`${command}\` |\n`,
      )
      .join('');
  return [
    '# Keys\n\n',
    'Written from the table that the program itself uses: `RACKUI_KEYS=write npx vitest run test/tui/every-key.test.ts`.\n',
    '`?` shows the same, and why a key cannot be used just now; `:` finds any of it by a few letters. The last column is the\n',
    'name under `keys:` in the [configuration](configuration.md); the place stands in front of it. On the map and behind the\n',
    'prefix two hex digits go to a node. Questions and power dialogs name their keys themselves.\n',
    ...SECTIONS.map(
      ({ context, title }) =>
        `\n## ${title}\n\nPlace: \`${context}\`\n\n| keys | what | command |\n| --- | --- | --- |\n${rows(context)}`,
    ),
  ].join('');
}

test('docs/keys.md is what the table says', () => {
  if (process.env['RACKUI_KEYS'] === 'write' && process.env['CI'] === undefined) writeFileSync(PAGE, page());
  const plain = (text: string): string => text.replace(/[ -]+/g, ' ');
  expect(plain(readFileSync(PAGE, 'utf8'))).toBe(plain(page()));
});
