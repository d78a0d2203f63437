/**
 * Decides the colour of the map's cells by a value: a level of five, which the theme gives an even ramp. Old and
 * unknown nodes have none, whatever the value. Pure.
 */
import { STALE_AFTER_MS } from '../../rack/reading.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { type Ground, HEAT_GROUNDS, type Span, spansWidth } from '../canvas/frame.ts';
import { type Glyphs, type Range, shorten } from '../canvas/glyphs.ts';
import { chosen } from '../layout/layout.ts';
import type { Step } from '../model/events.ts';
import { type Heat, HEAT_WORDS, HEATS, type State } from '../model/state.ts';
import { CURRENT, FAN } from '../model/strips.ts';
import { isSummed, type NodeLook } from './node-look.ts';
import { sharedRange } from './strips.ts';

const LEVELS = HEAT_GROUNDS.length;
/** Levels of a node without alarm, with one that was acknowledged or is over, with an active one. */
const ALARM_LEVELS = { none: 0, seen: 2, active: 4 };

/** What all cells of a frame share. `range`: ends of the ramp, in counts or seconds; null: it has no numbers. */
export interface HeatScale {
  by: Exclude<Heat, 'state'>;
  range: Range | null;
  clusters: readonly string[];
}

/** Returns the scale of the chosen value; null: cells have the colours of their states. */
export const heatScale = (state: State): HeatScale | null => heatScaleOf([state], state.view.heat);

/** Returns one scale for several racks, so that their nodes compare; null: the colours of their states. */
export function heatScaleOf(states: readonly State[], by: Heat): HeatScale | null {
  if (by === 'state') return null;
  const clusters = by === 'cluster' ? [...new Set(states.flatMap(clustersOf))] : [];
  const ranges = states.map((state) => rangeFor(by, state)).filter((range) => range !== null);
  const range = {
    low: Math.min(...ranges.map(({ low }) => low)),
    high: Math.max(...ranges.map(({ high }) => high)),
  };
  return { by, range: ranges.length === 0 ? null : range, clusters };
}

function rangeFor(by: HeatScale['by'], { strips }: State): Range | null {
  if (by === 'age') return { low: 0, high: STALE_AFTER_MS / 1000 };
  return by === 'current' ? sharedRange(strips, CURRENT) : by === 'fan' ? sharedRange(strips, FAN) : null;
}

const clustersOf = ({ rack }: State): string[] => [
  ...new Set(rack.nodes.map(({ cluster }) => cluster).filter((cluster) => cluster !== null)),
];

/** Returns a node's level, 0 to 4; null: it is old or unknown, or has no such value. */
export function heatLevel(
  state: State,
  { by, range, clusters }: HeatScale,
  node: InventoryNode,
  look: NodeLook,
): number | null {
  // An alarm is known whatever is known of the node; that there is none is not.
  const alarm = by === 'alarm' ? alarmLevel(state, node) : ALARM_LEVELS.none;
  if (alarm !== ALARM_LEVELS.none) return alarm;
  if (!isSummed(look)) return null;
  if (by === 'alarm') return alarm;
  if (by === 'cluster') return node.cluster === null ? null : clusterLevel(clusters, node.cluster);
  const value = by === 'age' ? look.ageMs / 1000 : look[by];
  if (value === null || range === null) return null;
  const level = Math.floor(((value - range.low) / (range.high - range.low)) * LEVELS);
  return Math.max(0, Math.min(LEVELS - 1, level));
}

/** Spreads the clusters over the ramp; from the fifth on they share its end. */
function clusterLevel(clusters: readonly string[], cluster: string): number {
  const i = Math.min(clusters.indexOf(cluster), LEVELS - 1);
  const last = Math.min(clusters.length, LEVELS) - 1;
  return last === 0 ? 2 : Math.round((i * (LEVELS - 1)) / last);
}

function alarmLevel({ alarms }: State, { addr }: InventoryNode): number {
  const own = alarms.filter((alarm) => alarm.addr === addr);
  if (own.length === 0) return ALARM_LEVELS.none;
  return own.some((alarm) => alarm.acknowledged === null && alarm.clearedAt === null)
    ? ALARM_LEVELS.active
    : ALARM_LEVELS.seen;
}

export const heatGround = (level: number): Ground => HEAT_GROUNDS[level] ?? 'screen';

const swatch = (level: number, g: Glyphs): Span => [g.levels[level] ?? '', 'heat', heatGround(level)];

/** The ramp with the values at its ends, or each of its meanings, in at most `width` columns where names can be cut. */
export function heatLegend({ by, range, clusters }: HeatScale, width: number, g: Glyphs): Span[] {
  if (range !== null) {
    const unit = by === 'age' ? 's' : 'ct';
    const ramp = g.levels.map((_, level) => swatch(level, g));
    const legend: Span[] = [[`${range.low} `, 'dim'], ...ramp, [` ${range.high} ${unit}`, 'dim']];
    return spansWidth(legend) <= width ? legend : [[`${range.low}`, 'dim'], ...ramp, [`${range.high}`, 'dim']];
  }
  const named = (words: readonly (readonly [word: string, level: number])[]): Span[] =>
    words.flatMap(([word, level], i): Span[] => [[`${i === 0 ? '' : ' '}${word}`, 'dim'], swatch(level, g)]);
  const { none, seen, active } = ALARM_LEVELS;
  if (by === 'alarm') {
    const words = ['none', 'acknowledged or over', 'new'] as const;
    const [no, old, fresh] = width >= words.join(' ').length + LEVELS ? words : (['no', 'ack', 'new'] as const);
    return named([
      [no, none],
      [old, seen],
      [fresh, active],
    ]);
  }
  const shown = clusters.slice(0, LEVELS);
  const room = Math.max(1, Math.floor((width + 1) / Math.max(1, shown.length)) - 2);
  const more: Span[] = clusters.length > LEVELS ? [[' and others', 'dim']] : [];
  return [...named(shown.map((name) => [shorten(name, room, g), clusterLevel(clusters, name)])), ...more];
}

export function nextHeat(state: State): Step {
  const heat = HEATS[(HEATS.indexOf(state.view.heat) + 1) % HEATS.length] ?? 'state';
  const none = heat === 'state' ? '' : '; old and unknown nodes have none';
  return chosen(state, { ...state.view, heat }, `map: colours by ${HEAT_WORDS[heat]}${none}`);
}
