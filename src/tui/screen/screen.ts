/** Paints the screen of one rack: one state, one frame. */
import { type PaintedMessage, paintSentence, partOf } from '../canvas/box.ts';
import { wrap } from '../../lib/words.ts';
import { Frame, type Rect, type Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { paintPane, type Screens } from '../console/pane.ts';
import { paintDetail } from '../detail/detail-view.ts';
import { paintGlance } from '../glance/glance-view.ts';
import { contextOf } from '../keymap/context.ts';
import { keyNameOf, keyOf } from '../keymap/lookup.ts';
import { type Layout, layoutOf, MIN_COLS, MIN_ROWS } from '../layout/layout.ts';
import { paintMap } from '../map/map-view.ts';
import { countsOf } from '../map/node-look.ts';
import { isUnreached, nameOf, type State, unseenAlarms } from '../model/state.ts';
import { overlayType } from '../overlays/list.ts';
import { paintTable } from '../table/table-view.ts';
import type { Plot } from '../terminal/plot.ts';
import { paintHeader } from './header.ts';
import { noticeOf, paintEvents, paintFooter, paintOperations, paintSelected } from './status-lines.ts';

/** Shows the missing size where the terminal is too small for the map, and the problems meanwhile. */
function paintTooSmall(frame: Frame, state: State, g: Glyphs): void {
  const lines: Span[][] = [
    alarmLine(state, g),
    [
      ['needs ', 'text'],
      [`${MIN_COLS}x${MIN_ROWS}`, 'warn'],
      [`, has ${frame.cols}x${frame.rows}`, 'text'],
    ],
    countLine(state),
    [
      [keyOf(state, 'map', 'quit'), 'key'],
      [' leaves', 'text'],
    ],
  ];
  // The lower the terminal the fewer lines, from the end; problems are first.
  const shown = lines.slice(0, Math.max(1, frame.rows));
  const top = Math.max(0, Math.floor((frame.rows - shown.length) / 2));
  shown.forEach((line, i) => frame.spans(frame.cols > 20 ? 1 : 0, top + i, line));
}

/** Returns the worst alarm that is not acknowledged, in one line. */
function alarmLine(state: State, g: Glyphs): Span[] {
  if (state.link.kind === 'lost') return [[`no server: ${state.link.why}`, 'fault']];
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
  return state.alarms.length > 0
    ? [[`${g.alarm} ${state.alarms.length} acknowledged`, 'warn']]
    : [[`${g.ok} no alarm`, 'ok']];
}

function countLine(state: State): Span[] {
  const { on, off, disabled, unknown, lost, ...systems } = countsOf(state);
  const bad = disabled + unknown + lost + systems.halted + systems['going-down'] + systems.failed + systems.booting;
  return [
    [`${on} on ${off} off`, 'text'],
    [bad > 0 ? ` ${bad} other` : '', 'warn'],
  ];
}

/** Paints the reason why nothing is known of this rack, instead of its map. */
function paintUnreached(frame: Frame, rect: Rect, state: State): void {
  if (state.link.kind !== 'lost') return;
  frame.clear(rect);
  const width = Math.min(rect.width - 4, 76);
  const lines = [
    `${state.racks.names[state.racks.index] ?? state.rack.name} has not been reached yet.`,
    ...wrap(state.link.why, width),
  ];
  const y = rect.y + Math.max(0, Math.floor((rect.height - lines.length - 2) / 2));
  const x = rect.x + Math.max(0, Math.floor((rect.width - width) / 2));
  lines.forEach((line, i) => frame.text(x, y + i + (i > 0 ? 1 : 0), line, i === 0 ? 'title' : 'fault', width));
  frame.text(x, y + lines.length + 2, 'rackui tries again by itself.', 'dim', width);
}

/** A console that fills the screen has the notices in its title, but for those of the bus, which pauses meanwhile. */
function titleNotice(state: State, line: Rect | null): PaintedMessage | null {
  return line === null && (state.notice !== null || state.link.kind === 'lost') ? noticeOf(state) : null;
}

/** Returns the place of the console pane where nothing but its own output changes it; null: there is none. */
export function consoleAlone(state: State): Rect | null {
  const layout = layoutOf(state);
  const covered = state.overlay !== null || state.pane.look !== null;
  return covered || layout.kind === 'too-small' ? null : layout.console;
}

/**
 * Paints a frame from `before`, that of the same state, after output of the console in `rect` (see {@link consoleAlone}).
 * `tabs`: rows above the rack's part of the screen.
 */
export function repaintConsole(
  before: Frame,
  rect: Rect,
  state: State,
  screens: Screens,
  g: Glyphs,
  tabs: number,
): { frame: Frame; rect: Rect } {
  const layout = layoutOf(state);
  const place = { ...rect, y: rect.y + tabs };
  const frame = new Frame(before.cols, before.rows, before);
  frame.clear(place);
  paintPane(frame, place, state, screens, g, titleNotice(state, layout.kind === 'too-small' ? null : layout.notice));
  return { frame, rect: place };
}

/** Paints the panes of the rack, and the notice. */
function paintPanes(
  frame: Frame,
  layout: Layout,
  state: State,
  screens: Screens,
  { plot, g }: { plot: Plot | null; g: Glyphs },
): void {
  paintHeader(frame, layout.header, state, g);
  if (layout.map && isUnreached(state)) paintUnreached(frame, layout.map.area, state);
  const legend = layout.map && !isUnreached(state) ? paintMap(frame, layout.map, state, g) : [];
  if (layout.glance) paintGlance(frame, layout.glance, state, g);
  if (layout.table) paintTable(frame, layout.table, state, g);
  if (layout.selected && !isUnreached(state)) paintSelected(frame, layout.selected, state, { layout, legend }, g);
  const notice = noticeOf(state);
  // On a low screen the events have the line of the notice while there is none.
  const line = layout.notice;
  const shared = line !== null && layout.events !== null && layout.events.y + layout.events.height > line.y;
  if (layout.events)
    paintEvents(
      frame,
      shared && notice !== null ? { ...layout.events, height: layout.events.height - 1 } : layout.events,
      state,
      g,
    );
  if (layout.operations) paintOperations(frame, layout.operations, state, g);
  if (layout.detail) paintDetail(frame, layout.detail, state, plot, g);
  if (layout.console) paintPane(frame, layout.console, state, screens, g, titleNotice(state, line));
  if (line !== null && notice !== null) {
    // The lines above are the node's where there is a console.
    const text = layout.console === null ? notice.text : partOf(notice.text, line.width - 2, state.now - notice.at);
    paintSentence(frame, line, text, notice.ink);
  }
}

/** Paints a frame. `plot` draws the lines of charts; null: bars are drawn. `fleet`: all racks, for views of all. */
export function paint(
  state: State,
  screens: Screens,
  g: Glyphs,
  plot: Plot | null = null,
  fleet: readonly State[] = [state],
): Frame {
  const frame = new Frame(state.size.cols, state.size.rows);
  const layout = layoutOf(state);
  if (layout.kind === 'too-small') {
    paintTooSmall(frame, state, g);
    return frame;
  }
  const { overlay } = state;
  const type = overlay === null ? null : overlayType(overlay);
  const behind = (overlay === null ? null : type?.behind?.(overlay)) ?? null;
  if (type?.fills !== true && (behind === null || overlayType(behind).fills !== true))
    paintPanes(frame, layout, state, screens, { plot, g });
  if (overlay !== null) frame.cursor = null;
  if (overlay !== null && type?.paintFooter !== undefined) {
    type.paintFooter(frame, layout.footer, state, overlay);
  } else if (overlay === null && state.focus === 'console' && state.pane.look?.query != null) {
    frame.clear(layout.footer, 'bar');
    const at = frame.spans(1, layout.footer.y, [
      ['search back: ', 'key'],
      [state.pane.look.query, 'text'],
    ]);
    frame.cursor = { x: at, y: layout.footer.y };
  } else if (overlay === null || contextOf(state) !== null) {
    // At a console every key is the node's: the footer shows the keys after the prefix.
    const typing = contextOf(state) === null;
    const prefix = keyOf(state, 'console', 'prefix');
    const chord = state.pane.chord.kind !== 'idle';
    const lead: Span[] = typing
      ? [
          [prefix, 'key'],
          [' then ', 'text'],
        ]
      : chord
        ? [[`${prefix} `, 'warn']]
        : [];
    const before = typing ? [keyNameOf(state, 'console', 'prefix')] : [];
    paintFooter(frame, layout.footer, state, contextOf(state) ?? 'prefix', lead, before);
  } else {
    frame.clear(layout.footer, 'bar');
    frame.spans(1, layout.footer.y, [
      ['Esc', 'key'],
      [' close', 'text'],
    ]);
  }
  if (overlay !== null && type?.paint !== undefined) {
    if (behind !== null) {
      overlayType(behind).paint?.(frame, state, behind, { g, plot, fleet });
      frame.target({ x: 0, y: 0, width: frame.cols, height: frame.rows }, null);
    }
    const below = layout.header.y + layout.header.height;
    if (type.showsScreen !== true)
      frame.dim({ x: 0, y: below, width: frame.cols, height: (layout.notice ?? layout.footer).y - below });
    type.paint(frame, state, overlay, { g, plot, fleet });
  }
  return frame;
}
