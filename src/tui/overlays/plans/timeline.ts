/** Paints a plan on a line of time: each node with its beginning, its length, and its state. Pure. */
import type { PlanPreview, PlanRun } from '../../../api/plans.ts';
import { type Address, formatAddress } from '../../../rack/address.ts';
import { type InkRole, type Span, spansWidth } from '../../canvas/frame.ts';
import { formatClock, formatDuration, type Glyphs, POWER_LETTER, shorten } from '../../canvas/glyphs.ts';
import type { State } from '../../model/state.ts';
import { NAME } from '../operation-view.ts';
import { signOf, stepSpans, wordOf } from './run-view.ts';

/** Columns before the bar beside the name: sign, mark, address; and after it: state and time. */
const BEFORE = 7;
const AFTER = 28;
/** Least columns of a bar that still shows a time. */
const LEAST_BAR = 30;

/** Returns whether a timeline has room for its bars. */
export const hasTimeline = (width: number): boolean => width >= NAME + BEFORE + LEAST_BAR + AFTER;

/** Returns the columns of the names: those of the longest, as far as the bars have room. */
function nameWidth(steps: readonly { nodes: readonly { name: string }[] }[], width: number): number {
  const longest = Math.max(0, ...steps.flatMap(({ nodes }) => nodes.map(({ name }) => name.length)));
  return Math.max(NAME, Math.min(longest, width - BEFORE - LEAST_BAR - AFTER));
}

/** A part of a bar, in milliseconds of the axis. */
interface Part {
  from: number;
  to: number;
  ch: string;
  ink: InkRole;
}

interface Axis {
  /** Columns before it, and its own. */
  before: number;
  from: number;
  to: number;
  columns: number;
}

const columnOf = (at: number, { from, to, columns }: Axis): number =>
  Math.max(0, Math.min(columns, Math.round(((at - from) / Math.max(1, to - from)) * columns)));

/** Returns the bar: blanks, the parts, each of a column at least, blanks. */
function barSpans(parts: readonly Part[], axis: Axis): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { from, to, ch, ink } of parts) {
    const start = Math.min(axis.columns - 1, Math.max(at, columnOf(from, axis)));
    const end = Math.max(start + 1, columnOf(to, axis));
    spans.push([' '.repeat(start - at), 'text'], [ch.repeat(end - start), ink]);
    at = end;
  }
  return [...spans, [' '.repeat(Math.max(0, axis.columns - at)), 'text']];
}

/** The line above the bars: the beginning, the present where it is between, and the end. */
function axisSpans(axis: Axis, now: number | null, label: (at: number) => string): Span[] {
  const [first, last] = [label(axis.from), label(axis.to)];
  const blank = Math.max(1, axis.columns - first.length - last.length);
  const word = 'now';
  // Blanks before the word; it is left out where it would touch one of the ends.
  const before = now === null ? -1 : columnOf(now, axis) - 1 - first.length;
  const free = before > 0 && before + word.length < blank;
  const between = free ? ' '.repeat(before) + word.padEnd(blank - before) : ' '.repeat(blank);
  return [
    [' '.repeat(axis.before), 'text'],
    [first + between + last, 'dim'],
  ];
}

/** The nodes of a run: who, when, how long, with what result, and which of them ask. */
export function runTimeline(state: State, run: PlanRun, chosen: Address | null, width: number, g: Glyphs): Span[][] {
  const present = run.endedAt ?? state.now;
  const names = nameWidth(run.steps, width);
  const axis: Axis = {
    before: BEFORE + names,
    from: run.startedAt,
    to: Math.max(run.endedAt === null ? run.predictedEndAt : 0, present),
    columns: width - BEFORE - names - AFTER,
  };
  const label = (at: number): string => formatClock(at, state.dateAhead, true);
  return [
    axisSpans(axis, run.endedAt === null ? state.now : null, label),
    ...run.steps.flatMap((step, i): Span[][] => [
      stepSpans(step, i),
      ...step.nodes.map((node): Span[] => {
        const [sign, ink] = signOf(node, g);
        const operation = state.operations.find(({ id }) => id === node.operation);
        const asks = operation?.nodes.some(({ addr, question }) => addr === node.addr && question !== null) ?? false;
        const begun = operation?.startedAt ?? (node.state === 'started' ? node.since : null);
        const end = node.state === 'ended' ? node.since : present;
        // A node whose operation is not known any more has its end only.
        const from = begun ?? end;
        const shown = node.state === 'started' || (node.state === 'ended' && node.outcome !== 'skipped');
        const parts = shown ? [{ from, to: end, ch: g.progress.done, ink }] : [];
        const word = asks ? 'needs an answer: o' : wordOf(state, node);
        const length = begun === null || !shown ? '' : ` ${formatDuration(end - begun)}`;
        const when = node.state === 'ended' && shown ? ` at ${label(node.since)}` : '';
        return [
          [sign.slice(0, 1), ink],
          [node.addr === chosen ? '>' : ' ', 'key'],
          [`${formatAddress(node.addr)} `, 'dim'],
          [`${shorten(node.name, names, g).padEnd(names)}  `, node.addr === chosen ? 'mark' : 'text'],
          ...barSpans(parts, axis),
          [`  ${word}${length}`, asks ? 'danger' : ink],
          [when, 'dim'],
        ];
      }),
    ]),
  ].map((line) => fitted(line, width));
}

/** The nodes of a plan that has yet to run, by its estimate. */
export function previewTimeline({ steps, predictedMs }: PlanPreview, width: number, g: Glyphs): Span[][] {
  const names = nameWidth(steps, width);
  const columns = width - BEFORE - names - AFTER;
  const axis: Axis = { before: BEFORE + names, from: 0, to: predictedMs ?? 0, columns };
  return [
    axisSpans(axis, null, formatDuration),
    ...steps.flatMap((step, i): Span[][] => [
      [
        [`${i + 1} ${step.name} `, 'title'],
        [step.action, 'text'],
        [step.nodes.length > step.parallel ? `, ${step.parallel} at once` : '', 'dim'],
      ],
      ...step.nodes.map((node): Span[] => {
        const refused = node.refusals.length > 0;
        const acts = !refused && node.remark === null;
        const ink: InkRole = step.action === 'on' ? 'ok' : 'warn';
        const parts = acts ? [{ from: node.startMs, to: node.endMs, ch: g.progress.done, ink }] : [];
        const words: Span = refused
          ? ['REFUSED', 'fault']
          : [node.remark ?? `${formatDuration(node.startMs)} to ${formatDuration(node.endMs)}`, 'dim'];
        return [
          [`${g.power[node.power]}${POWER_LETTER[node.power]} `, node.power === 'on' ? 'ok' : 'off'],
          [`${formatAddress(node.addr)} `, 'dim'],
          [`${shorten(node.name, names, g).padEnd(names)} `, 'text'],
          ...barSpans(parts, axis),
          ['  ', 'text'],
          words,
        ];
      }),
    ]),
  ];
}

/** Leaves the last span out where it does not fit whole: a cut time would be another time. */
function fitted(line: Span[], width: number): Span[] {
  return spansWidth(line) <= width ? line : line.slice(0, -1);
}
