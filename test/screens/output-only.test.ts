/** A frame after output of a console, of which the console alone was painted, is the one that is painted whole. */
import { expect, test } from 'vitest';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import { withNotice } from '../../src/tui/model/events.ts';
import { PRESETS, type State } from '../../src/tui/model/state.ts';
import { consoleAlone, repaintConsole } from '../../src/tui/screen/screen.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { randomBytes } from '../support/hostile.ts';
import { MIXED, Scene } from './scene.ts';

const SIZES = [
  [80, 24],
  [60, 12],
  [120, 40],
  [200, 60],
] as const;
const G = glyphs(false);

const VARIANTS: Record<string, (state: State) => State> = {
  plain: (state) => state,
  zoomed: (state) => ({ ...state, zoom: true }),
  'at the map': (state) => ({ ...state, focus: 'map' }),
  noticed: (state) => withNotice(state, 'warning', 'the bus was busy for a while, and is not any more'),
  'without a server': (state) => ({ ...state, link: { kind: 'lost', since: state.now, why: 'it has ended' } }),
};

const cases = SIZES.flatMap(([cols, rows]) =>
  PRESETS.flatMap((preset) => Object.keys(VARIANTS).map((variant) => [cols, rows, preset, variant] as const)),
);

test.each(cases)('at %ix%i with the panes %s, %s', async (cols, rows, preset, variant) => {
  const scene = new Scene({ cols, rows, nodes: MIXED }).keys('03', '\r').attached('login: ');
  scene.state = VARIANTS[variant]?.({ ...scene.state, view: { ...scene.state.view, preset } }) ?? scene.state;
  await scene.parsed();
  for (const tabs of [0, 1]) {
    const fleet = (): State[] => (tabs === 0 ? [scene.state] : [scene.state, scene.state]);
    const frame = paintScreen(new Panes(), fleet(), 0, scene.screens, G);
    for (let seed = 1; seed <= 3; seed++) {
      const data = Buffer.from(randomBytes(400, seed)).toString('base64');
      scene.dispatch({ type: 'console.data', addr: 3, at: 0, data });
      await scene.parsed();
      const place = consoleAlone(scene.state);
      const whole = paintScreen(new Panes(), fleet(), 0, scene.screens, G);
      if (place === null) {
        // There is no console on this screen, and its output changes nothing.
        expect(frame.lines()).toEqual(whole.lines());
        continue;
      }
      const before = frame.lines();
      const rect = repaintConsole(frame, place, scene.state, scene.screens, G, tabs);
      const differing: number[] = [];
      for (let i = 0; i < cols * (rows + tabs); i++)
        if (i % cols === 0 && frame.sameRow(whole, i / cols)) i += cols - 1;
        else if (!frame.sameCell(whole, i)) differing.push(i);
      expect(differing).toEqual([]);
      expect(frame.cursor).toEqual(whole.cursor);
      const outside = (row: number): boolean => row < rect.y || row >= rect.y + rect.height;
      expect(frame.lines().filter((_, row) => outside(row))).toEqual(before.filter((_, row) => outside(row)));
    }
  }
});
