/** The legend of the map: what is current and what is fan, their scales and time, and what the colours stand for. Pure. */
import { type Span, spansWidth } from '../canvas/frame.ts';
import { type Glyphs, POWER_LETTER, POWER_WORD, type Range } from '../canvas/glyphs.ts';
import { KUBERNETES_WORD } from '../../rack/kubernetes.ts';
import { keyOf } from '../keymap/lookup.ts';
import type { Inputs } from '../canvas/inputs.ts';
import { type MapLayout, railRoom } from '../layout/map-layout.ts';
import { type State, WINDOW_WORDS } from '../model/state.ts';
import { heatLegend, type HeatScale } from './heat.ts';
import { CLUSTER_SIGNS, KUBERNETES_INK, kubernetesOf } from './kubernetes.ts';
import { inkOfCondition, lookOf, viewOf } from './node-look.ts';
import type { StripView } from './strips.ts';

/** What explains the cells: scales of their strips and of their colours. */
interface Scales {
  strips: StripView;
  heat: HeatScale | null;
}

const CONDITIONS = Object.keys(POWER_LETTER) as (keyof typeof POWER_LETTER)[];

/** Columns for the names of clusters on the rack's frame. */
const WIDE_LEGEND = 40;

/** Returns the legend, one piece a thing, the most important first. */
export function legendOf(state: State, map: MapLayout, { strips, heat }: Scales, g: Glyphs): Span[][] {
  const wide = map.surround === 'rack';
  const room = wide ? WIDE_LEGEND : railRoom(map);
  const times: Span[][] = map.kind === 'full' || strips.columns > 0 ? timesOf(state, strips, wide) : [];
  const rows = rowsOf(map, strips, wide);
  if (heat === null) return [...rows, ...times, ...signsOf(state, g)];
  const name = heatName(state, heat, wide, room);
  const ramp = heatLegend(heat, room, g);
  const without = heat.by === 'cluster' ? 'old, unknown, no cluster' : 'old or unknown';
  return wide
    ? [[...name, [' ', 'text'] as const, ...ramp], ...rows, ...times, [[`no colour: ${without}`, 'dim']]]
    : [...rows, name, ramp, ...times, ...signsOf(state, g)];
}

/** Returns all that {@link legendOf} reads beside the map. */
export function legendInputs(state: State, { strips, heat }: Scales): Inputs {
  let [powers, clusters] = [0, 0];
  for (const { addr } of state.rack.nodes) {
    const view = viewOf(state, addr);
    powers |= 1 << CONDITIONS.indexOf(lookOf(state, view).power);
    const cluster = kubernetesOf(state, view);
    if (cluster !== null && cluster !== 'ready') clusters |= 1 << CLUSTER_SIGNS.indexOf(cluster);
  }
  const { current, fan, columns } = strips;
  const ranges = [current?.low, current?.high, fan?.low, fan?.high];
  return [powers, clusters, ...ranges, columns > 0, heat, state.view, state.settings.keys];
}

const key = (state: State, command: 'window' | 'scale' | 'heat'): Span => [`${keyOf(state, 'map', command)} `, 'key'];

/** The two strips of a cell, or the one number of a line. */
function rowsOf({ kind, fanLines }: MapLayout, { current, fan }: StripView, wide: boolean): Span[][] {
  if (kind === 'glyph') return [];
  const numbers: Span = ['current', 'spark'];
  if (kind === 'line') return [[numbers]];
  const range = (of: Range | null): Span[] => (wide && of !== null ? [[` ${of.low} to ${of.high} ct`, 'dim']] : []);
  if (fanLines === 0) return [[numbers, ...range(current)]];
  return [
    [['upper ', 'dim'], numbers, ...range(current)],
    [['lower ', 'dim'], ['fan', 'fan'], ...range(fan)],
  ];
}

function timesOf(state: State, { current }: StripView, wide: boolean): Span[][] {
  const scale = current === null ? 'own scales' : wide ? 'one scale' : `scale ${current.low}-${current.high}`;
  return [
    [key(state, 'window'), [`last ${WINDOW_WORDS[state.view.window]}`, 'dim']],
    [key(state, 'scale'), [scale, 'dim']],
  ];
}

function heatName(state: State, { by }: HeatScale, wide: boolean, room: number): Span[] {
  const forms = wide ? [`colours: ${by}`] : [`by ${by}`, by];
  const spans = forms.map((words): Span[] => [key(state, 'heat'), [words, 'dim']]);
  return spans.find((one) => spansWidth(one) <= room) ?? spans[0] ?? [];
}

/** `H ●N on`, `○F off`, `⊟ cordoned`: the signs of the states that occur, in their colours. */
function signsOf(state: State, g: Glyphs): Span[][] {
  const seen = new Set(state.rack.nodes.map(({ addr }) => lookOf(state, viewOf(state, addr)).power));
  const powers = CONDITIONS.filter((one) => seen.has(one)).map((one, i): Span[] => [
    ...(i === 0 ? [key(state, 'heat')] : []),
    [`${g.power[one]}${POWER_LETTER[one]}`, inkOfCondition(one)],
    [` ${POWER_WORD[one]}`, 'dim'],
  ]);
  const clusters = new Set(state.rack.nodes.map(({ addr }) => kubernetesOf(state, viewOf(state, addr))));
  const signs = CLUSTER_SIGNS.filter((one) => clusters.has(one)).map((one): Span[] => [
    [g.kubernetes[one], KUBERNETES_INK[one]],
    [one === 'unknown' ? ' cluster?' : ` ${KUBERNETES_WORD[one]}`, 'dim'],
  ]);
  return [...powers, ...signs];
}
