/**
 * Paints the emergency panel: plans to choose from, the armed one with its words, the run. Few words, large, in one
 * box.
 */
import type { PlanRun, PlanSummary } from '../../../api/plans.ts';
import { count, wrap } from '../../../lib/words.ts';
import type { Address } from '../../../rack/address.ts';
import { centred, paintBox, paintScrolled } from '../../canvas/box.ts';
import type { Frame, Rect, Span } from '../../canvas/frame.ts';
import { formatDuration, type Glyphs } from '../../canvas/glyphs.ts';
import { keyOf } from '../../keymap/lookup.ts';
import type { Command } from '../../model/keys.ts';
import type { EmergencyPanel, PanelMode } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import { clockLines } from '../../ups/battery-clock.ts';
import { previewLines, summaryLines } from './preview-view.ts';
import { refusesPlan } from './rules.ts';
import { runHead, runLines, runRemarks } from './run-view.ts';
import { questionOfPrompt } from './run.ts';
import { hasTimeline, runTimeline } from './timeline.ts';

/** Least rows of a terminal on which the panel has spare lines. */
const ROOMY = 26;
/** Plans shown at once; the list moves with the selected one. */
const LIST = 5;
/** Most columns: wider bars of time show no more. */
const WIDTH = 150;
/** Lines of the armed panel above the preview. */
const ARMED_LINES = 7;

/** Paints the panel as high as its text, in the middle. */
export function paintEmergency(frame: Frame, state: State, panel: EmergencyPanel, g: Glyphs): void {
  const { mode } = panel;
  const width = Math.min(WIDTH, frame.cols - 2) - 4;
  const armed = mode.is === 'armed';
  const clocks = clockLines(state, panel, width, g);
  // A blank line under them, where the panel has room.
  const taken = clocks.length + (clocks.length > 0 && frame.rows - 4 >= ROOMY ? 1 : 0);
  const most = frame.rows - 4 - taken;
  const run = mode.is === 'run' ? state.runs.find(({ id }) => id === mode.id) : undefined;
  const runParts = mode.is === 'run' && run !== undefined ? partsOfRun(state, run, mode.node, width, most, g) : null;
  const head = mode.is === 'run' ? [] : summaryLines(panel, width);
  const above = armed ? ARMED_LINES : planListLines(state, panel, width);
  const below = armed ? 0 : 2;
  const room = most - above - head.length - below;
  const preview = mode.is === 'run' ? [] : previewLines(panel, width, room, g);
  const lines =
    mode.is === 'run'
      ? runParts === null
        ? 2
        : runParts.head.length + runParts.body.length + 1
      : above + head.length + preview.length + below;
  const rect = centred(frame, width + 4, taken + lines + 2);
  const whole = paintBox(frame, rect, armed ? 'EMERGENCY: ARMED' : 'EMERGENCY', g, armed ? 'fault' : 'borderFocus');
  clocks.forEach((line, i) => frame.spans(whole.x, whole.y + i, line, whole.width));
  const box = { ...whole, y: whole.y + taken, height: whole.height - taken };
  if (mode.is === 'run') {
    paintRun(frame, box, state, { panel, mode, run, parts: runParts }, g);
    return;
  }
  const top = armed ? paintArmed(frame, box, panel, mode) : paintPlans(frame, box, state, panel, g);
  head.forEach((line, i) => frame.spans(box.x, top + i, line, box.width));
  const from = top + head.length;
  paintScrolled(frame, { ...box, y: from, height: box.y + box.height - from - below }, preview, panel.scroll);
  if (!armed) paintWayOn(frame, { ...box, y: box.y + box.height - 1, height: 1 }, state, panel);
}

/** Lines of the list of plans, and the blank one under it. */
function planListLines(state: State, panel: EmergencyPanel, width: number): number {
  const { plans } = panel;
  const listed = plans.kind === 'done' ? plans.answer.length : 0;
  return listed > 0 ? Math.min(LIST, listed) + 1 : wrap(noPlans(state, panel), width).length + 1;
}

interface RunParts {
  head: Span[][];
  body: Span[][];
}

/** A run's lines: as a timeline where it fits into `most` lines, otherwise with its nodes in columns. */
function partsOfRun(
  state: State,
  run: PlanRun,
  chosen: Address | null,
  width: number,
  most: number,
  g: Glyphs,
): RunParts {
  const head = runHead(state, run, width, g);
  const remarks = runRemarks(state, run, chosen, width, g);
  const timeline = hasTimeline(width) ? runTimeline(state, run, chosen, width, g) : [];
  const fits = timeline.length > 0 && head.length + remarks.length + timeline.length + 1 <= most;
  return { head, body: [...remarks, ...(fits ? timeline : runLines(state, run, chosen, width, g))] };
}

/** Paints the list; returns the row under it. */
function paintPlans(frame: Frame, box: Rect, state: State, panel: EmergencyPanel, g: Glyphs): number {
  const { plans, chosen } = panel;
  if (plans.kind !== 'done' || plans.answer.length === 0) {
    const lines = wrap(noPlans(state, panel), box.width);
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

function noPlans(state: State, { plans }: EmergencyPanel): string {
  const key = (command: Command): string => keyOf(state, 'map', command);
  if (plans.kind === 'running') return 'reading the plans …';
  if (plans.kind === 'failed') return `The plans could not be read: ${plans.why}. r tries again.`;
  return (
    'No plan is configured, so there is nothing to arm. Plans are in the configuration under "plans:" ' +
    `(docs/plans.md has examples). Without a plan: Esc, mark nodes with ${key('mark')} or ${key('mark-blade')}, then ${key('power')}.`
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
        [`; nothing starts before ${words === '' ? 'Enter' : 'its words are typed'}`, 'text'],
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
  const hint = mode.sent ? 'sending …' : wrong ? 'does not match: Backspace, or Ctrl-U to clear' : '';
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
  shown: {
    panel: EmergencyPanel;
    mode: Extract<PanelMode, { is: 'run' }>;
    run: PlanRun | undefined;
    parts: RunParts | null;
  },
  g: Glyphs,
): void {
  const { panel, mode, run, parts } = shown;
  if (run === undefined || parts === null) {
    frame.text(box.x, box.y, 'The server no longer knows this run: Tab shows the plans.', 'warn', box.width);
    return;
  }
  const { head, body } = parts;
  head.forEach((line, i) => frame.spans(box.x, box.y + i, line, box.width));
  const rest = { ...box, y: box.y + head.length, height: box.height - head.length - 1 };
  paintScrolled(frame, rest, body, panel.scroll);
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
