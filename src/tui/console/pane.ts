/**
 * Paints the console pane: a node's emulated screen under a title with the node, the typing session, and the
 * screen's age.
 */
import { silenceText } from '../../api/methods.ts';
import type { LineTimes } from '../../console/line-times.ts';
import { count } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { messageFrom, NARROW_PART, type PaintedMessage, partOf } from '../canvas/box.ts';
import {
  type CellDetail,
  DEFAULT_COLOUR,
  FLAG,
  type Frame,
  type InkRole,
  rawInk,
  type RawInk,
  type Rect,
  type Span,
  spansWidth,
} from '../canvas/frame.ts';
import { formatAge, formatClock, formatDuration, type Glyphs, POWER_WORD } from '../canvas/glyphs.ts';
import { keyOf } from '../keymap/lookup.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import { type CopyMode, nameOf, type State } from '../model/state.ts';
import { selection } from './copy-mode.ts';
import { lastScreenOf, noLastScreen } from './last-screen.ts';
import { lineTimeText, marginWidth } from './line-margin.ts';

type PutCell = (x: number, ch: string, ink: RawInk, wide?: boolean, detail?: CellDetail) => void;

/** The part of an emulator that the view needs. Lines count from the oldest kept one. */
export interface ScreenPicture {
  cols: number;
  rows: number;
  /** Kept lines above the screen plus the screen's own. */
  length: number;
  times: Pick<LineTimes, 'of' | 'sinceLast'>;
  /** `shape` is DECSCUSR's number, 0 or absent: the terminal's own. */
  cursor: { x: number; y: number; visible: boolean; shape?: number };
  /** Calls `put` for each cell of a line that is not blank; a wide character's right half is ''. */
  line(y: number, put: PutCell): void;
}

/** Returns a node's screen: of its console here, open or left, or the last one from the server; null: there is none. */
export type Screens = (addr: Address, which?: 'last') => ScreenPicture | null;

/** `message`: about more than the console, where it has no other place. */
export function paintPane(
  frame: Frame,
  rect: Rect,
  state: State,
  screens: Screens,
  g: Glyphs,
  message: PaintedMessage | null = null,
): void {
  const beside = rect.x > 0;
  const width = rect.width - (beside ? 1 : 0);
  const margin = marginWidth(state, width);
  const left = rect.x + (beside ? 1 : 0);
  const inner = { x: left + margin, y: rect.y + 1, width: width - margin, height: rect.height - 1 };
  const edge: InkRole = state.focus === 'console' ? 'borderFocus' : 'border';
  if (beside) for (let y = rect.y; y < rect.y + rect.height; y++) frame.put(rect.x, y, g.box.v, edge);
  for (let x = left; x < rect.x + rect.width; x++) frame.put(x, rect.y, g.box.h, edge);
  const { attachment } = state.pane;
  const shown = attachment.kind === 'none' ? (lastScreenOf(state) ?? state.cursor) : attachment.addr;
  const live = attachment.kind === 'joined';
  const last = live ? null : lastScreenIn(state, shown, screens);
  const own = state.pane.notice && messageFrom(state.pane.notice);
  const notice = own !== null && (message === null || own.at >= message.at) ? own : message;
  const title = notice === null ? titleOf(state, shown, last) : noticeSpans(state, shown, notice, width - 2);
  frame.spans(left + 1, rect.y, title, width - 2);
  const picture = live ? screens(shown) : (last?.picture ?? null);
  if (picture === null) {
    const why = attachment.kind === 'none' ? whyNone(state, shown) : ['opening …'];
    why.forEach((text, i) => frame.text(inner.x + 2, inner.y + 1 + i, text, 'dim', inner.width - 3));
    return;
  }
  const scroll = state.pane.kept.get(shown)?.scroll ?? 0;
  const look = state.pane.look?.addr === shown ? state.pane.look : null;
  const top = look?.top ?? topLine(picture, inner.height, scroll);
  for (let row = 0; row < inner.height; row++) {
    const y = top + row;
    if (y >= picture.length) break;
    if (margin > 0) frame.text(left, inner.y + row, lineTimeText(state, picture.times, y), 'dim', margin - 1);
    picture.line(y, (x, ch, ink, wide = false, detail) => {
      if (x >= inner.width) return;
      // A wide character cut by the edge would extend beyond the pane.
      const text = wide && x === inner.width - 1 ? ' ' : ch;
      frame.put(inner.x + x, inner.y + row, text, live ? ink : faded(ink), undefined, detail);
    });
  }
  if (look !== null) {
    paintSelection(frame, inner, look);
    if (look.query === null)
      frame.cursor = { x: inner.x + Math.min(look.x, inner.width - 1), y: inner.y + look.y - top };
    return;
  }
  const cursorRow = picture.length - picture.rows + picture.cursor.y - top;
  const typing = state.focus === 'console' && state.overlay === null && state.pane.attachment.kind === 'joined';
  if (typing && scroll === 0 && picture.cursor.visible && cursorRow < inner.height && picture.cursor.x < inner.width)
    frame.cursor = { x: inner.x + picture.cursor.x, y: inner.y + cursorRow, shape: picture.cursor.shape ?? 0 };
}

