/** Several racks as goldens: the tabs over one of them, and all at a glance. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import type { State } from '../../src/tui/model/state.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { EVE, ME, MIXED, nodeOn, Scene } from './scene.ts';

const NAMES = ['er24a', 'er24b', 'lab', 'spare'];

/** Four racks: one as a rack is in life, one without a bus, one without its server, one of 96 nodes. */
function four(cols: number, rows: number, ...keys: string[]): State[] {
  const other = (index: number, count: number): Scene => {
    const rack: Inventory = {
      name: NAMES[index] ?? '',
      nodes: Array.from({ length: count }, (_, addr) => unnamedNode(addr)),
      configured: true,
      calibration: null,
    };
    return new Scene({ cols, rows, rack, nodes: rack.nodes.map(({ addr }) => nodeOn(addr)), sessions: [ME] });
  };
  const first = new Scene({ cols, rows, nodes: MIXED, sessions: [ME, EVE] });
  first.state = { ...first.state, racks: { names: NAMES, index: 0, shown: true } };
  const [b, lab, spare] = [other(1, 24), other(2, 8), other(3, 96)] as const;
  b.state = { ...b.state, bus: { ...b.state.bus, state: 'down', detail: '/dev/ttyUSB1 is gone' } };
  lab.dispatch({ type: 'link-lost', why: 'the server ended' });
  return [first.keys(...keys), b, lab, spare].map(({ state }) => state);
}

const SIZES = [
  [80, 24],
  [160, 50],
] as const;
const SCREENS: Record<string, string[]> = { tabs: [], overview: ['R'], 'overview-end': ['R', 'j', 'j', 'j'] };

test.each(Object.entries(SCREENS).flatMap(([name, keys]) => SIZES.map((size) => [name, keys, ...size] as const)))(
  '%s',
  (name, keys, cols, rows) => {
    const frame = paintScreen(four(cols, rows - 1, ...keys), 0, () => null, glyphs(false));
    expect([frame.cols, frame.rows]).toEqual([cols, rows]);
    expectGolden(`racks/${name}-${cols}x${rows}`, frame);
  },
);

test('no golden without a test', () => {
  const names = Object.keys(SCREENS).flatMap((name) => SIZES.map(([cols, rows]) => `${name}-${cols}x${rows}.txt`));
  expect(readdirSync(`${GOLDENS}/racks`).sort()).toEqual(names.sort());
});
