/** Requests the contents of the detail pane while it is visible, and again as they age. Pure. */
import type { DetailRequest, NodeDetail } from '../../api/node.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { chartColumns } from '../layout/detail-layout.ts';
import { chosen, layoutOf } from '../layout/layout.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import { type Span, SPAN_MS, SPANS, type State } from '../model/state.ts';

type DetailEvent = Extract<UiEvent, { type: 'detail' | 'detail-failed' | 'identified' }>;

/** Longest age of the console's last lines, ms. */
const REFRESH_MS = 5000;
/** Time after which an answer is no longer expected, ms. */
export const GIVEN_UP_MS = 10_000;
const LINES = 12;

/** Returns the request for the pane's contents; null: no pane on the screen, or no server to ask. */
export function wantedDetail(state: State): DetailRequest | null {
  if (state.link.kind === 'lost' || !state.racks.shown) return null;
  const layout = layoutOf(state);
  if (layout.kind !== 'normal' || layout.detail === null) return null;
  const addr = state.cursor;
  if (nodeAt(state.rack, addr) === undefined) return null;
  // A braille sign has two columns of dots.
  const count = chartColumns(layout.detail) * 2;
  const lines = state.access === 'view' ? 0 : LINES;
  return { addr, stepMs: stepFor(state.view.span, count, state.intervalMs), count, lines };
}

/**
 * Returns the step of a point, ms: whole seconds, and long enough to hold a sweep, so that a point without a sample
 * is really a gap.
 */
function stepFor(span: Span, count: number, intervalMs: number): number {
  return Math.ceil(Math.max(SPAN_MS[span] / count, 2 * intervalMs) / 1000) * 1000;
}

/** Requests the details where the shown ones are another node's, another span's, or old. */
export function withDetail({ state, effects }: Step): Step {
  const { answer, asked } = state.detail;
  if (asked !== null && state.now - asked.at < GIVEN_UP_MS) return { state, effects };
  const request = wantedDetail(state);
  if (request === null) return { state, effects };
  const same = isFor(answer, request);
  if (same && answer !== null && state.now - answer.now < Math.min(REFRESH_MS, request.stepMs))
    return { state, effects };
  const next: State = { ...state, detail: { ...state.detail, asked: { at: state.now } } };
  return { state: next, effects: [...effects, { do: 'detail', request }] };
}

/** Returns whether the pane may show this answer. */
export function isFor(answer: NodeDetail | null, request: DetailRequest): boolean {
  return answer?.addr === request.addr && answer.stepMs === request.stepMs && answer.points.length === request.count;
}

export function detailEvent(state: State, event: DetailEvent): Step {
  const { detail } = state;
  switch (event.type) {
    case 'detail':
      return step({ ...state, detail: { ...detail, answer: event.answer, asked: null, failed: null } });
    case 'detail-failed':
      // Retried after the time in which an answer would have come.
      return step({ ...state, detail: { ...detail, answer: null, failed: event.error.message } });
    case 'identified': {
      const { addr, uid, why } = event;
      if (uid === null) return step(withNotice(state, 'warning', `no UID: ${why}`));
      return step({ ...state, detail: { ...detail, uids: new Map(detail.uids).set(addr, uid) } });
    }
  }
}

export function nextSpanOf(span: Span): Span {
  return SPANS[(SPANS.indexOf(span) + 1) % SPANS.length] ?? 'minutes';
}

export function nextSpan(state: State): Step {
  const span = nextSpanOf(state.view.span);
  return chosen(state, { ...state.view, span }, `charts: ${span}`);
}