/** Dims a cell of a screen that is not live, whatever colours the node chose. */
function faded(ink: RawInk): RawInk {
  return (ink & ~rawInk(FLAG.bold, 0, 0)) | rawInk(FLAG.dim, 0, 0);
}

/** Inverts selected or found cells, which keeps their own colours distinct. */
function paintSelection(frame: Frame, inner: Rect, look: CopyMode): void {
  const range = selection(look);
  if (range === null) return;
  const { from, to } = range;
  for (let y = Math.max(from.y, look.top); y <= Math.min(to.y, look.top + inner.height - 1); y++) {
    const last = Math.min(inner.width - 1, y === to.y ? to.x : look.cols - 1);
    for (let x = y === from.y ? from.x : 0; x <= last; x++) {
      const i = (inner.y + y - look.top) * frame.cols + inner.x + x;
      const ink = frame.inkAt(i);
      const own = typeof ink === 'number' ? ink : rawInk(0, DEFAULT_COLOUR, DEFAULT_COLOUR);
      frame.setInk(i, own ^ rawInk(FLAG.inverse, 0, 0));
    }
  }
}

/** Returns the first line to show. A pane lower than the screen follows the cursor; a key scrolls to the rest. */
export function topLine(picture: ScreenPicture, height: number, scroll: number): number {
  const base = picture.length - picture.rows;
  const hidden = Math.max(0, picture.rows - height);
  const follow = base + Math.min(hidden, Math.max(0, picture.cursor.y - height + 1));
  return Math.max(0, follow - scroll);
}

function titleOf(state: State, shown: Address, last: LastScreenShown | null): Span[] {
  const look = lookOf(state, viewOf(state, shown));
  const name: Span[] = [
    [` ${nameOf(state, shown)} `, 'title'],
    [`${formatPosition(shown)} ${formatAddress(shown)} `, 'dim'],
    [`${POWER_WORD[look.power]} `, look.ink],
  ];
  const kept = state.pane.kept.get(shown);
  const looking: Span[] =
    state.pane.look?.addr === shown
      ? [[`copy mode, line ${state.pane.look.y + 1} of ${state.pane.look.length} `, 'warn']]
      : [];
  const scrolled: Span[] = (kept?.scroll ?? 0) > 0 ? [[`${count(kept?.scroll ?? 0, 'line')} back `, 'warn']] : [];
  const how =
    last === null || state.pane.attachment.kind !== 'none' ? roleOf(state, shown) : agesOf(state, shown, last);
  return [...name, ...how, ...looking, ...scrolled];
}

function roleOf(state: State, shown: Address): Span[] {
  const { attachment } = state.pane;
  if (attachment.kind === 'joining') return [['opening … ', 'aging']];
  if (attachment.kind !== 'joined' || attachment.addr !== shown) return [];
  const console = state.console;
  const spans: Span[] = pastingSpans(state);
  if (state.link.kind === 'lost') spans.push(['no server ', 'fault']);
  else if (console?.state === 'suspended') spans.push(['suspended ', 'warn']);
  else if (console?.state === 'opening') spans.push(['opening … ', 'aging']);
  else if (console !== null && console.unproven !== null && lookOf(state, viewOf(state, shown)).power !== 'off')
    spans.push(['Enter wakes it ', 'aging']);
  if (attachment.role === 'watches')
    spans.push([`watching; ${console?.holderName ?? 'nobody'} has the keyboard `, 'warn']);
  const silence = silenceText(console?.holderSilentSince ?? null, state.now);
  if (attachment.role === 'watches' && silence !== '') spans.push([`(${silence}) `, 'warn']);
  const watchers = (console?.watchers ?? []).filter((id) => id !== state.session).length;
  if (attachment.role === 'types' && watchers > 0) spans.push([`${watchers} watching `, 'dim']);
  return spans;
}

