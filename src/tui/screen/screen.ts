/**
 * What a terminal shows that is too small for the map: how much is missing, and whether anything is wrong meanwhile.
 *
 * The whole screen: one state, one frame.
 */
import { silenceText } from '../../api/methods.ts';
import { wrap } from '../../lib/words.ts';
import { formatPosition } from '../../rack/address.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { Frame, type Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { paintPane, type Screens } from '../console/pane.ts';
import { paintDetail } from '../detail/detail-view.ts';
import { contextOf } from '../keymap/context.ts';
import { keyNameOf, keyOf } from '../keymap/lookup.ts';
import { layoutOf, MIN_COLS, MIN_ROWS } from '../layout/layout.ts';
import { paintFilterLine } from '../map/filter-line.ts';
import { filterProblem } from '../map/filter.ts';
import { paintMap } from '../map/map-view.ts';
import { countsOf } from '../map/node-cell.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State, unseenAlarms } from '../model/state.ts';
import { paintAlarms } from '../overlays/alarms-view.ts';
import { paintBus } from '../overlays/bus-log-view.ts';
import { paintPalette } from '../overlays/command-palette-view.ts';
import { paintConsoles } from '../overlays/console-list-view.ts';
import { paintEmergency } from '../overlays/emergency-view.ts';
import { paintHelp } from '../overlays/help.ts';
import { paintOperationsPanel } from '../overlays/operations-view.ts';
import { paintPeople } from '../overlays/participants-view.ts';
import { paintMenu, paintPowerDialog } from '../overlays/power-view.ts';
import type { Plot } from '../terminal/plot.ts';
import { paintSupply } from '../ups/ups-view.ts';
import { paintHeader } from './header.ts';
import { paintEvents, paintFooter, paintNotice, paintOperations, paintSaid, paintSelected } from './status-lines.ts';

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

/** `plot` draws the lines of charts; null: bars do. */
export function paint(state: State, screens: Screens, g: Glyphs, plot: Plot | null = null): Frame {
  const frame = new Frame(state.size.cols, state.size.rows);
  const layout = layoutOf(state);
  if (layout.kind === 'too-small') {
    paintTooSmall(frame, state, g);
    return frame;
  }
  paintHeader(frame, layout.header, state, g);
  if (layout.map) paintMap(frame, layout.map, state, g);
  if (layout.selected) paintSelected(frame, layout.selected, state, layout, g);
  if (layout.events) paintEvents(frame, layout.events, state, state.events);
  if (layout.operations) paintOperations(frame, layout.operations, state, g);
  if (layout.detail) paintDetail(frame, layout.detail, state, plot, g);
  if (layout.console) paintPane(frame, layout.console, state, screens, g);
  if (layout.map || state.notice !== null || state.link.kind === 'lost') {
    // Over a console that fills the screen only what must be said takes a line from it.
    if (!layout.map) frame.clear(layout.notice, 'bar');
    paintNotice(frame, layout.notice, state);
  }
  const { overlay } = state;
  if (overlay?.kind === 'filter') {
    const problem = filterProblem(state.filter, state);
    if (problem !== null) paintSaid(frame, { ...layout.footer, y: layout.footer.y - 1 }, problem, 'warn');
    paintFilterLine(frame, layout.footer, state);
  } else if (overlay?.kind === 'note') {
    frame.clear(layout.footer, 'bar');
    const at = frame.spans(1, layout.footer.y, [
      ['note into the log: ', 'key'],
      [overlay.text, 'text'],
    ]);
    frame.cursor = { x: at, y: layout.footer.y };
  } else if (overlay === null && state.focus === 'console' && state.pane.look?.query != null) {
    frame.clear(layout.footer, 'bar');
    const at = frame.spans(1, layout.footer.y, [
      ['search back: ', 'key'],
      [state.pane.look.query, 'text'],
    ]);
    frame.cursor = { x: at, y: layout.footer.y };
  } else if (overlay === null || contextOf(state) !== null) {
    // At a console every key is the node's: the footer shows what the prefix would do.
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
  if (overlay !== null) {
    if (!['filter', 'note', 'palette'].includes(overlay.kind)) frame.cursor = null;
    paintOverlay(frame, state, overlay, plot, g);
  }
  return frame;
}

function paintOverlay(frame: Frame, state: State, overlay: Overlay, plot: Plot | null, g: Glyphs): void {
  switch (overlay.kind) {
    case 'help': {
      paintHelp(frame, state, overlay.scroll, g);
      return;
    }
    case 'filter':
    case 'note':
    // Of all racks, not of this one: deck.ts paints it.
    case 'racks':
      return;
    case 'palette': {
      paintPalette(frame, state, overlay, g);
      return;
    }
    case 'people': {
      paintPeople(frame, state, overlay, g);
      return;
    }
    case 'consoles': {
      paintConsoles(frame, state, overlay, g);
      return;
    }
    case 'menu': {
      paintMenu(frame, state, overlay.targets, overlay.index, g);
      return;
    }
    case 'power': {
      paintPowerDialog(frame, state, overlay, g);
      return;
    }
    case 'emergency': {
      paintEmergency(frame, state, overlay, g);
      return;
    }
    case 'bus': {
      paintBus(frame, state, overlay, g);
      return;
    }
    case 'supply': {
      paintSupply(frame, state, overlay, plot, g);
      return;
    }
    case 'alarms': {
      paintAlarms(frame, state, overlay, g);
      return;
    }
    case 'operations': {
      paintOperationsPanel(frame, state, overlay, g);
      return;
    }
    case 'takeover': {
      const { holderName, holderSilentSince, addr } = overlay.console;
      const who = holderName ?? 'somebody';
      const silence = silenceText(holderSilentSince, state.now);
      const frozen = silence === '' ? '' : ` That program has been ${silence}: it is stopped, or its link is cut.`;
      const text = `${who} types on ${nameOf(state, addr)} (${formatPosition(addr)}).${frozen} There is one console on this bus: opening ${nameOf(state, overlay.addr)} ends it for ${who}, who is told that it was you.`;
      paintQuestion(frame, 'the console is in use', text, 't', 'take it', g);
      return;
    }
    case 'paste': {
      const removed =
        overlay.removed === 0 ? '' : ` ${overlay.removed} × Ctrl-G (0x07) was taken out: it would close the pipe.`;
      const seconds = Math.ceil((overlay.bytes.length * 2) / 1000);
      const text = `Paste ${overlay.bytes.length} bytes into ${nameOf(state, overlay.addr)}? At the pace that loses nothing it takes ${seconds} s.${removed}`;
      paintQuestion(frame, 'a large paste', text, 'y', 'paste', g, [
        ['l', 'key'],
        [' line by line, for a slow reader   ', 'text'],
      ]);
      return;
    }
  }
}

function paintQuestion(
  frame: Frame,
  title: string,
  text: string,
  key: string,
  does: string,
  g: Glyphs,
  also: readonly Span[] = [],
): void {
  const lines = wrap(text, 60);
  const box = paintBox(frame, centred(frame, 66, lines.length + 4), title, g, 'warn');
  lines.forEach((line, i) => frame.text(box.x, box.y + i, line, 'text', box.width));
  frame.spans(box.x, box.y + lines.length + 1, [
    [key, 'key'],
    [` ${does}   `, 'text'],
    ...also,
    ['any other key', 'key'],
    [' leave it', 'text'],
  ]);
}
