/** Paints a plan's run or its result: a headline, a bar, each step's nodes, and open questions. */
import type { PlanNodeRun, PlanRun, PlanState, PlanStepRun } from '../../../api/plans.ts';
import { wrap } from '../../../lib/words.ts';
import { type Address, formatAddress } from '../../../rack/address.ts';
import { progressSpans } from '../../canvas/box.ts';
import { CUT, type InkRole, type Span } from '../../canvas/frame.ts';
import { formatClock, formatDuration, type Glyphs, shorten } from '../../canvas/glyphs.ts';
import { nodesOfRun } from '../../model/results.ts';
import type { State } from '../../model/state.ts';
import { CELL, gradeOf, inColumns, NAME } from '../operation-view.ts';

const STATE_INK: Record<PlanState, InkRole> = {
  running: 'warn',
  pausing: 'warn',
  paused: 'danger',
  aborting: 'danger',
  interrupted: 'danger',
  ended: 'title',
};

export function runHead(state: State, run: PlanRun, width: number, g: Glyphs): Span[][] {
  const nodes = nodesOfRun(run);
  const over = nodes.filter((node) => node.state === 'ended').length;
  const asked = `started by ${run.by} at ${formatClock(run.startedAt, state.dateAhead, true)}`;
  return [
    runSpans(state, run, g),
    progressSpans(over / Math.max(1, nodes.length), width, allDone(run) ? 'ok' : 'warn', g),
    [[`${run.id}, ${asked}${run.armed ? ', armed' : ''}`, 'dim']],
    ...(run.detail === '' ? [] : wrap(run.detail, width)).map((line): Span[] => [
      [line, run.state === 'running' ? 'text' : 'warn'],
    ]),
  ];
}

/** `shed-dev RUNNING 0:42 of about 3:20, 5 of 9 done`: also the run's line on the map. */
export function runSpans(state: State, run: PlanRun, g: Glyphs): Span[] {
  const nodes = nodesOfRun(run);
  const done = nodes.filter(({ outcome }) => outcome === 'done').length;
  const elapsed = formatDuration((run.endedAt ?? state.now) - run.startedAt);
  const about = formatDuration(run.predictedEndAt - run.startedAt);
  const ended = run.state === 'ended';
  const ink = ended ? (allDone(run) ? 'ok' : 'fault') : STATE_INK[run.state];
  return [
    [`${ended ? (allDone(run) ? g.ok : g.bad) : (g.operation[0] ?? '*')} `, ink],
    [`${run.plan} `, 'title'],
    [`${run.state.toUpperCase()} `, ink],
    [
      ended ? `after ${elapsed}` : run.predictedEndAt === run.startedAt ? elapsed : `${elapsed} of about ${about}`,
      'text',
    ],
    [`, ${done} of ${nodes.length} done`, ended ? ink : 'text'],
    ...(ended ? [] : leftSpans(run, state.now)),
  ];
}

/** `, 7:20 left` by the estimate made at the start; or that it takes longer. */
function leftSpans({ startedAt, predictedEndAt }: PlanRun, now: number): Span[] {
  if (predictedEndAt === startedAt) return [];
  const left = predictedEndAt - now;
  return [left > 0 ? [`, ${formatDuration(left)} left`, 'text'] : [', longer than expected', 'warn']];
}

function allDone(run: PlanRun): boolean {
  return nodesOfRun(run).every(({ outcome }) => outcome === null || outcome === 'done');
}

/** Questions and remarks for the operator, which are above the steps: those proceed by themselves. */
export const runRemarks = (state: State, run: PlanRun, chosen: Address | null, width: number, g: Glyphs): Span[][] => [
  ...questions(state, run, width, g),
  ...remarks(run, chosen, width, g),
];

/** The steps with their nodes in columns, where a timeline has no room. */
export function runLines(state: State, run: PlanRun, chosen: Address | null, width: number, g: Glyphs): Span[][] {
  return run.steps.flatMap((step, i): Span[][] => [
    stepSpans(step, i),
    ...inColumns(
      step.nodes.map((node) => cell(state, node, node.addr === chosen, g)),
      width,
    ),
  ]);
}

