/** Paints an operation in one line, and its nodes: a few in full with their evidence, many in a grid. */
import type { NodeProgress, Operation } from '../../api/power.ts';
import { wrap } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { progressSpans } from '../canvas/box.ts';
import type { InkRole, Span } from '../canvas/frame.ts';
import { formatClock, formatDuration, type Glyphs, shorten } from '../canvas/glyphs.ts';
import { keyOf } from '../keymap/lookup.ts';
import type { State } from '../model/state.ts';

/** `◐ off ns01 · stopping 0:12 of 3:00 · a stop job is running …`. */
export function operationLine(operation: Operation, state: State, g: Glyphs): Span[] {
  const dot: Span = [` ${g.separator} `, 'dim'];
  const head: Span[] = [[`${operation.verb} ${operation.label}`, 'title']];
  const asking = operation.nodes.find((node) => node.question !== null);
  if (asking !== undefined)
    return [
      [`${g.question} `, 'danger'],
      [' ', 'text'],
      ...head,
      dot,
      [`${keyOf(state, 'map', 'operations')} answers`, 'key'],
      dot,
      [`${asking.name}: ${asking.question?.text ?? ''}`, 'warn'],
    ];
  if (operation.endedAt !== null) {
    const done = operation.nodes.filter((node) => node.outcome === 'done').length;
    const all = done === operation.nodes.length;
    const worst = operation.nodes.find((node) => node.outcome !== 'done') ?? operation.nodes[0];
    return [
      [`${all ? g.ok : g.bad} `, all ? 'ok' : 'fault'],
      ...head,
      dot,
      [
        operation.nodes.length === 1 ? (worst?.outcome ?? '') : `${done} of ${operation.nodes.length} done`,
        all ? 'ok' : 'fault',
      ],
      dot,
      [worst?.detail ?? '', 'text'],
    ];
  }
  const active =
    operation.nodes.find((node) => node.outcome === null && node.phase !== 'waiting') ?? operation.nodes[0];
  const ended = operation.nodes.filter((node) => node.outcome !== null).length;
  return [
    [`${g.operation[0] ?? '*'} `, 'warn'],
    ...head,
    dot,
    ...shareSpans(operation, ended, active, state, g),
    ...(active === undefined ? [] : [...timeSpans(active, state), [active.detail, 'text'] as const]),
  ];
}

/** Columns of the bar in an operation's line. */
const BAR = 10;

/** A bar: of the nodes that have ended, or of the time limit of the only one. */
function shareSpans(
  { nodes }: Operation,
  ended: number,
  active: NodeProgress | undefined,
  { now }: State,
  g: Glyphs,
): Span[] {
  if (nodes.length > 1)
    return [...progressSpans(ended / nodes.length, BAR, 'warn', g), [` ${ended} of ${nodes.length} `, 'text']];
  if (active?.until == null) return [];
  return [...progressSpans((now - active.since) / (active.until - active.since), BAR, 'warn', g), [' ', 'text']];
}

/** Most nodes that are shown with their evidence. */
const FEW = 3;
/** Columns of a node's cell in the grid: sign, address, name, phase, time. Two fit side by side in 80 columns. */
export const CELL = 37;
export const NAME = 15;

export function nodeLines(state: State, nodes: readonly NodeProgress[], width: number, g: Glyphs): Span[][] {
  if (nodes.length <= FEW)
    return nodes.flatMap((node) => [
      [['  ', 'text'], ...timeSpans(node, state)],
      ...(node.question === null ? wrap(node.detail, width - 4) : []).map((line): Span[] => [[`    ${line}`, 'text']]),
      ...evidenceLines(state, node, width),
    ]);
  const cells = nodes.map((node) => cell(state, node, g));
  return [...inColumns(cells, width), ...remarks(nodes, width, g)];
}

/** `ns01 stopping 0:12 of 3:00`: elapsed time, and the limit of this state where it has one. */
function timeSpans(node: NodeProgress, state: State): Span[] {
  const limit = node.until === null ? '' : ` of ${formatDuration(node.until - node.since)}`;
  const time = node.outcome === null ? ` ${formatDuration(state.now - node.since)}${limit}` : '';
  return [
    [node.name, 'text'],
    [` ${node.outcome ?? node.phase}`, inkOf(node)],
    [`${time} `, 'dim'],
    ...gradeSpans(node),
  ];
}

function gradeSpans(node: NodeProgress): Span[] {
  const grade = gradeOf(node);
  return grade === null ? [] : [[`evidence ${grade} `, grade === 'A' ? 'ok' : 'warn']];
}

/**
 * Returns the grade of the halt's evidence: B and C as the server graded it, A where the last line was read,
 * nothing dirty was, and neither an answer nor a deadline is between that line and the cut. Null: not graded
 * (yet).
 */
