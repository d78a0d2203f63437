/** The operations panel: each node's state, times and evidence, questions with their choices, results that stay. */
import type { NodeProgress, Operation } from '../../api/power.ts';
import type { Frame, InkRole, Span } from '../frame.ts';
import { formatClock, type Glyphs } from '../glyphs.ts';
import { shownOperations, type Overlay, type State } from '../state.ts';
import { centred, paintBox, wrap } from './box.ts';
import { operationLine, progressSpans } from './lines.ts';

type Panel = Extract<Overlay, { kind: 'operations' }>;

export function paintOperationsPanel(frame: Frame, state: State, panel: Panel, g: Glyphs): void {
  const box = paintBox(frame, centred(frame, 110, frame.rows - 2), 'operations', g);
  const operations = shownOperations(state);
  if (operations.length === 0) {
    frame.text(box.x, box.y, 'No operation runs, and no result waits.', 'dim', box.width);
    return;
  }
  const selected = Math.min(panel.selected, operations.length - 1);
  let y = box.y;
  const end = box.y + box.height;
  operations.forEach((operation, i) => {
    if (y >= end) return;
    if (i === selected) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.spans(box.x, y++, operationLine(operation, state, g), box.width);
    if (i !== selected) return;
    for (const line of detailLines(state, operation, box.width)) if (y < end) frame.spans(box.x, y++, line, box.width);
  });
  if (panel.prompt !== null) paintPrompt(frame, state, panel, g);
}

function detailLines(state: State, operation: Operation, width: number): Span[][] {
  const lines: Span[][] = [
    [
      [
        `  ${operation.id}, asked by ${operation.by} at ${formatClock(operation.startedAt, state.utcOffsetMin, true)}`,
        'dim',
      ],
    ],
  ];
  for (const node of operation.nodes) {
    lines.push([['  ', 'text'], ...progressSpans(node, state)]);
    if (operation.nodes.length <= 2 || node.question !== null) lines.push(...evidenceLines(state, node, width));
    if (node.question !== null) lines.push(...questionLines(node, width));
  }
  return lines;
}

function evidenceLines(state: State, node: NodeProgress, width: number): Span[][] {
  return node.evidence.flatMap(({ at, kind, text }) =>
    wrap(text, width - 28).map((line, i): Span[] => [
      [i === 0 ? `    ${formatClock(at, state.utcOffsetMin, true)} ${kind.padEnd(12)} ` : ' '.repeat(26), 'dim'],
      [line, kindInk(kind)],
    ]),
  );
}

function kindInk(kind: string): InkRole {
  return kind === 'marker' || kind === 'verified' ? 'ok' : 'text';
}

function questionLines(node: NodeProgress, width: number): Span[][] {
  const { question } = node;
  if (question === null) return [];
  const text = wrap(question.text, width - 4).map((line): Span[] => [[`    ${line}`, 'warn']]);
  const choices = question.choices.map(({ label, danger }, i): Span[] => [
    [`      ${i + 1} `, 'key'],
    [label, danger ? 'fault' : 'text'],
    ...(i === 0 ? [[' (usual)', 'dim'] as const] : []),
  ]);
  return [...text, ...choices];
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
  const box = paintBox(frame, centred(frame, 70, 8), label, g, 'fault');
  frame.text(box.x, box.y, `${node?.name ?? ''}: ${node?.detail ?? ''}`, 'text', box.width);
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
