/**
 * The operations panel: running operations and kept results, the selected one with its nodes and its question. A
 * dangerous answer is typed, like a cut. Pure.
 */
import type { Operation } from '../../api/power.ts';
import { count, wrap } from '../../lib/words.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs } from '../canvas/glyphs.ts';
import { attachTo } from '../console/attach.ts';
import { viewOnly } from '../keymap/disabled-reasons.ts';
import { bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { OperationPrompt, OperationsPanel } from '../model/overlays.ts';
import { dismissed, shownOperations } from '../model/results.ts';
import type { State } from '../model/state.ts';
import { nodeLines, operationLine, questionLines } from './operation-view.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools, seenLongEnough } from './overlay.ts';
import { paintAbortQuestion } from './question.ts';

export const OPERATIONS: OverlayType<OperationsPanel> = {
  kind: 'operations',
  sections: [
    {
      context: 'operations',
      title: 'Operations',
      where: 'in the operations panel',
      reserved: [[/^[1-9]$/, 'answers a prompt of an operation']],
    },
  ],
  keys: [
    { context: 'operations', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next operation' },
    { context: 'operations', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous operation' },
    {
      context: 'operations',
      keys: ['pagedown', 'space'],
      command: 'scroll-down',
      hint: 'scroll',
      help: 'scroll its nodes and their evidence',
    },
    { context: 'operations', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
    {
      context: 'operations',
      keys: ['a'],
      command: 'abort',
      hint: 'abort',
      dangerous: true,
      disabled: viewOnly,
      help: 'abort the operation (with confirmation)',
    },
    { context: 'operations', keys: ['x'], command: 'dismiss', hint: 'dismiss results', help: 'dismiss results' },
    { context: 'operations', keys: ['escape', 'q', 'o'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open: (state) => step(withOperations(state)),
  onKey,
  onPaste: (state, panel) => step(panel.prompt === null ? state : withoutPrompt(state, panel)),
  paint,
  shown: ({ prompt }) => prompt?.shown ?? null,
  withShown: (panel, shown) => (panel.prompt === null ? panel : { ...panel, prompt: { ...panel.prompt, shown } }),
};

/** Opens the panel on an operation with a question, otherwise on the latest. */
export function withOperations(state: State): State {
  const shown = shownOperations(state);
  const asking = shown.findIndex(({ nodes }) => nodes.some((node) => node.question !== null));
  const selected = asking >= 0 ? asking : shown.length - 1;
  return { ...state, overlay: { kind: 'operations', selected, scroll: 0, prompt: null } };
}

function onKey(state: State, panel: OperationsPanel, key: KeyPress): Step {
  if (panel.prompt !== null) return onPromptKey(state, panel, panel.prompt, key);
  const { name } = key;
  const operations = shownOperations(state);
  const at = Math.max(0, Math.min(panel.selected, operations.length - 1));
  const operation = operations[at];
  if (/^[1-9]$/.test(name) && operation !== undefined) return answer(state, panel, Number(name), operation.id, key);
  const binding = bindingOf(state, 'operations', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  switch (binding.command) {
    case 'down':
      return step({ ...state, overlay: { ...panel, selected: around(at + 1, operations.length), scroll: 0 } });
    case 'up':
      return step({ ...state, overlay: { ...panel, selected: around(at - 1, operations.length), scroll: 0 } });
    case 'scroll-down':
      return step({ ...state, overlay: { ...panel, scroll: Math.min(SCROLL_END, panel.scroll + SCROLL) } });
    case 'scroll-up':
      return step({ ...state, overlay: { ...panel, scroll: Math.max(0, panel.scroll - SCROLL) } });
    case 'abort':
      if (operation === undefined || operation.endedAt !== null)
        return step(withNotice(state, 'info', 'this operation has ended: there is nothing to abort'));
      return step({
        ...state,
        overlay: { ...panel, prompt: { kind: 'abort', id: operation.id, shown: { kind: 'pending' } } },
      });
    case 'dismiss':
      return step({ ...dismissed(state), overlay: { ...panel, selected: 0, scroll: 0 } });
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

const around = (at: number, length: number): number => (length === 0 ? 0 : (at + length) % length);

/** Lines that a key scrolls. Only the view knows the list's length: scrolling stops at its end. */
const SCROLL = 10;
const SCROLL_END = 100;

/** Gives the n-th choice as answer to the first open question of the operation. */
function answer(state: State, panel: OperationsPanel, n: number, id: string, { burst }: KeyPress): Step {
  const asking = state.operations.find((one) => one.id === id)?.nodes.find((node) => node.question !== null);
  const choice = asking?.question?.choices[n - 1];
  if (asking === undefined || choice === undefined || burst > 1) return step(state);
  if (choice.confirm !== null) {
    const prompt: OperationPrompt = {
      kind: 'answer',
      id,
      addr: asking.addr,
      question: asking.question?.id ?? '',
      choice: choice.key,
      confirm: choice.confirm,
      field: { text: '', focus: 'field' },
      shown: { kind: 'pending' },
    };
    return step({ ...state, overlay: { ...panel, prompt } });
  }
  const question = asking.question?.id ?? '';
  const effect = { do: 'answer', id, addr: asking.addr, question, choice: choice.key, confirm: null } as const;
  if (choice.key !== 'console') return step(state, effect);
  // The operator goes to the console to continue by hand; the operation waits.
  const opened = attachTo({ ...state, overlay: null }, asking.addr);
  return step(opened.state, effect, ...opened.effects);
}

function withoutPrompt(state: State, panel: OperationsPanel): State {
  return { ...state, overlay: { ...panel, prompt: null } };
}

function onPromptKey(state: State, panel: OperationsPanel, prompt: OperationPrompt, { name, burst }: KeyPress): Step {
  const close = withoutPrompt(state, panel);
  if (name === 'escape') return step(close);
  if (burst > 1 || !seenLongEnough(prompt.shown, state.now)) return step(prompt.kind === 'abort' ? close : state);
  if (prompt.kind === 'abort') return name === 'y' ? step(close, { do: 'abort', id: prompt.id }) : step(close);
  const { text } = prompt.field;
  const typed = (next: string): Step =>
    step({ ...state, overlay: { ...panel, prompt: { ...prompt, field: { text: next, focus: 'field' } } } });
  if (name === 'enter') {
    if (text === '') return step(close);
    if (text !== prompt.confirm)
      return step(withNotice(close, 'warning', 'The text does not match: nothing was sent.'));
    const { id, addr, question, choice } = prompt;
    return step(close, { do: 'answer', id, addr, question, choice, confirm: text });
  }
  if (name === 'backspace') return typed(text.slice(0, -1));
  if (name === 'space') return typed(`${text} `);
  return Array.from(name).length === 1 && text.length < 120 ? typed(text + name) : step(state);
}

/** Discards a typed answer when the question is no longer the one that was read. */
export function withoutStaleAnswer(state: State): State {
  const panel = state.overlay;
  if (panel?.kind !== 'operations' || panel.prompt?.kind !== 'answer') return state;
  const { id, addr, question } = panel.prompt;
  const node = state.operations.find((one) => one.id === id)?.nodes.find((one) => one.addr === addr);
  if (node?.question?.id === question) return state;
  const cleared: State = { ...state, overlay: { ...panel, prompt: null } };
  return withNotice(cleared, 'warning', 'The prompt has changed: nothing was sent. Read it again.');
}

function paint(frame: Frame, state: State, panel: OperationsPanel, { g }: PaintTools): void {
  const width = Math.min(110, frame.cols - 2) - 4;
  const operations = shownOperations(state);
  if (operations.length === 0) {
    const box = paintBox(frame, centred(frame, width + 4, 3), 'operations', g);
    frame.text(box.x, box.y, 'No operation is running, and no result is shown.', 'dim', box.width);
    return;
  }
  const selected = Math.min(panel.selected, operations.length - 1);
  const lines = operations.flatMap((operation, of) =>
    [operationLine(operation, state, g), ...(of === selected ? detailLines(state, operation, width, g) : [])].map(
      (spans) => ({ spans, of }),
    ),
  );
  // The question keeps its place at the bottom, however long the list is.
  const question = questionLines(operations[selected]?.nodes ?? [], width);
  const foot = question.length === 0 ? 0 : question.length + 1;
  const box = paintBox(frame, centred(frame, width + 4, lines.length + foot + 2), 'operations', g);
  const room = box.height - foot;
  const end = Math.max(0, lines.length - room);
  // One operation above the selected one stays visible, to show that the list continues there.
  const from = Math.min(end, Math.max(0, selected - 1) + panel.scroll);
  const head = selected - from;
  if (head >= 0) frame.ground({ x: box.x - 1, y: box.y + head, width: box.width + 2, height: 1 }, 'selected');
  lines.slice(from, from + room).forEach(({ spans, of }, i) => {
    const y = box.y + i;
    frame.spans(box.x, y, spans, box.width);
    if (of !== selected) frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: of - selected });
  });
  if (lines.length > room) {
    const more = from < end ? ` ${count(end - from, 'more line')}: PgDn ` : ' end: PgUp ';
    frame.text(box.x + box.width - more.length, box.y + room, more, 'key');
  }
  question.forEach((line, i) => frame.spans(box.x, box.y + room + 1 + i, line, box.width));
  if (panel.prompt !== null) paintPrompt(frame, state, panel, g);
}

function detailLines(state: State, operation: Operation, width: number, g: Glyphs): Span[][] {
  const asked = `  ${operation.id}, started by ${operation.by} at ${formatClock(operation.startedAt, state.dateAhead, true)}`;
  return [[[asked, 'dim']], ...nodeLines(state, operation.nodes, width, g)];
}

function paintPrompt(frame: Frame, state: State, panel: OperationsPanel, g: Glyphs): void {
  const { prompt } = panel;
  if (prompt === null) return;
  if (prompt.kind === 'abort') {
    paintAbortQuestion(frame, `Abort ${prompt.id}? Commands already sent cannot be undone.`, 64, g);
    return;
  }
  const node = state.operations.find(({ id }) => id === prompt.id)?.nodes.find(({ addr }) => addr === prompt.addr);
  const label = node?.question?.choices.find(({ key }) => key === prompt.choice)?.label ?? prompt.choice;
  const why = wrap(`${node?.name ?? ''}: ${node?.detail ?? ''}`, Math.min(70, frame.cols - 2) - 4);
  const whole = paintBox(frame, centred(frame, 70, 7 + why.length), label, g, 'fault');
  why.forEach((line, i) => frame.text(whole.x, whole.y + i, line, 'text', whole.width));
  const box = { ...whole, y: whole.y + why.length - 1 };
  frame.spans(
    box.x,
    box.y + 2,
    [
      ['To confirm type ', 'text'],
      [prompt.confirm, 'danger'],
      [' and press Enter:', 'text'],
    ],
    box.width,
  );
  frame.ground({ x: box.x, y: box.y + 3, width: Math.max(24, prompt.confirm.length + 4), height: 1 }, 'field');
  const at = frame.text(box.x + 1, box.y + 3, prompt.field.text, 'text', box.width - 2);
  frame.cursor = { x: at, y: box.y + 3 };
  frame.text(box.x, box.y + 5, 'Esc: cancel', 'dim');
}