export function gradeOf({ evidence, phase, outcome }: NodeProgress): 'A' | 'B' | 'C' | null {
  const grade = evidence.findLast(({ kind }) => kind === 'grade')?.text.slice(0, 1);
  if (grade === 'B' || grade === 'C') return grade;
  const marker = evidence.findLastIndex(({ kind }) => kind === 'marker');
  const decided = evidence.slice(marker + 1).some(({ kind }) => kind === 'answer' || kind === 'deadline');
  const past =
    outcome === 'done' || phase === 'cut' || phase === 'verify' || phase === 'pause' || phase === 'switch-on';
  const dirty = evidence.some(({ kind }) => kind === 'dirty');
  return marker >= 0 && past && !decided && !dirty ? 'A' : null;
}

function evidenceLines(state: State, node: NodeProgress, width: number): Span[][] {
  return node.evidence.flatMap(({ at, kind, text }) =>
    wrap(text, width - 28).map((line, i): Span[] => [
      [i === 0 ? `    ${formatClock(at, state.dateAhead, true)} ${kind.padEnd(12)} ` : ' '.repeat(26), 'dim'],
      [line, kind === 'marker' || kind === 'verified' ? 'ok' : 'text'],
    ]),
  );
}

/** Arranges cells by columns, in the order given: neighbours in the rack stay together. */
export function inColumns(cells: readonly Span[][], width: number): Span[][] {
  const columns = Math.max(1, Math.floor(width / CELL));
  const rows = Math.ceil(cells.length / columns);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => cells[column * rows + row] ?? []).flat(),
  );
}

function cell(state: State, node: NodeProgress, g: Glyphs): Span[] {
  const [sign, ink] = signOf(node, g);
  const room = CELL - NAME - 7;
  const grade = gradeOf(node);
  const phase = `${node.outcome ?? node.phase}${grade === null ? '' : ` (${grade})`}`;
  const timed = `${phase} ${formatDuration(state.now - node.since)}`;
  // A time that does not fit whole is left out: cut, it would be another time.
  const word = isActive(node) && timed.length <= room ? timed : phase;
  return [
    [sign.padEnd(2), ink],
    [`${formatAddress(node.addr)} `, 'dim'],
    [`${shorten(node.name, NAME, g).padEnd(NAME)} `, 'text'],
    [`${word.padEnd(room)} `, inkOf(node)],
  ];
}

/** Returns the lines under the grid: failures of ended nodes, and remarks on those under way. */
function remarks(nodes: readonly NodeProgress[], width: number, g: Glyphs): Span[][] {
  const failed = nodes.filter(({ outcome }) => outcome !== null && outcome !== 'done');
  const active = nodes.filter((node) => isActive(node) && node.question === null);
  return [...failed, ...active]
    .filter(({ detail }) => detail !== '')
    .flatMap((node) =>
      wrap(`${node.name} ${node.outcome ?? node.phase}: ${node.detail}`, width - 2).map((line, i): Span[] => [
        [i === 0 ? signOf(node, g)[0].padEnd(2) : '  ', signOf(node, g)[1]],
        [line, node.outcome === null ? 'text' : inkOf(node)],
      ]),
    );
}

function isActive({ outcome, phase }: NodeProgress): boolean {
  return outcome === null && phase !== 'waiting';
}

function inkOf({ outcome, phase }: NodeProgress): InkRole {
  if (outcome !== null) return outcome === 'done' ? 'ok' : 'fault';
  return phase === 'waiting' ? 'dim' : phase === 'asking' ? 'danger' : 'warn';
}

function signOf(node: NodeProgress, g: Glyphs): [string, InkRole] {
  const ink = inkOf(node);
  if (node.outcome !== null) return [node.outcome === 'done' ? g.ok : g.bad, ink];
  if (node.question !== null) return [g.question, ink];
  return [isActive(node) ? (g.operation[0] ?? '*') : g.separator, ink];
}

/** Returns the first open question, its choices by number, and the number of further questions. */
export function questionLines(nodes: readonly NodeProgress[], width: number): Span[][] {
  const open = nodes.filter((node) => node.question !== null);
  const [node] = open;
  if (node?.question == null) return [];
  const { question } = node;
  const count = open.length > 1 ? ` (1 of ${open.length} questions)` : '';
  const who = `${node.name}, ${formatPosition(node.addr)} ${formatAddress(node.addr)}${count}: `;
  const text = wrap(who + question.text, width).map((line): Span[] => [[line, 'warn']]);
  const choices = question.choices.map(({ label, danger }, i): Span[] => [
    [`${i + 1} `, 'key'],
    [i === 0 ? `${label} (usual)` : label, danger ? 'fault' : 'text'],
    ['   ', 'text'],
  ]);
  return [...text, ...flow(choices, width)];
}

/** Fills lines with as many pieces as fit. */
function flow(pieces: readonly Span[][], width: number): Span[][] {
  const lines: Span[][] = [];
  let used = width;
  for (const piece of pieces) {
    const length = piece.reduce((sum, [text]) => sum + text.length, 0);
    // The blanks after the last piece of a line may be cut.
    if (used + length - 3 > width) {
      lines.push([...piece]);
      used = length;
    } else {
      lines.at(-1)?.push(...piece);
      used += length;
    }
  }
  return lines;
}
