/** Commands for layouts and zoom. Pure. */
import { step, type Step, withNotice } from '../model/events.ts';
import { type MainView, type Preset, PRESET_WORDS, PRESETS, type State, type View } from '../model/state.ts';
import { layoutOf, type Panes, panesOf } from './layout.ts';
import type { CellKind } from './map-layout.ts';

/** Selects the next preset that differs from the present screen; one that does not fit this terminal is skipped. */
export function nextLayout(state: State): Step {
  const { view } = state;
  const at = PRESETS.indexOf(view.preset);
  const now = panesOf(state);
  const next = [...PRESETS.slice(at + 1), ...PRESETS.slice(0, at)].find(
    (preset) => preset === 'auto' || (fits(state, preset) && !same(panesOf(state, preset), now)),
  );
  const preset = next ?? 'auto';
  return chosen(state, { ...view, preset }, `layout: ${PRESET_WORDS[preset]}`);
}

function fits(state: State, preset: Preset): boolean {
  return preset !== 'all' || panesOf(state, preset).detail;
}

const same = (a: Panes, b: Panes): boolean => a.console === b.console && a.detail === b.detail;

const KINDS: readonly CellKind[] = ['glyph', 'line', 'full'];
const KIND_WORDS: Record<CellKind, string> = { glyph: 'a sign a node', line: 'a line a node', full: 'full cells' };

/** Zooms one size up or down from the present one. */
export function zoomCells(state: State, by: 1 | -1): Step {
  const layout = layoutOf(state);
  if (layout.kind === 'too-small' || layout.map === null) return step(state);
  const kind = KINDS[KINDS.indexOf(layout.map.kind) + by];
  if (kind === undefined)
    return step(withNotice(state, 'info', by > 0 ? 'the cells are full already' : 'a sign a node is the smallest'));
  return chosen(state, { ...state.view, cells: kind }, `map: ${KIND_WORDS[kind]}; = fits the rack to the screen again`);
}

export function fitCells(state: State): Step {
  return chosen(state, { ...state.view, cells: 'auto' }, 'map: cells as large as lets the whole rack be seen');
}

/** Shows the nodes in another way, for the next run too. */
export function showMain(state: State, main: MainView): Step {
  const view = { ...state.view, main };
  return step({ ...state, view }, { do: 'remember', view });
}

export function chosen(state: State, view: View, words: string): Step {
  return step(withNotice({ ...state, view }, 'info', words), { do: 'remember', view });
}
