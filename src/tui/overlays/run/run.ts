/**
 * A line for the consoles of the marked nodes: typed, sent to one after another, and a table of the answers with each
 * node's output. The server reaches the shells as for `rackui run --console`. Pure.
 */
import { first, noLink, viewOnly } from '../../keymap/disabled-reasons.ts';
import { type Binding, bindingOf } from '../../keymap/lookup.ts';
import { step, type Step, withNotice } from '../../model/events.ts';
import type { RunOverlay, Shown } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import { closed, type KeyPress, type OverlayType, seenLongEnough, typedInto } from '../overlay.ts';
import { targetsOf } from '../power/rules.ts';
import { abortLineRun, isRunning, startLineRun } from './line-run.ts';
import { paintRun } from './run-view.ts';

/** Most characters of a line here; the server knows how many a console takes with the shell's code around it. */
const LINE_LENGTH = 1_000;
/** Lines that a key scrolls. */
const PAGE = 10;

const notRunning = ({ lineRun }: State): string | null =>
  lineRun !== null && isRunning(lineRun) ? null : 'the line has run on all nodes';

const KEYS: readonly Binding[] = [
  {
    context: 'map',
    keys: ['$'],
    command: 'run',
    hint: null,
    dangerous: true,
    disabled: first(noLink, viewOnly),
    help: 'run a line on the consoles of the marked nodes, or the selected one',
  },
  { context: 'run', keys: ['enter'], command: 'accept', hint: 'run', help: 'run the line on these nodes' },
  { context: 'run', keys: ['up'], command: 'up', hint: 'last line', help: 'the last line again' },
  { context: 'run', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'cancel' },
  { context: 'run-table', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next node' },
  { context: 'run-table', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous node' },
  { context: 'run-table', keys: ['enter'], command: 'accept', hint: 'output', help: 'whole output of this node' },
  {
    context: 'run-table',
    keys: ['a'],
    command: 'abort',
    hint: 'abort',
    disabled: notRunning,
    help: 'abort: interrupt the running command and leave out the rest (with confirmation)',
  },
  {
    context: 'run-table',
    keys: ['escape', 'q'],
    command: 'cancel',
    hint: 'close',
    help: 'close; while it runs: abort (with confirmation)',
  },
  { context: 'run-output', keys: ['down', 'j'], command: 'down', hint: 'scroll', help: 'scroll' },
  { context: 'run-output', keys: ['up', 'k'], command: 'up', hint: null, help: 'scroll back' },
  { context: 'run-output', keys: ['pagedown', 'space'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'run-output', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'run-output', keys: ['escape', 'q', 'enter'], command: 'cancel', hint: 'back', help: 'back to the table' },
];

export const RUN: OverlayType<RunOverlay> = {
  kind: 'run',
  sections: [
    { context: 'run', title: 'A line for consoles', where: 'while a line for consoles is typed', typed: true },
    { context: 'run-table', title: 'Answers of consoles', where: 'in the answers of consoles' },
    { context: 'run-output', title: 'Output of one console', where: 'in the output of one console' },
  ],
  keys: KEYS,
  survivesReconnect: true,
  open,
  context: ({ shows, aborts }) => (aborts !== null ? null : shows === 'line' ? 'run' : `run-${shows}`),
  onKey,
  onPaste,
  paint: paintRun,
  shown: ({ aborts }) => aborts,
  withShown: (overlay, shown) => (overlay.aborts === null ? overlay : { ...overlay, aborts: shown }),
};

/** Opens the line; or the table, where a line still runs or its end has not been seen. */
function open(state: State): Step {
  const { lineRun } = state;
  const usual = { kind: 'run', text: '', index: 0, scroll: 0, aborts: null } as const;
  if (lineRun === null || (lineRun.seen && !isRunning(lineRun)))
    return step({ ...state, overlay: { ...usual, shows: 'line', nodes: targetsOf(state).nodes } });
  const nodes = lineRun.rows.map(({ addr }) => addr);
  const seen = !isRunning(lineRun);
  return step({ ...state, lineRun: { ...lineRun, seen }, overlay: { ...usual, shows: 'table', nodes } });
}

function onKey(state: State, overlay: RunOverlay, key: KeyPress): Step {
  if (overlay.aborts !== null) return onAbortKey(state, overlay, overlay.aborts, key);
  if (overlay.shows === 'line') return onLineKey(state, overlay, key);
  return overlay.shows === 'table' ? onTableKey(state, overlay, key) : onOutputKey(state, overlay, key);
}

function onLineKey(state: State, overlay: RunOverlay, { name, burst }: KeyPress): Step {
  switch (bindingOf(state, 'run', name)?.command) {
    case 'cancel':
      return step(closed(state));
    case 'up':
      return step({ ...state, overlay: { ...overlay, text: state.lineRun?.line ?? overlay.text } });
    case 'accept': {
      const line = overlay.text.trim();
      if (line === '') return step(state);
      const why = whyNotSent(state, burst);
      if (why !== null) return step(withNotice(state, 'warning', `nothing was sent: ${why}`));
      return startLineRun({ ...state, overlay: { ...overlay, shows: 'table' } }, line, overlay.nodes);
    }
    default: {
      const text = typedInto(overlay.text, name, LINE_LENGTH);
      return step(text === null ? state : { ...state, overlay: { ...overlay, text } });
    }
  }
}

function whyNotSent(state: State, burst: number): string | null {
  if (burst > 1) return 'Enter came together with other keys: read the line, then press it again';
  return first(noLink, viewOnly)(state);
}

/** Inserts a paste of one line; Enter is still the operator's. */
function onPaste(state: State, overlay: RunOverlay, pasted: Uint8Array): Step {
  if (overlay.shows !== 'line') return step(state);
  const line = Buffer.from(pasted)
    .toString()
    .replace(/[\r\n]+$/, '');
  if (/[\x00-\x1f\x7f]/.test(line))
    return step(withNotice(state, 'warning', 'the paste holds several lines or control characters: it was ignored'));
  return step({ ...state, overlay: { ...overlay, text: (overlay.text + line).slice(0, LINE_LENGTH) } });
}

function onTableKey(state: State, overlay: RunOverlay, { name }: KeyPress): Step {
  const select = (index: number): Step => {
    const count = overlay.nodes.length;
    return step({ ...state, overlay: { ...overlay, index: (index + count) % count } });
  };
  const runs = notRunning(state) === null;
  switch (bindingOf(state, 'run-table', name)?.command) {
    case 'down':
      return select(overlay.index + 1);
    case 'up':
      return select(overlay.index - 1);
    case 'accept':
      return step({ ...state, overlay: { ...overlay, shows: 'output', scroll: 0 } });
    case 'abort':
      if (!runs) return step(withNotice(state, 'info', `abort: ${notRunning(state) ?? ''}`));
      return step({ ...state, overlay: { ...overlay, aborts: { kind: 'pending' } } });
    case 'cancel':
      return step(runs ? { ...state, overlay: { ...overlay, aborts: { kind: 'pending' } } } : closed(state));
    default:
      return step(state);
  }
}

function onOutputKey(state: State, overlay: RunOverlay, { name }: KeyPress): Step {
  const { lineRun } = state;
  // Only the view knows how many lines it wraps them into.
  const most = (lineRun?.rows[overlay.index]?.lines.length ?? 0) + PAGE;
  const to = (scroll: number): Step =>
    step({ ...state, overlay: { ...overlay, scroll: Math.max(0, Math.min(most, scroll)) } });
  switch (bindingOf(state, 'run-output', name)?.command) {
    case 'down':
      return to(overlay.scroll + 1);
    case 'up':
      return to(overlay.scroll - 1);
    case 'scroll-down':
      return to(overlay.scroll + PAGE);
    case 'scroll-up':
      return to(overlay.scroll - PAGE);
    case 'cancel':
      return step({ ...state, overlay: { ...overlay, shows: 'table' } });
    default:
      return step(state);
  }
}

function onAbortKey(state: State, overlay: RunOverlay, shown: Shown, { name, burst }: KeyPress): Step {
  const back: State = { ...state, overlay: { ...overlay, aborts: null } };
  if (name !== 'y') return step(back);
  return burst === 1 && seenLongEnough(shown, state.now) ? abortLineRun(back, 'aborted before its turn') : step(state);
}
