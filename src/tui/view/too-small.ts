/** What a terminal shows that is too small for the map: how much is missing, and whether anything is wrong meanwhile. */
import type { Frame, Span } from '../frame.ts';
import type { Glyphs } from '../glyphs.ts';
import { MIN_COLS, MIN_ROWS } from '../layout.ts';
import { nameOf, unseenAlarms, type State } from '../state.ts';
import { countsOf } from './node-look.ts';

export function paintTooSmall(frame: Frame, state: State, g: Glyphs): void {
  const lines: Span[][] = [
    alarmLine(state, g),
    [
      ['needs ', 'text'],
      [`${MIN_COLS}x${MIN_ROWS}`, 'warn'],
      [`, has ${frame.cols}x${frame.rows}`, 'text'],
    ],
    countLine(state),
    [
      ['q', 'key'],
      [' leaves', 'text'],
    ],
  ];
  // The lower the terminal the less is said, from the end; what is wrong stands first.
  const shown = lines.slice(0, Math.max(1, frame.rows));
  const top = Math.max(0, Math.floor((frame.rows - shown.length) / 2));
  shown.forEach((line, i) => frame.spans(frame.cols > 20 ? 1 : 0, top + i, line));
}

/** The worst that nobody has seen, in one line. */
function alarmLine(state: State, g: Glyphs): Span[] {
  if (state.link.kind === 'lost') return [[`server gone: ${state.link.why}`, 'fault']];
  const unseen = unseenAlarms(state);
  const [first] = unseen;
  if (first !== undefined) {
    const where = first.addr === null ? 'bus' : nameOf(state, first.addr);
    const count = unseen.length === 1 ? '' : `${unseen.length}: `;
    return [
      [`${g.alarm} ${count}`, 'danger'],
      [`${where} ${first.text}`, 'fault'],
    ];
  }
  if (state.bus.state !== 'ready' && state.bus.state !== 'paused') return [[`bus ${state.bus.state}`, 'fault']];
  return state.alarms.length > 0 ? [[`${g.alarm} ${state.alarms.length} seen`, 'warn']] : [[`${g.ok} no alarm`, 'ok']];
}

function countLine(state: State): Span[] {
  const { on, off, disabled, unknown, lost, ...systems } = countsOf(state);
  const bad = disabled + unknown + lost + systems.halted + systems['going-down'] + systems.failed + systems.booting;
  return [
    [`${on} on ${off} off`, 'text'],
    [bad > 0 ? ` ${bad} else` : '', 'warn'],
  ];
}
