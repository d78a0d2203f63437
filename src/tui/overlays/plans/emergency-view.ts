/**
 * Paints the emergency panel: plans to choose from, the armed one with its words, the run. Few words, large, in one
 * box.
 */
import type { PlanSummary } from '../../../api/plans.ts';
import { count, wrap } from '../../../lib/words.ts';
import { centred, paintBox, paintScrolled } from '../../canvas/box.ts';
import type { Frame, Rect, Span } from '../../canvas/frame.ts';
import { formatDuration, type Glyphs } from '../../canvas/glyphs.ts';
import type { EmergencyPanel, PanelMode } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import { clockLines } from '../../ups/battery-clock.ts';
import { previewLines, summaryLines } from './preview-view.ts';
import { refusesPlan } from './rules.ts';
import { runHead, runLines } from './run-view.ts';
import { questionOfPrompt } from './run.ts';

/** Least rows of a terminal on which the panel has spare lines. */
const ROOMY = 26;
/** Plans shown at once; the list moves with the selected one. */
const LIST = 5;

export function paintEmergency(frame: Frame, state: State, panel: EmergencyPanel, g: Glyphs): void {
  const { mode } = panel;
  const rect = centred(frame, 124, frame.rows - 2);
  const armed = mode.is === 'armed';
  const whole = paintBox(frame, rect, armed ? 'EMERGENCY: ARMED' : 'EMERGENCY', g, armed ? 'fault' : 'borderFocus');
  const clocks = clockLines(state, panel, whole.width, g);
  clocks.forEach((line, i) => frame.spans(whole.x, whole.y + i, line, whole.width));
  // A blank line under them, where the panel has room.
  const taken = clocks.length + (clocks.length > 0 && whole.height >= ROOMY ? 1 : 0);
  const box = { ...whole, y: whole.y + taken, height: whole.height - taken };
  if (mode.is === 'run') {
    paintRun(frame, box, state, panel, mode, g);
    return;
  }
  const top = armed ? paintArmed(frame, box, panel, mode) : paintPlans(frame, box, panel, g);
  const head = summaryLines(panel, box.width);
  head.forEach((line, i) => frame.spans(box.x, top + i, line, box.width));
  const from = top + head.length;
  const body = { ...box, y: from, height: box.y + box.height - from - (armed ? 0 : 2) };
  paintScrolled(frame, body, previewLines(panel, box.width, g), panel.scroll);
  if (!armed) paintWayOn(frame, { ...box, y: box.y + box.height - 1, height: 1 }, state, panel);
}

/** Paints the list; returns the row under it. */
function paintPlans(frame: Frame, box: Rect, panel: EmergencyPanel, g: Glyphs): number {
  const { plans, chosen } = panel;
  if (plans.kind !== 'done' || plans.answer.length === 0) {
    const lines = wrap(noPlans(panel), box.width);
    lines.forEach((line, i) => frame.text(box.x, box.y + i, line, plans.kind === 'failed' ? 'fault' : 'text'));
    return box.y + lines.length + 1;
  }
  const at = plans.answer.findIndex(({ name }) => name === chosen);
  const first = Math.max(0, Math.min(at - LIST + 2, plans.answer.length - LIST));
  const shown = plans.answer.slice(first, first + LIST);
  shown.forEach((plan, i) => {
    const y = box.y + i;
    const here = plan.name === chosen;
    if (here) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.spans(box.x, y, [[here ? `${g.selected} ` : '  ', 'key'], ...planSpans(plan)], box.width);
  });
  return box.y + shown.length + 1;
}

function planSpans({ name, nodes, cuts, predictedMs, problem, warnings, description }: PlanSummary): Span[] {
  const what = `${count(nodes, 'node')} ${cuts ? 'OFF' : 'on'}`;
  const time =
    predictedMs === null ? '' : predictedMs === 0 ? 'nothing to do ' : `about ${formatDuration(predictedMs)}`;
  return [
    [name.padEnd(14), 'title'],
    [` ${what.padEnd(13)}`, cuts ? 'fault' : 'ok'],
    [time.padEnd(13), 'text'],
    problem !== null
      ? [problem, 'warn']
      : warnings.length > 0
        ? ['will not work, see below', 'warn']
        : [description ?? '', 'dim'],
  ];
}

