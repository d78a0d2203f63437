/** The tour: six steps over the real screen, each of which can be left and tried. */
import { expect, test } from 'vitest';
import { tourOffer } from '../../src/tui/overlays/tour.ts';
import { viewFrom } from '../../src/tui/model/state.ts';
import { Scene } from '../screens/scene.ts';

const toured = (): Scene => new Scene({ cols: 120, rows: 40 }).keys('?', 't');
const title = (scene: Scene): string => /\d of 6: [^─]*\w/.exec(scene.seen().lines().join('\n'))?.[0] ?? '';

test('six steps show map, console, power and emergency, and the last one ends it', () => {
  const scene = toured();
  const titles = Array.from({ length: 6 }, () => {
    const shown = title(scene);
    scene.keys(' ');
    return shown;
  });
  expect(titles).toEqual([
    '1 of 6: The rack',
    '2 of 6: Values',
    '3 of 6: Consoles',
    '4 of 6: Power',
    '5 of 6: Emergency',
    '6 of 6: What happened',
  ]);
  expect(scene.state.overlay).toBe(null);
  expect(scene.state.view.main).toBe('map');
});

test.each([0, 2, 5])('Esc in step %i leaves it, back to the view from before', (steps) => {
  const scene = new Scene({ cols: 120, rows: 40 }).keys('T', '?', 't', ...Array<string>(steps).fill(' '));
  expect(scene.keys('\x1b').state).toMatchObject({ overlay: null, view: { main: 'table' } });
});

test.each([
  [3, 'menu'],
  [4, 'emergency'],
  [5, 'events'],
] as const)('t in step %i leaves the tour and opens %s itself', (steps, kind) => {
  expect(toured().keys(...Array<string>(steps).fill(' '), 't').state.overlay?.kind).toBe(kind);
});

test('t in the step about consoles opens one; no step sends anything by itself', () => {
  const scene = new Scene({ cols: 120, rows: 40 }).keys('03', '?', 't', ' ', ' ', ' ', ' ', ' ');
  const sends = ['attach', 'start', 'keys', 'check'];
  expect(scene.effects.filter((effect) => sends.includes(effect.do))).toEqual([]);
  expect(scene.keys('h', 'h', 'h', 't').effects.at(-1)).toMatchObject({ do: 'attach', addr: 3 });
});

test('the offer names the keys; once opened, the tour is not offered again', () => {
  const scene = toured();
  expect(tourOffer(scene.state)).toContain('? then t');
  const kept = scene.effects.findLast((effect) => effect.do === 'remember');
  expect(kept?.do === 'remember' && viewFrom(kept.view).toured).toBe(true);
});

test.each([
  [60, 16],
  [80, 24],
])('at %i x %i every step fits, with its keys', (cols, rows) => {
  const scene = new Scene({ cols, rows }).keys('?', 't');
  for (let i = 0; i < 6; i++, scene.keys(' ')) {
    const text = scene.seen().lines().join('\n');
    expect(text).toContain(`${i + 1} of 6: `);
    expect(text).toMatch(/Esc leave +│/);
  }
});
