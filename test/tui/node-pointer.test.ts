import { describe, expect, test } from 'vitest';
import { focusForNode, pointerForNode, readPointer, type PointerModes } from '../../src/tui/console/key-encoding.ts';
import type { Effect } from '../../src/tui/model/events.ts';
import { Scene } from '../screens/scene.ts';

const TRACKINGS = ['x10', 'vt200', 'drag', 'any'] as const;

/** What the operator's terminal said → what a node gets that asked for each of the modes, `-`: nothing. */
function sent(report: string, encoding: PointerModes['encoding']): string[] {
  const pointer = readPointer(report);
  return TRACKINGS.map((tracking) => {
    const bytes = pointer && pointerForNode(pointer, { tracking, encoding, focus: false });
    return bytes === null ? '-' : Buffer.from(bytes).toString('latin1').slice(2);
  });
}

describe('in SGR’s form', () => {
  test.each([
    ['<0;10;5M', ['<0;10;5M', '<0;10;5M', '<0;10;5M', '<0;10;5M']],
    ['<0;10;5m', ['-', '<0;10;5m', '<0;10;5m', '<0;10;5m']],
    ['<2;1;1M', ['<2;1;1M', '<2;1;1M', '<2;1;1M', '<2;1;1M']],
    // With Shift, Alt and Control; mode 9 knows none of them.
    ['<28;300;90M', ['<0;300;90M', '<28;300;90M', '<28;300;90M', '<28;300;90M']],
    ['<64;3;4M', ['-', '<64;3;4M', '<64;3;4M', '<64;3;4M']],
    ['<65;3;4M', ['-', '<65;3;4M', '<65;3;4M', '<65;3;4M']],
    // Moved with a button, and without.
    ['<32;7;8M', ['-', '-', '<32;7;8M', '<32;7;8M']],
    ['<35;7;8M', ['-', '-', '-', '<35;7;8M']],
  ])('%s', (report, nodes) => {
    expect(sent(report, 'sgr')).toEqual(nodes);
  });
});

describe('in the form before it: three bytes from 32 on', () => {
  test.each([
    ['<0;1;1M', ['M !!', 'M !!', 'M !!', 'M !!']],
    // It does not tell which button was let go.
    ['<2;1;1m', ['-', 'M#!!', 'M#!!', 'M#!!']],
    ['<65;1;2M', ['-', 'Ma!"', 'Ma!"', 'Ma!"']],
    ['<35;1;1M', ['-', '-', '-', 'MC!!']],
    ['<0;223;223M', ['M \xff\xff', 'M \xff\xff', 'M \xff\xff', 'M \xff\xff']],
    ['<0;224;1M', ['-', '-', '-', '-']],
  ])('%s', (report, nodes) => {
    expect(sent(report, 'x10')).toEqual(nodes);
  });
});

test('a program that asked for nothing gets nothing', () => {
  const none: PointerModes = { tracking: 'none', encoding: 'sgr', focus: false };
  const press = readPointer('<0;1;1M');
  expect(press && pointerForNode(press, none)).toBeNull();
  expect(focusForNode(true, none)).toBeNull();
  expect(Buffer.from(focusForNode(true, { ...none, focus: true }) ?? []).toString()).toBe('\x1b[I');
  expect(Buffer.from(focusForNode(false, { ...none, focus: true }) ?? []).toString()).toBe('\x1b[O');
});

describe('at a console', () => {
  const pointed = (scene: Scene): Effect[] => scene.effects.filter(({ do: what }) => what === 'mouse');

  test('what happens over the node’s screen is the node’s, in the pane’s cells', () => {
    const scene = new Scene({}).keys('03', '\r').attached('');
    // Header and title are above it; the last row is the footer.
    scene.keys('\x1b[<0;5;3M', '\x1b[<0;5;3m', '\x1b[<0;5;2M', '\x1b[<0;5;24M');
    const place = { addr: 3, rows: 21, scroll: 0 };
    expect(pointed(scene)).toMatchObject([
      { ...place, do: 'mouse', pointer: { action: 'press', x: 4, y: 0 } },
      { ...place, do: 'mouse', pointer: { action: 'release', x: 4, y: 0 } },
    ]);
    expect(scene.effects.filter(({ do: what }) => what === 'keys')).toEqual([]);
  });

  test.each<[string, (scene: Scene) => Scene]>([
    ['on the map', (scene) => scene],
    ['as a watcher', (scene) => scene.keys('03', '\r').attached('', { role: 'watches' })],
    ['under a dialog', (scene) => scene.keys('03', '\r').attached('').keys('\x1d?')],
    ['in copy mode', (scene) => lookingAt(scene.keys('03', '\r').attached(''))],
  ])('%s the node hears nothing of the mouse', (_, prepare) => {
    const scene = prepare(new Scene({}));
    scene.keys('\x1b[<0;5;5M', '\x1b[<35;6;5M');
    expect(pointed(scene)).toEqual([]);
  });
});

describe('focus', () => {
  const told = (scene: Scene): string[] =>
    scene.effects.flatMap((effect) => {
      if (effect.do === 'focus') return [`${effect.addr} ${effect.focused ? 'in' : 'out'}`];
      return effect.do === 'detach' || effect.do === 'attach' ? [effect.do] : [];
    });
  const at = (over?: Parameters<Scene['attached']>[1]): Scene => new Scene({}).keys('03', '\r').attached('', over);

  test.each<[string, Scene, string[]]>([
    ['of the terminal itself', at().keys('\x1b[O', '\x1b[O', '\x1b[I'), ['attach', '3 in', '3 out', '3 in']],
    ['left, before it is closed', at().keys('\x1dd'), ['attach', '3 in', '3 out', 'detach']],
    ['left for another', at().keys('\x1d04').attached(''), ['attach', '3 in', '3 out', 'attach', '4 in']],
    ['of who watches', at({ role: 'watches' }).keys('\x1b[O', '\x1b[I', '\x1dd'), ['attach', 'detach']],
    ['under the help', at().keys('\x1d?', '\x1b'), ['attach', '3 in']],
    ['left in a terminal that had lost it', at().keys('\x1b[O', '\x1dd'), ['attach', '3 in', '3 out', 'detach']],
    ['before keys may go out', at({ unproven: 'nothing came yet' }).keys('\x1dd'), ['attach', 'detach']],
  ])('%s', (_, scene, expected) => {
    expect(told(scene)).toEqual(expected);
  });

  test('comes when the node has spoken, and not again after a gap', () => {
    const scene = at({ unproven: 'nothing came yet' });
    const console = scene.state.console;
    const proven = (unproven: string | null) =>
      scene.dispatch({
        type: 'update',
        note: { now: scene.now, console: console && { ...console, unproven } },
        local: scene.now,
      });
    proven(null);
    proven('a gap');
    expect(told(proven(null))).toEqual(['attach', '3 in']);
  });
});

function lookingAt(scene: Scene): Scene {
  scene.keys('\x1dv');
  return scene.dispatch({ type: 'looking', addr: 3, length: 24, cols: 80, x: 0, y: 0, search: false });
}
