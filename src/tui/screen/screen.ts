/** Paints the screen of one rack: one state, one frame. */
import { type PaintedMessage, paintSentence, partOf } from '../canvas/box.ts';
import { wrap } from '../../lib/words.ts';
import type { Frame, Rect, Span } from '../canvas/frame.ts';
import type { Inputs } from '../canvas/inputs.ts';
import type { Panes } from '../canvas/panes.ts';
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
 * Paints the console in `rect` (see {@link consoleAlone}) over the frame of the same state after output; returns its place
 * in it. `tabs`: rows above the rack's part of the screen.
 */
export function repaintConsole(
  frame: Frame,
  rect: Rect,
  state: State,
  screens: Screens,
  g: Glyphs,
  tabs: number,
): Rect {
  const layout = layoutOf(state);
  const place = { ...rect, y: rect.y + tabs };
  frame.cursor = null;
  frame.erase(place);
  paintPane(frame, place, state, screens, g, titleNotice(state, layout.kind === 'too-small' ? null : layout.notice));
  return place;
}

/** Paints the panes of the rack, and the notice. */
function paintPanes(
  panes: Panes,
  layout: Layout,
  state: State,
  screens: Screens,
  { plot, g }: { plot: Plot | null; g: Glyphs },
): void {
  const { frame } = panes;
  const { map, glance, table, selected, events, operations, detail, console } = layout;
  paintHeader(frame, layout.header, state, g);
  if (map && isUnreached(state)) paintUnreached(frame, map.area, state);
  let legend: readonly Span[][] = [];
  if (map && !isUnreached(state)) legend = paintMap(panes, map, state, g);
  if (glance) panes.renew(glance, () => paintGlance(frame, glance, state, g));
  if (table) panes.renew(table, () => paintTable(frame, table, state, g));
  if (selected && !isUnreached(state))
    panes.keep('selected', selected, selectedInputs(state, layout, legend), () =>
      paintSelected(frame, selected, state, { layout, legend }, g),
    );
  const notice = noticeOf(state);
  // On a low screen the events have the line of the notice while there is none.
  const line = layout.notice;
  if (events) {
    const shared = line !== null && events.y + events.height > line.y && notice !== null;
    const rect = shared ? { ...events, height: events.height - 1 } : events;
    panes.keep('events', rect, [state.events, state.dateAhead], () => paintEvents(frame, rect, state, g));
  }
  if (operations) panes.renew(operations, () => paintOperations(frame, operations, state, g));
  if (detail) paintDetail(panes, detail, state, plot, g);
  if (console) panes.renew(console, () => paintPane(frame, console, state, screens, g, titleNotice(state, line)));
  if (line !== null && notice !== null) {
    // The lines above are the node's where there is a console.
    const text = console === null ? notice.text : partOf(notice.text, line.width - 2, state.now - notice.at);
    paintSentence(frame, line, text, notice.ink);
  }
}

/** Returns all that the line of the selected node is made from; the node is in it only where no detail pane shows it. */
function selectedInputs(state: State, { detail, map }: Layout, legend: readonly Span[][]): Inputs {
  const alone = detail === null || map === null || state.filter !== '';
  return [legend, state.marks, alone ? state : null];
}

/** Fields of the state that change with every sample or second, and none of which the footer reads. */
const SAMPLED: ReadonlySet<string> = new Set<keyof State>([
  ...(['now', 'serverTime', 'dateAhead', 'nodes', 'strips', 'detail', 'glances', 'bus'] as const),
]);

/** Returns all that the footer reads, and more. */
function footerInputs(state: State): Inputs {
  const inputs: unknown[] = [state.bus.state, state.bus.quietReads];
  for (const field in state) if (!SAMPLED.has(field)) inputs.push(state[field as keyof State]);
  return inputs;
}

/**
 * Paints a frame over the last one of `panes`. `plot` draws the lines of charts; null: bars are drawn. `fleet`: all
 * racks, for views of all.
 */
export function paint(
  panes: Panes,
  state: State,
  screens: Screens,
  g: Glyphs,
  plot: Plot | null = null,
  fleet: readonly State[] = [state],
): Frame {
  const { cols, rows } = state.size;
  const layout = layoutOf(state);
  const { overlay } = state;
  // These cover panes.
  const covered = overlay !== null || noticeOf(state) !== null || isUnreached(state) || layout.kind === 'too-small';
  panes.begin(cols, rows, covered ? null : [layout, g]);
  const { frame } = panes;
  if (layout.kind === 'too-small') {
    paintTooSmall(frame, state, g);
    return frame;
  }
  const type = overlay === null ? null : overlayType(overlay);
  const behind = (overlay === null ? null : type?.behind?.(overlay)) ?? null;
  if (type?.fills !== true && (behind === null || overlayType(behind).fills !== true))
    paintPanes(panes, layout, state, screens, { plot, g });
  if (overlay !== null) frame.cursor = null;
  if (overlay !== null && type?.paintFooter !== undefined) type.paintFooter(frame, layout.footer, state, overlay);
  else paintUsualFooter(panes, layout.footer, state);
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

/** Paints the keys that are in force; the search text while one is typed in copy mode. */
function paintUsualFooter(panes: Panes, rect: Rect, state: State): void {
  const { frame } = panes;
  const { overlay, focus, pane } = state;
  if (overlay === null && focus === 'console' && pane.look?.query != null) {
    frame.clear(rect, 'bar');
    const at = frame.spans(1, rect.y, [
      ['search back: ', 'key'],
      [pane.look.query, 'text'],
    ]);
    frame.cursor = { x: at, y: rect.y };
    return;
  }
  const context = contextOf(state);
  if (overlay !== null && context === null) {
    frame.clear(rect, 'bar');
    frame.spans(1, rect.y, [
      ['Esc', 'key'],
      [' close', 'text'],
    ]);
    return;
  }
  panes.keep('footer', rect, footerInputs(state), () => {
    // At a console every key is the node's: the footer shows the keys after the prefix.
    const prefix = keyOf(state, 'console', 'prefix');
    const typing: Span[] = [
      [prefix, 'key'],
      [' then ', 'text'],
    ];
    const lead: Span[] = context === null ? typing : pane.chord.kind !== 'idle' ? [[`${prefix} `, 'warn']] : [];
    const before = context === null ? [keyNameOf(state, 'console', 'prefix')] : [];
    paintFooter(frame, rect, state, context ?? 'prefix', lead, before);
  });
}
