/** Lines of events: the ones to show where there is little room, each in one line in the ink of its level. Pure. */
import type { EventRecord } from '../../api/methods.ts';
import type { InkRole, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';

export type Level = EventRecord['level'];

/** Least to most important. */
export const LEVELS: readonly Level[] = ['info', 'notice', 'warning', 'alarm'];

export const LEVEL_INK: Record<Level, InkRole> = { info: 'dim', notice: 'text', warning: 'warn', alarm: 'fault' };

const MINUTE_MS = 60_000;
/** Time for which an event of this level precedes later ones of lower level, ms. */
const WEIGHT_MS: Record<Level, number> = {
  info: 0,
  notice: 10 * MINUTE_MS,
  warning: 60 * MINUTE_MS,
  alarm: 12 * 60 * MINUTE_MS,
};

/**
 * Returns the `count` weightiest events in their order: sessions that come and go do not push an alarm off the
 * screen.
 */
export function weightiest(events: readonly EventRecord[], count: number): EventRecord[] {
  const weight = ({ at, level }: EventRecord): number => at + WEIGHT_MS[level];
  const chosen = [...events].sort((a, b) => weight(b) - weight(a) || b.seq - a.seq).slice(0, Math.max(0, count));
  return chosen.sort((a, b) => a.seq - b.seq);
}

/** `▲ 14:05:09 ns01 (B-0, 04) …`; the sign tells the levels apart without colours. `rack`: its name, before the text. */
export function eventSpans(
  { at, level, text }: EventRecord,
  { dateAhead }: State,
  g: Glyphs,
  rack: readonly Span[] = [],
): Span[] {
  const signs: Record<Level, string> = { info: ' ', notice: g.separator, warning: '!', alarm: g.alarm };
  return [
    [`${signs[level]} `, LEVEL_INK[level]],
    [`${formatClock(at, dateAhead, true)} `, 'dim'],
    ...rack,
    [text, LEVEL_INK[level]],
  ];
}
