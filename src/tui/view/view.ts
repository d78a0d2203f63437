/** The whole screen: one state, one frame. */
import { silenceText } from '../../api/protocol.ts';
import { formatPosition } from '../../rack/address.ts';
import { keyNameOf, keyOf } from '../bindings.ts';
import { contextOf } from '../context.ts';
import { filterProblem } from '../filter.ts';
import { Frame, type Span } from '../frame.ts';
import type { Glyphs } from '../glyphs.ts';
import { layoutOf } from '../layout.ts';
import type { Plot } from '../plot.ts';
import { nameOf, type State } from '../state.ts';
import type { Overlay } from '../state-overlay.ts';
import { paintAlarms } from './alarms.ts';
import { paintBus } from './bus.ts';
import { wrap } from '../../lib/words.ts';
import { centred, paintBox } from './box.ts';
import { paintConsoles } from './consoles.ts';
import { paintDetail } from './detail.ts';
import { paintEmergency } from './emergency.ts';
import { paintFilterLine } from './filter.ts';
import { paintHeader } from './header.ts';
import { paintHelp } from './help.ts';
import { paintEvents, paintFooter, paintNotice, paintOperations, paintSaid, paintSelected } from './lines.ts';
import { paintMap } from './map.ts';
import { paintOperationsPanel } from './operations.ts';
import { paintPane, type Screens } from './pane.ts';
import { paintPalette } from './palette.ts';
import { paintPeople } from './people.ts';
import { paintSupply } from './supply.ts';
import { paintTooSmall } from './too-small.ts';
import { paintMenu, paintPowerDialog } from './power-dialog.ts';

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
