/**
 * Paints the supply pane: a line for each UPS, charts of the selected one, the effect of an outage now, and the
 * latest outage.
 */
import { clock, type OutageReport, type OutageView, supplyForms, type UpsReading, upsText } from '../../api/outage.ts';
import { wrap } from '../../lib/words.ts';
import { centred, paintBox, paintScrolled } from '../canvas/box.ts';
import { type Frame, type InkRole, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import { formatClock, formatDuration, type Glyphs } from '../canvas/glyphs.ts';
import { paintChart } from '../detail/chart.ts';
import { spanWords } from '../detail/detail-view.ts';
import { nextSpanOf } from '../detail/detail.ts';
import { keyOf } from '../keymap/lookup.ts';
import { SCALE } from '../layout/detail-layout.ts';
import type { SupplyPane } from '../model/overlays.ts';
import { SPAN_MS, type State } from '../model/state.ts';
import type { Plot } from '../terminal/plot.ts';

/** UPSes shown at once; the list moves with the selected one. */
const LISTED = 4;
/** Least and most rows of the charts' lines. */
const CHART = { least: 3, most: 9 };
/** Seconds of a minute: the runtime's scale has room for three digits. */
const MINUTE = 60;

const PHASE_WORDS: Record<OutageReport['phase'], string> = {
  battery: 'on battery',
  last: 'the last plan runs or has run',
  mains: 'the mains have returned, no node is switched on yet',
  restoring: 'nodes come back',
  ended: 'ended',
};

export function paintSupply(frame: Frame, state: State, pane: SupplyPane, plot: Plot | null, g: Glyphs): void {
  const box = paintBox(frame, centred(frame, SUPPLY_WIDTH, frame.rows - 2), 'supply', g);
  const all = listedUpses(state);
  const chosen = all[Math.min(pane.index, all.length - 1)];
  if (state.link.kind === 'lost' || chosen === undefined) {
    const why =
      state.link.kind === 'lost' ? 'No connection to the server: the supply is unknown.' : 'No UPS is configured.';
    frame.text(box.x, box.y, why, 'warn', box.width);
    return;
  }
  const { view, ups } = chosen;
  const { state: supply } = view.supply;
  frame.spans(
    box.x,
    box.y,
    [
      [`${view.nodes}: `, 'dim'],
      [supplyForms(view, state.now)[0] ?? '', supply === 'mains' ? 'title' : supply === 'battery' ? 'danger' : 'warn'],
    ],
    box.width,
  );
  let row = box.y + 1;
  if (view.phase !== null) {
    const { is, since } = view.phase;
    frame.text(box.x, row++, `${PHASE_WORDS[is]}, for ${formatDuration(state.now - since)}`, 'text', box.width);
  }
  const first = Math.max(0, Math.min(pane.index - LISTED + 2, all.length - LISTED));
  all.slice(first, first + LISTED).forEach((one, i) => {
    const here = first + i === Math.min(pane.index, all.length - 1);
    const y = row + i;
    if (here && all.length > 1) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: first + i - pane.index });
    frame.spans(
      box.x,
      y,
      [[all.length > 1 && here ? `${g.selected} ` : '  ', 'key'], ...upsSpans(one.ups, state)],
      box.width,
    );
  });
  row += Math.min(LISTED, all.length);
  if (ups !== null)
    row = paintCharts(frame, { ...box, y: row, height: box.y + box.height - row }, state, pane, ups, plot, g);
  // A reason too long for its line is shown in full below.
  const whole = ups === null ? [] : wrap(`UPS ${ups.name}: ${upsText(ups, state.now)}`, box.width);
  const reason = whole.length > 1 ? [...whole.map((line): Span[] => [[line, 'warn']]), []] : [];
  const lines = [...reason, ...textOf(state, view, box.width)];
  const body = { ...box, y: row + 1, height: box.y + box.height - row - 1 };
  paintScrolled(frame, body, lines, pane.scroll);
}

function upsSpans(ups: UpsReading | null, { now }: State): Span[] {
  if (ups === null) return [['no UPS is configured: other software reports the mains (docs/ups.md)', 'dim']];
  const ink: InkRole = ups.state === 'battery' || ups.state === 'unknown' || ups.replaceBattery ? 'warn' : 'text';
  return [
    [`UPS ${ups.name} `, 'title'],
    [upsText(ups, now), ink],
  ];
}