function noPlans({ plans }: EmergencyPanel): string {
  if (plans.kind === 'running') return 'Asking for the plans …';
  if (plans.kind === 'failed') return `The plans could not be read: ${plans.why}. r asks again.`;
  return (
    'No plan is configured: there is nothing to arm here. Plans stand in the configuration under "plans:" ' +
    '(docs/plans.md shows some). Without one: Esc, mark nodes with Space or b, then p.'
  );
}

/** Paints the effect of `a` now, or the reason why it has none. */
function paintWayOn(frame: Frame, { x, y, width }: Rect, state: State, panel: EmergencyPanel): void {
  const refusal = refusesPlan(state, panel);
  const words = panel.preview.kind === 'done' ? panel.preview.answer.confirm : '';
  if (panel.remark !== null) frame.text(x, y - 1, panel.remark, 'warn', width);
  if (refusal !== null) frame.text(x, y, refusal, 'warn', width);
  else
    frame.spans(
      x,
      y,
      [
        ['a', 'key'],
        [` ARMS ${panel.chosen ?? ''}`, 'danger'],
        [`; nothing happens before ${words === '' ? 'Enter' : 'its words are typed'}`, 'text'],
      ],
      width,
    );
}

function paintArmed(frame: Frame, box: Rect, panel: EmergencyPanel, mode: Extract<PanelMode, { is: 'armed' }>): number {
  const answer = panel.preview.kind === 'done' ? panel.preview.answer : null;
  const words = answer?.confirm ?? '';
  frame.ground({ x: box.x, y: box.y, width: box.width, height: 1 }, 'button');
  frame.text(
    box.x + 1,
    box.y,
    `ARMED: ${panel.chosen ?? ''}. Only ${words === '' ? 'Enter starts' : 'the words below start'} it.`,
    'danger',
    box.width - 2,
  );
  const ask: Span[] =
    words === ''
      ? [['Press Enter to start it.', 'text']]
      : [
          ['Type ', 'text'],
          [words, 'danger'],
          [' and press Enter:', 'text'],
        ];
  frame.spans(box.x, box.y + 2, ask, box.width);
  const y = box.y + 3;
  const width = words === '' ? 0 : Math.min(box.width, Math.max(24, words.length + 6));
  frame.ground({ x: box.x, y, width, height: 1 }, 'field');
  const wrong = !words.startsWith(mode.field.text);
  const at = frame.text(box.x + 1, y, mode.field.text, wrong ? 'fault' : 'text', width - 2);
  if (!mode.sent && words !== '') frame.cursor = { x: at, y };
  const hint = mode.sent ? 'on its way …' : wrong ? 'that is not it: Backspace, or Ctrl-U for all' : '';
  frame.text(box.x + width + 2, y, hint, 'warn', box.width - width - 2);
  if (panel.remark !== null) frame.text(box.x, y + 1, panel.remark, 'warn', box.width);
  frame.spans(
    box.x,
    y + 2,
    [
      ['Esc', 'key'],
      [' DISARMS; so does a minute without a key.', 'text'],
    ],
    box.width,
  );
  return y + 4;
}

function paintRun(
  frame: Frame,
  box: Rect,
  state: State,
  panel: EmergencyPanel,
  mode: Extract<PanelMode, { is: 'run' }>,
  g: Glyphs,
): void {
  const run = state.runs.find(({ id }) => id === mode.id);
  if (run === undefined) {
    frame.text(box.x, box.y, 'This run is not known any more: Tab shows the plans.', 'warn', box.width);
    return;
  }
  const head = runHead(state, run, box.width, g);
  head.forEach((line, i) => frame.spans(box.x, box.y + i, line, box.width));
  const body = { ...box, y: box.y + head.length, height: box.height - head.length - 1 };
  paintScrolled(frame, body, runLines(state, run, mode.node, box.width, g), panel.scroll);
  if (panel.remark !== null) frame.text(box.x, box.y + box.height - 1, panel.remark, 'warn', box.width);
  if (mode.prompt === null) return;
  const lines = wrap(questionOfPrompt(state, run, mode.prompt), 62);
  const inner = paintBox(frame, centred(frame, 68, lines.length + 4), run.plan, g, 'fault');
  lines.forEach((line, i) => frame.text(inner.x, inner.y + i, line, 'danger', inner.width));
  frame.spans(inner.x, inner.y + lines.length + 1, [
    ['y', 'key'],
    [' yes     ', 'text'],
    ['any other key', 'key'],
    [' no', 'text'],
  ]);
}
