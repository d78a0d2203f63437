/** The pane shows the last screen of the node that it is about while no console is open here: how old, by whom, or none. */
import { describe, expect, test } from 'vitest';
import type { ConsoleState } from '../../src/api/methods.ts';
import { FLAG, type Frame } from '../../src/tui/canvas/frame.ts';
import { RACK, Scene, type SceneOptions } from '../screens/scene.ts';

function textOf(frame: Frame): string {
  const rows = Array.from({ length: frame.rows }, (_, y) => frame.chars.slice(y * frame.cols, (y + 1) * frame.cols));
  return rows.map((row) => row.join('')).join('\n');
}

const lines = (scene: Scene): Promise<string> => scene.frame().then(textOf);
/** A wide screen in the layout that always has a console pane. */
function wide(over: SceneOptions = {}): Scene {
  const scene = new Scene({ cols: 160, rows: 40, ...over });
  scene.state = { ...scene.state, view: { ...scene.state.view, preset: 'console' } };
  return scene;
}
const asked = (scene: Scene): number[] =>
  scene.effects.flatMap((effect) => (effect.do === 'last-screen' ? [effect.addr] : []));

/** Two consoles were opened one after the other and left. */
function leftTwo(): Scene {
  return wide().keys('03', '\r').attached('screen of three').keys('\x1d04').attached('screen of four').keys('\x1dd');
}

describe('shown', () => {
  test('of a node that was left here at once, and as the server has it when that answers', async () => {
    const scene = leftTwo().keys('03');
    expect(await lines(scene)).toMatch(/─ \S+ A-3 03 on last seen 1s ago, \d\d:\d\d:\d\d ─[^]*screen of three/);
    scene.lastScreen('what eve did there since');
    const text = await lines(scene);
    expect(text).toMatch(/─ \S+ A-3 03 on last seen 12m ago, \d\d:\d\d:\d\d: eve detached ─/);
    expect(text).toContain('what eve did there since');
    expect(text).not.toContain('screen of');
  });

  test('faded, whatever its colours: what is live does not look so', async () => {
    const frame = await wide().keys('07').lastScreen('\x1b[1;31mred\x1b[0m plain').frame();
    const at = textOf(frame).replaceAll('\n', '').indexOf('red plain');
    const flags = frame.inks.slice(at, at + 9).map((ink) => (typeof ink === 'number' ? ink >> 18 : null));
    expect(flags).toEqual([32, 32, 32, 32, 32, 32, 32, 32, 32].map(() => FLAG.dim));
  });

  test('of a console that somebody else is at, with its age; of one that only its log tells', async () => {
    const open = wide({ sessions: [] }).keys('07').lastScreen('# ', { from: 'open', why: null, at: 0 });
    expect(await lines(open)).toMatch(/07 on somebody has it open, read \d+d ago/);
    const logged = wide().keys('07').lastScreen('# ', { from: 'log', why: null });
    expect(await lines(logged)).toMatch(/07 on last seen 12m ago, \d\d:\d\d:\d\d, from its log/);
  });

  test('said, where there is none', async () => {
    expect(await lines(wide().keys('07').lastScreen(null))).toMatch(/never open[^]*Enter opens its console here/);
    expect(await lines(wide())).toMatch(/serial line is the bus/);
    expect(await lines(wide({ access: 'view' }).keys('07'))).toMatch(/Enter watches its console while/);
    const failed = wide().keys('07');
    failed.dispatch({ type: 'last-screen-failed', addr: 7, error: { code: 2, message: 'EIO', data: null } });
    expect(await lines(failed)).toMatch(/could not be read: EIO/);
  });

  test('in the pane itself too, with its text for copy mode; Enter opens that one', async () => {
    const scene = leftTwo().keys('07').lastScreen('screen of seven').keys('\t');
    expect(await lines(scene)).toMatch(/A-3|B-3 07 on last seen[^]*screen of seven/);
    scene.keys('\r');
    expect(scene.effects.at(-1)).toMatchObject({ do: 'attach', addr: 7 });
  });

  test('an open console stays', async () => {
    const scene = wide().keys('03', '\r').attached('screen of three').keys('\x1d04').attached('screen of four');
    scene.state = { ...scene.state, focus: 'map', cursor: 3 };
    expect(await lines(scene)).toContain('screen of four');
  });
});

describe('asked for', () => {
  test('once for each node, again when its console was open here, not when nothing changed', () => {
    const scene = wide().keys('07');
    expect(asked(scene)).toEqual([7]);
    scene.later(3000);
    expect(asked(scene)).toEqual([7]);
    scene.lastScreen('# ').later(1000).later(60_000).keys('z', 'z');
    expect(asked(scene)).toEqual([7]);
    scene.keys('\r').attached('live').keys('\x1dd');
    expect(asked(scene)).toEqual([7, 7]);
  });

  test('every other second while somebody else is at that console, and once more when it is closed', () => {
    const scene = wide().keys('07').lastScreen('# ', { from: 'closed' });
    const console: ConsoleState = {
      ...{ addr: 7, state: 'open', holder: 2, holderName: 'eve', watchers: [], unproven: null, baud: 115200 },
      holderSilentSince: null,
    };
    scene.dispatch({ type: 'update', note: { now: scene.now, console }, local: scene.now });
    expect(asked(scene)).toEqual([7, 7]);
    scene.lastScreen('# ', { from: 'open' }).later(1000);
    expect(asked(scene)).toHaveLength(2);
    scene.later(1000);
    expect(asked(scene)).toHaveLength(3);
    scene.lastScreen('# ', { from: 'open' });
    scene.dispatch({ type: 'update', note: { now: scene.now, console: null }, local: scene.now });
    scene.later(2000).lastScreen('# ', { from: 'closed' }).later(2000).later(2000);
    expect(asked(scene)).toHaveLength(4);
  });

  test.each<[string, Scene]>([
    ['without a pane', new Scene({ cols: 80, rows: 24 }).keys('07')],
    ['of the master', wide()],
    ['by who may only look', wide({ access: 'view' }).keys('07')],
    ['of an empty slot', wide({ rack: { ...RACK, nodes: RACK.nodes.filter(({ addr }) => addr !== 1) } }).keys('l')],
    ['while a console is open', wide().keys('03', '\r').attached('# ').later(60_000)],
  ])('not %s', (_, scene) => {
    expect(asked(scene).filter((addr) => addr !== 3)).toEqual([]);
  });

  test('not of a rack that is not shown, and at once when it is', () => {
    const scene = wide();
    scene.dispatch({ type: 'shown', on: false, local: scene.now }).keys('07').later(5000);
    expect(asked(scene)).toEqual([]);
    scene.dispatch({ type: 'shown', on: true, local: scene.now });
    expect(asked(scene)).toEqual([7]);
  });

  test('an answer for a node that the cursor has left is nobody’s', async () => {
    const scene = wide().keys('07', '08');
    scene.dispatch({ type: 'last-screen', answer: { addr: 7, now: scene.now, seen: null } });
    expect(scene.state.last.answer).toBeNull();
    expect(await lines(scene.lastScreen('screen of eight'))).toContain('screen of eight');
  });
});