/** Paints charge, load and runtime side by side, as many as there is room for. Returns the row after them. */
function paintCharts(
  frame: Frame,
  rect: Rect,
  state: State,
  pane: SupplyPane,
  ups: UpsReading,
  plot: Plot | null,
  g: Glyphs,
): number {
  const rows = Math.max(CHART.least, Math.min(CHART.most, Math.floor(rect.height * 0.4) - 2));
  if (rect.height < CHART.least + 4) return rect.y;
  const widths = supplyCharts(state);
  const history = pane.history?.name === ups.name && pane.history.stepMs === upsStep(state) ? pane.history : null;
  const percent = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} %`);
  const charts = [
    { name: 'charge', value: percent(ups.charge), series: { mean: 0, top: 100 }, ink: 'spark' },
    { name: 'load', value: percent(ups.load), series: { mean: 2 }, ink: 'fan' },
    {
      name: 'lasts, min',
      value: ups.runtimeS === null ? '-' : clock(ups.runtimeS),
      series: { mean: 1, per: MINUTE },
      ink: 'ok',
    },
  ] as const;
  charts.slice(0, widths.length).forEach(({ name, value, series, ink }, i) => {
    const { x, width } = chartAt(rect, widths, i);
    frame.spans(x, rect.y + 1, [
      [`${name} `, 'dim'],
      [value, value === '-' ? 'dim' : 'text'],
    ]);
    const chart = { x, y: rect.y + 2, width, height: rows };
    // Before the first answer there are no gaps to show.
    if (history === null) frame.text(x + SCALE, chart.y, i === 0 ? (pane.failed ?? '') : '', 'warn', width - SCALE);
    else paintChart(frame, chart, { points: history.points, ...series, ink }, plot, g);
  });
  const times = rect.y + 2 + rows;
  const { x, width } = chartAt(rect, widths, 0);
  if (history !== null) {
    const next: Span[] = [
      [keyOf(state, 'supply', 'span'), 'key'],
      [` ${nextSpanOf(state.view.span)}`, 'text'],
    ];
    frame.text(x + SCALE, times, `${spanWords(history.points.length * history.stepMs)} ago`, 'dim', width - SCALE);
    frame.spans(x + SCALE + Math.floor((width - SCALE - spansWidth(next)) / 2), times, next);
    frame.text(x + width - 3, times, 'now', 'dim');
  }
  return times + 1;
}

/** Returns the obstacles, the coming steps, and the record of the outage, the latest line first. */
function textOf(state: State, view: OutageView, width: number): Span[][] {
  const { problems, outage, phase } = view;
  const lines: Span[][] = problems.flatMap((text) =>
    wrap(`problem: ${text}`, width).map((line): Span[] => [[line, 'fault']]),
  );
  const comes = forecastLines(view);
  const past = outage === null ? [] : outageLines(state, outage, width);
  // The coming steps are first during an outage, the record otherwise.
  const parts = phase === null ? [past, comes] : [comes, past];
  for (const part of parts) if (part.length > 0) lines.push(...(lines.length > 0 ? [[]] : []), ...part);
  return lines;
}

function forecastLines({ forecast, supply, phase }: OutageView): Span[][] {
  if (forecast.length === 0) return [];
  const title = supply.state === 'battery' || phase !== null ? 'next steps' : 'if the mains failed now';
  return [
    [[title, 'title']],
    ...forecast.map(({ atS, text }): Span[] => [
      [`${(atS === null ? '?' : clock(atS)).padStart(7)}  `, 'key'],
      [text, 'text'],
    ]),
  ];
}

/** Returns the record of an outage; its times are dates of the server's, shown in the operator's zone. */
function outageLines(state: State, outage: OutageReport, width: number): Span[][] {
  const date = (at: number): string => formatClock(at - state.outage.dateAhead, state.dateAhead, true);
  const what = outage.drill ? 'drill' : 'outage';
  const end = outage.endedAt === null ? PHASE_WORDS[outage.phase] : `ended ${date(outage.endedAt)}`;
  return [
    [[`${what} ${outage.id}, began ${date(outage.startedAt)}, ${end}`, 'title']],
    ...outage.nodes.map(({ name, state: standing, detail }): Span[] => [
      [`  ${name.padEnd(20)} `, 'text'],
      [NODE_WORDS[standing][0].padEnd(15), NODE_WORDS[standing][1]],
      [detail, 'dim'],
    ]),
    ...outage.lines.toReversed().flatMap(({ at, text }) =>
      wrap(text, width - 11).map((line, i): Span[] => [
        [`  ${i === 0 ? date(at) : ' '.repeat(8)} `, 'dim'],
        [line, 'text'],
      ]),
    ),
  ];
}

const NODE_WORDS: Record<OutageReport['nodes'][number]['state'], [string, InkRole]> = {
  on: ['on', 'ok'],
  taken: ['shut down', 'off'],
  lost: ['lost power', 'fault'],
  restored: ['back', 'ok'],
  'came-back': ['back by itself', 'ok'],
  missing: ['NOT BACK', 'fault'],
};

/** Columns of the pane's box, and the room inside it. */
const SUPPLY_WIDTH = 124;
const EDGE = 4;
/** Columns between two charts, and the least columns of a chart. */
const GAP = 2;
const LEAST = 34;
/** Values of a UPS with a chart each, the most important first. */
const CHARTS = 3;

/** Returns each UPS with its policy; a policy without any has one entry, for reports of other software. */
export function listedUpses({ outage }: State): { view: OutageView; ups: UpsReading | null }[] {
  return outage.policies.flatMap((view) => (view.ups.length === 0 ? [null] : view.ups).map((ups) => ({ view, ups })));
}

/** Returns the widths of the charts side by side, each with its scale. */
function supplyCharts({ size }: Pick<State, 'size'>): number[] {
  const room = Math.min(SUPPLY_WIDTH, size.cols - 2) - EDGE;
  const count = Math.max(1, Math.min(CHARTS, Math.floor((room + GAP) / (LEAST + GAP))));
  return Array.from({ length: count }, () => Math.floor((room - (count - 1) * GAP) / count));
}

/** Returns the number of points that fill a chart: two a column. */
export function supplyPoints(state: Pick<State, 'size'>): number {
  return Math.max(2, ((supplyCharts(state)[0] ?? LEAST) - SCALE) * 2);
}

/** Returns the `index`th chart of a row of them that begins at the left of `row`. */
function chartAt(row: Rect, widths: readonly number[], index: number): Rect {
  const width = widths[index] ?? 0;
  return { ...row, x: row.x + index * (width + GAP), width };
}

/** The server keeps one value for each slot of this length, ms. */
const SLOT_MS = 2_000;

/** Returns the length of one of the charts' points, ms. */
export function upsStep(state: State): number {
  return Math.max(1, Math.ceil(SPAN_MS[state.view.span] / supplyPoints(state) / SLOT_MS)) * SLOT_MS;
}