/** `2 dev-controlplane off: running`. */
export function stepSpans({ name, action, state }: PlanStepRun, i: number): Span[] {
  return [
    [`${i + 1} ${name} `, 'title'],
    [`${action}: ${state}`, state === 'incomplete' ? 'fault' : state === 'done' ? 'ok' : 'text'],
  ];
}

function cell(state: State, node: PlanNodeRun, chosen: boolean, g: Glyphs): Span[] {
  const [sign, ink] = signOf(node, g);
  const room = CELL - NAME - 7;
  const word = wordOf(state, node);
  const timed = `${word} ${formatDuration(state.now - node.since)}`;
  return [
    [sign.slice(0, 1), ink],
    [chosen ? '>' : ' ', 'key'],
    [`${formatAddress(node.addr)} `, 'dim'],
    [`${shorten(node.name, NAME, g).padEnd(NAME)} `, chosen ? 'mark' : 'text'],
    [`${(node.state === 'started' && timed.length <= room ? timed : word).padEnd(room)} `, ink],
  ];
}

/** `done (A)`: outcome, phase or state, and the grade of the halt's evidence. */
export function wordOf({ operations }: State, node: PlanNodeRun): string {
  const operation = operations.find(({ id }) => id === node.operation);
  const progress = operation?.nodes.find(({ addr }) => addr === node.addr);
  const grade = progress === undefined ? null : gradeOf(progress);
  return `${node.outcome ?? node.phase ?? node.state}${grade === null ? '' : ` (${grade})`}`;
}

export function signOf({ state, outcome }: PlanNodeRun, g: Glyphs): [string, InkRole] {
  if (outcome === 'done') return [g.ok, 'ok'];
  if (outcome === 'skipped') return [g.separator, 'dim'];
  if (outcome !== null) return [g.bad, 'fault'];
  return state === 'waiting' ? [g.separator, 'dim'] : [g.operation[0] ?? '*', 'warn'];
}

function questions(state: State, run: PlanRun, width: number, g: Glyphs): Span[][] {
  const ids = new Set(nodesOfRun(run).map(({ operation }) => operation));
  const asking = state.operations.filter(({ id }) => ids.has(id)).flatMap(({ nodes }) => nodes);
  return asking.flatMap(({ name, question }) =>
    question === null
      ? []
      : wrap(`${name} needs an answer (o): ${question.text}`, width - 2).map((line, i): Span[] => [
          [i === 0 ? `${g.question} ` : '  ', 'danger'],
          [line, 'warn'],
        ]),
  );
}

/**
 * Returns the failed nodes with the reason, in one line for all nodes of the same outcome; that of the selected node is
 * whole.
 */
function remarks(run: PlanRun, chosen: Address | null, width: number, g: Glyphs): Span[][] {
  const results = new Map<string, PlanNodeRun[]>();
  for (const node of nodesOfRun(run)) {
    if (node.outcome === null || node.outcome === 'done') continue;
    const result = `${node.outcome}: ${node.detail}`;
    results.set(result, [...(results.get(result) ?? []), node]);
  }
  const groups = [...results].flatMap(([result, nodes]) => {
    const [first, ...others] = nodes;
    if (first === undefined) return [];
    const text = `${others.length === 0 ? first.name : `${nodes.length} nodes`} ${result}`;
    const lines = wrap(text, width - 2);
    const cut = lines.length > 1 && !nodes.some(({ addr }) => addr === chosen);
    return [{ sign: signOf(first, g), lines: cut ? [`${text.slice(0, width - 3)}${CUT}`] : lines, cut }];
  });
  const hint: Span[] = [['  Down selects a node and shows its whole result.', 'dim']];
  return [
    ...groups.flatMap(({ sign: [sign, ink], lines }) =>
      lines.map((line, i): Span[] => [
        [i === 0 ? `${sign} ` : '  ', ink],
        [line, ink],
      ]),
    ),
    ...(groups.some(({ cut }) => cut) ? [hint] : []),
  ];
}