/** `pasting 34 %, 12 s left, Ctrl-C stops`. */
function pastingSpans({ pane, now }: State): Span[] {
  if (pane.pasting === null) return [];
  const { sent, total, since } = pane.pasting;
  const left = sent > 0 ? Math.ceil((((now - since) / sent) * (total - sent)) / 1000) : null;
  return [
    [`pasting ${Math.floor((sent / total) * 100)} %`, 'warn'],
    [`${left === null || now - since < 1000 ? '' : `, ${formatDuration(left * 1000)} left`}, Ctrl-C stops `, 'text'],
  ];
}

/**
 * Returns the title while there is a notice: every cell below is the node's. A narrow pane has no room for the name.
 */
function noticeSpans(state: State, shown: Address, { text, at, ink }: PaintedMessage, width: number): Span[] {
  const name: Span = [` ${nameOf(state, shown)} `, 'title'];
  const clock: Span = [` ${formatClock(at, state.dateAhead, true)} `, 'dim', 'bar'];
  const lead: Span[] = width - spansWidth([name, clock]) - 1 < NARROW_PART ? [clock] : [name, clock];
  const part = partOf(text, width - spansWidth(lead) - 1, state.now - at);
  return [...lead, [`${part} `, ink, 'bar']];
}

interface LastScreenShown {
  picture: ScreenPicture;
  at: number;
  from: 'open' | 'closed' | 'log';
  why: string | null;
}

/**
 * Returns the screen to show while no console is open here: beside the map the server's, which includes the
 * sessions of others; in the pane itself the one left here, for its scrollback. Each only where the other is
 * missing.
 */
function lastScreenIn(state: State, addr: Address, screens: Screens): LastScreenShown | null {
  const { answer } = state.last;
  const kept = state.pane.kept.get(addr);
  const own = screens(addr);
  const left: LastScreenShown | null =
    own === null ? null : { picture: own, at: kept?.leftAt ?? state.now, from: 'closed', why: kept?.why ?? null };
  const seen = answer?.addr === addr ? answer.seen : null;
  const picture = seen === null ? null : screens(addr, 'last');
  const lastScreen: LastScreenShown | null = seen === null || picture === null ? null : { picture, ...seen };
  return state.focus === 'map' ? (lastScreen ?? left) : (left ?? lastScreen);
}

/** `last seen 12m ago, 14:03:05: bob detached`. */
function agesOf(state: State, addr: Address, { at, from, why }: LastScreenShown): Span[] {
  const age = formatAge(Math.max(0, state.now - at));
  const clock = formatClock(at, state.dateAhead, true);
  switch (from) {
    case 'open': {
      const who = state.console?.addr === addr ? (state.console.holderName ?? 'nobody') : 'somebody';
      return [[`${who} has it open, read ${age} ago `, 'warn']];
    }
    case 'closed':
      return [[`last seen ${age} ago, ${clock}${why === null ? '' : `: ${why}`} `, 'stale']];
    case 'log':
      return [[`last seen ${age} ago, ${clock}, from its log `, 'stale']];
  }
}

/** Returns the text shown in place of a screen. */
function whyNone(state: State, addr: Address): string[] {
  const none = noLastScreen(state, addr);
  const key = keyOf(state, 'map', 'attach');
  if (none !== null)
    return addr === state.bus.master ? [none, `${key} on another node opens the console of that node here.`] : [none];
  const { answer, failed } = state.last;
  const opens = `${key} opens its console here.`;
  if (failed !== null) return [`Its last screen could not be read: ${failed}.`, opens];
  if (answer?.addr === addr && answer.seen === null)
    return ['Its console was never opened: there is no last screen.', opens];
  return [opens];
}
