/** The overlay of plans over several racks: what starts, pauses and aborts one, and what never does. */
import { expect, test } from 'vitest';
import { FLEET_PLANS, FLEET_PREVIEW, fleetPlans } from './fleet-plans.ts';
import { NOW, Scene } from './scene.ts';

const names = ['er24a', 'er24b'];

function several(access: 'control' | 'view' = 'control'): Scene {
  const scene = new Scene({ cols: 120, rows: 39 });
  scene.state = { ...scene.state, access, racks: { names, index: 0, shown: true } };
  scene.peers = [{ ...scene.state, racks: { names, index: 1, shown: false } }];
  return scene.dispatch({ type: 'fleet-plans', fleet: FLEET_PLANS });
}

function previewed(confirm = FLEET_PREVIEW.confirm): Scene {
  const scene = several().keys('R', '!', '\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'fleet-preview', panel: scene.overlayId, plan: 'shed-dev', run: null });
  return scene.dispatch({
    ...{ type: 'fleet-previewed', panel: scene.overlayId, preview: { ...FLEET_PREVIEW, confirm } },
  });
}

const started = (scene: Scene): unknown[] => scene.effects.filter((effect) => effect.do === 'fleet-start');
const panel = (scene: Scene): Record<string, unknown> => scene.state.overlay as unknown as Record<string, unknown>;

test('only the whole words start a plan: not Enter, not other words, not a paste, not keys in one read', () => {
  const scene = previewed();
  scene.keys('\r');
  expect(panel(scene)['remark']).toBe('Enter alone starts nothing: type shed-dev 21 first.');
  scene.typed('shed-dev 2').keys('\r');
  expect(panel(scene)['remark']).toBe('The words do not match: nothing was started.');
  scene.keys('shed-dev 21', '\r');
  scene.keys('\x1b[200~shed-dev 21\x1b[201~', '\r');
  expect(started(scene)).toEqual([]);
  scene.typed('shed-dev 21').keys('\r', '\r');
  expect(started(scene)).toEqual([{ do: 'fleet-start', panel: scene.overlayId, confirm: 'shed-dev 21' }]);
  scene.dispatch({ type: 'fleet-started', panel: scene.overlayId, id: 'f1b' });
  expect(panel(scene)['mode']).toEqual({ is: 'run', id: 'f1b', asks: null });
});

test('what the racks said a minute ago starts nothing: they are asked again', () => {
  const scene = previewed();
  scene.typed('shed-dev 21').dispatch({ type: 'tick', local: NOW + 61_000, dateAhead: 0 });
  scene.state = { ...scene.state, now: NOW + 61_000 };
  const mode = panel(scene)['mode'] as { preview: { at: number } };
  mode.preview.at = NOW - 61_000;
  scene.keys('\r');
  expect(started(scene)).toEqual([]);
  expect(scene.effects.at(-1)).toMatchObject({ do: 'fleet-preview', plan: 'shed-dev', run: null });
});

test('a refusal of the driver is shown in place of the preview, or beside the words', async () => {
  const asked = several().keys('R', '!', '\r');
  asked.dispatch({ type: 'fleet-failed', panel: asked.overlayId, why: 'er24b/shed-dev cannot be run: no such node' });
  expect((await asked.frame()).lines().join('\n')).toContain('er24b/shed-dev cannot be run: no such node');
  const scene = previewed().typed('shed-dev 21').keys('\r');
  scene.dispatch({ type: 'fleet-failed', panel: scene.overlayId, why: 'nothing was started: no rack is reached' });
  expect((await scene.frame()).lines().join('\n')).toContain('nothing was started: no rack is reached');
  expect(panel(scene)['mode']).toMatchObject({ is: 'preview', sent: false, text: '' });
  // A panel that was closed meanwhile is not opened again.
  const id = scene.overlayId;
  scene.keys('\x1b', '\x1b', '\x1b');
  scene.dispatch({ type: 'fleet-started', panel: id, id: 'f1b' });
  expect(scene.state.overlay).toBeNull();
});

test('a view-only session previews, pauses, aborts and resumes nothing', () => {
  const scene = several('view').keys('R', '!', '\r');
  expect(panel(scene)['remark']).toMatch(/^this is a view-only session/);
  scene.keys('j', 'j', '\r', 'p', 'a', 'r');
  expect(panel(scene)['remark']).toBe('resume: this is a view-only session');
  expect(scene.effects.filter((effect) => effect.do.startsWith('fleet-'))).toEqual([]);
});

test('a run is aborted after a question, and resumed only where no program drives it', () => {
  const scene = several().keys('R', '!', 'j', 'j', '\r', 'a', 'n', 'r');
  expect(panel(scene)['remark']).toBe('resume: this interface drives it');
  scene.keys('a', 'y');
  expect(scene.effects.filter((effect) => effect.do === 'fleet-act')).toEqual([
    { do: 'fleet-act', panel: scene.overlayId, act: 'abort', id: 'f1b' },
  ]);
  const elsewhere = FLEET_PLANS.runs.map((run) => ({ ...run, driver: 'elsewhere' as const }));
  scene.dispatch({ type: 'fleet-plans', fleet: { ...FLEET_PLANS, runs: elsewhere } }).keys('r');
  expect(panel(scene)['remark']).toBe('resume: another rackui drives it: pause it first');
  scene.dispatch({ type: 'fleet-plans', fleet: fleetPlans('paused') }).keys('p');
  expect(panel(scene)['remark']).toBe('pause: it is paused');
  scene.keys('r');
  expect(scene.effects.at(-1)).toMatchObject({ do: 'fleet-preview', plan: 'shed-dev', run: 'f1b' });
});

test('the palette opens the preview of a plan of several racks', () => {
  const scene = several().keys(':').typed('plan all-on').keys('\r');
  expect(scene.effects.at(-1)).toMatchObject({ do: 'fleet-preview', plan: 'all-on', run: null });
});
