/**
 * The operations panel: those that run and results that stay, the selected one with its nodes, and what it asks.
 */
import type { Operation } from '../../api/power.ts';
import { count, wrap } from '../../lib/words.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs } from '../canvas/glyphs.ts';
import type { Overlay } from '../model/overlays.ts';
import { shownOperations, type State } from '../model/state.ts';
import { operationLine } from '../screen/status-lines.ts';
import { nodeLines, questionLines } from './operation-view.ts';

type Panel = Extract<Overlay, { kind: 'operations' }>;

export function paintOperationsPanel(frame: Frame, state: State, panel: Panel, g: Glyphs): void {
  const box = paintBox(frame, centred(frame, 110, frame.rows - 2), 'operations', g);
  const operations = shownOperations(state);
  if (operations.length === 0) {
    frame.text(box.x, box.y, 'No operation runs, and no result waits.', 'dim', box.width);
    return;
  }
  const selected = Math.min(panel.selected, operations.length - 1);
  const lines = operations.flatMap((operation, of) =>
    [operationLine(operation, state, g), ...(of === selected ? detailLines(state, operation, box.width, g) : [])].map(
      (spans) => ({ spans, of }),
    ),
  );
  // What waits for an answer keeps its place at the bottom, however long the list is.
  const question = questionLines(operations[selected]?.nodes ?? [], box.width);
  const room = box.height - (question.length === 0 ? 0 : question.length + 1);
  const end = Math.max(0, lines.length - room);
  // One operation above the selected one stays in sight: there is more up there.
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
  const asked = `  ${operation.id}, asked by ${operation.by} at ${formatClock(operation.startedAt, state.dateAhead, true)}`;
  return [[[asked, 'dim']], ...nodeLines(state, operation.nodes, width, g)];
}

function paintPrompt(frame: Frame, state: State, panel: Panel, g: Glyphs): void {
  const { prompt } = panel;
  if (prompt === null) return;
  if (prompt.kind === 'abort') {
    const box = paintBox(frame, centred(frame, 64, 5), 'abort', g);
    frame.text(box.x, box.y, `Abort ${prompt.id}? What was already sent cannot be recalled.`, 'text', box.width);
    frame.spans(
      box.x,
      box.y + 2,
      [
        ['y', 'key'],
        [' abort   ', 'text'],
        ['any other key', 'key'],
        [' go on', 'text'],
      ],
      box.width,
    );
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
  frame.text(box.x, box.y + 5, 'Esc: do not', 'dim');
}
