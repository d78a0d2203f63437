/**
 * Paints the detail pane: the selected node's identity, its history as charts, its dependents, its events, and the
 * end of its console's log.
 */
import type { NodeDetail } from '../../api/node.ts';
import { wrap } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { ampsOf } from '../../rack/calibration.ts';
import { type InventoryNode, nodeAt, nodeLabel } from '../../rack/inventory.ts';
import type { Source } from '../../rack/reading.ts';
import type { NodeCondition, SystemState } from '../../rack/system-state.ts';
import { type Frame, type InkRole, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import type { Panes } from '../canvas/panes.ts';
import { formatAge, formatClock, type Glyphs, POWER_WORD } from '../canvas/glyphs.ts';
import { keyOf } from '../keymap/lookup.ts';
import { detailLayout, SCALE } from '../layout/detail-layout.ts';
import { kubernetesInk, kubernetesText } from '../map/kubernetes.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import type { State } from '../model/state.ts';
import { LEVEL_INK } from '../screen/event-lines.ts';
import type { Plot } from '../terminal/plot.ts';
import { CURRENT, FAN, paintChart } from './chart.ts';
import { isFor, nextSpanOf, wantedDetail } from './detail.ts';

/** Text for the source of a reading. */
const READ_BY: Record<Source, string> = {
  sweep: 'by the sweep',
  request: 'on request',
  pause: 'while the console was silent',
  operation: 'for its operation',
  verb: 'after a power verb',
};
const LABEL = 13;
/** Least and most rows of a chart's line. */
const CHART = { least: 2, most: 10 };

/** A heading and its lines; where not all fit, either the latest or the first are shown. */
interface Section {
  title: string;
  lines: Span[][];
  keep: 'first' | 'last';
}

export function paintDetail(panes: Panes, rect: Rect, state: State, plot: Plot | null, g: Glyphs): void {
  const { frame } = panes;
  const { border, main, side } = detailLayout(rect);
  if (border === 'left') frame.fill({ ...rect, width: 1 }, g.box.v, 'border');
  else frame.fill({ ...rect, height: 1 }, g.box.h, 'border');
  const node = nodeAt(state.rack, state.cursor);
  if (node === undefined) {
    frame.text(main.x, rect.y, ` ${formatPosition(state.cursor)}: an empty slot `, 'dim', main.width);
    return;
  }
  if (border === 'above') frame.text(main.x, rect.y, ` ${node.name} `, 'title', main.width);
  else frame.text(main.x, rect.y, node.name, 'title', main.width);
  const body = border === 'above' ? main : { ...main, y: main.y + 2, height: main.height - 2 };
  const request = wantedDetail(state);
  const answer = request !== null && isFor(state.detail.answer, request) ? state.detail.answer : null;
  const after = body.y + paintFacts(panes, body, state, node);
  // One fact more or less moves all that is under it.
  panes.keep('under the facts', below(body, after), [after], () => undefined);
  const rest: Rest = { state, node, answer, after, plot, g };
  const { events, dateAhead } = state;
  const inputs = [answer, after, events, dateAhead, state.pane.shown];
  const sections = (name: string, rect: Rect, made: () => Section[]): void =>
    panes.keep(name, rect, inputs, () => paintSections(frame, rect, made()));
  const ofNode = (): Section[] => [hanging(answer, body.width), eventsOf(state, node)];
  const ofConsole = (): Section[] => [lastWords(state, node, answer), bootsOf(answer, (side ?? body).width, g)];
  if (side === null) {
    const charts = paintCharts(panes, chartRect(body, after, 0.45), rest);
    sections('sections', below(body, charts), () => [...ofNode(), ...ofConsole()]);
    return;
  }
  sections('sections', below(body, after), ofNode);
  const charts = paintCharts(panes, chartRect(side, side.y, 0.75), rest);
  sections('sections beside', below(side, charts), ofConsole);
}

/** What the parts under the facts show. `after`: the row after the facts. */
interface Rest {
  state: State;
  node: InventoryNode;
  answer: NodeDetail | null;
  after: number;
  plot: Plot | null;
  g: Glyphs;
}

type Fact = [label: string, value: string | null, ink: InkRole];

/** What is known of a node beside its inventory, as far as it seldom changes. */
interface Known {
  power: string;
  ink: InkRole;
  system: string | null;
  kubernetes: string | null;
  kubernetesInk: InkRole;
  alarms: string | null;
  uid: string | undefined;
}

function knownOf(state: State, node: InventoryNode): Known {
  const view = viewOf(state, node.addr);
  const look = lookOf(state, view);
  const alarms = view?.alarms ?? [];
  return {
    power: powerText(look.power) + (look.age === null ? '' : `, ${look.age} old`),
    ink: look.ink,
    system: systemText(state, view?.system ?? null),
    kubernetes: kubernetesText(state, view),
    kubernetesInk: kubernetesInk(state, view),
    alarms: alarms.length === 0 ? null : alarms.join(', '),
    uid: state.detail.uids.get(node.addr) ?? node.uid ?? undefined,
  };
}

function factsOf(state: State, node: InventoryNode, known: Known): Fact[] {
  const { uid } = known;
  return [
    ['position', `${formatPosition(node.addr)}, address ${formatAddress(node.addr)}`, 'text'],
    ['power', known.power, known.ink],
    ['system', known.system, known.ink],
    ['kubernetes', known.kubernetes, known.kubernetesInk],
    ['alarm', known.alarms, 'fault'],
    ['role', [node.role, node.cluster].filter((part) => part !== null).join(' of ') || null, 'text'],
    ['ip', node.ip, 'text'],
    ['mac', node.mac, 'text'],
    ['uid', uid ?? `${keyOf(state, 'map', 'identify')} queries its BMC`, uid === undefined ? 'dim' : 'text'],
    ['chassis fan', node.chassisFan === null ? null : `number ${node.chassisFan}, powered by this node`, 'fan'],
    ['protected', node.protected ? 'no verb may cut its power' : null, 'master'],
  ];
}

/** Returns how a node was read, which is another with each sample. */
function readingOf(state: State, { addr }: InventoryNode): Fact {
  const reading = viewOf(state, addr)?.reading;
  const text = reading?.state === 'ok' ? `in ${reading.sample.rttMs.toFixed(1)} ms, ${READ_BY[reading.source]}` : null;
  return ['read', text, 'text'];
}

function powerText(condition: NodeCondition): string {
  return POWER_WORD[condition] + (condition === 'halted' || condition === 'going-down' ? ', still powered' : '');
}

/**
 * Returns the evidence of a system state and its age: `printed “reboot: Power down”, 12 min ago`; null: nothing is
 * known.
 */
function systemText(state: State, system: SystemState | null): string | null {
  if (system === null || system.why === '') return null;
  return `${system.why}, ${formatAge(Math.max(0, state.now - system.since))} ago`;
}

/** A line of a fact; only its first one has a label. */
type FactLine = readonly [label: string, text: string, ink: InkRole];

function factLines(facts: readonly Fact[], width: number): FactLine[] {
  return facts.flatMap(([label, value, ink]) =>
    value === null ? [] : wrap(value, width - LABEL).map((text, i): FactLine => [i === 0 ? label : '', text, ink]),
  );
}

/** Paints the facts; returns the number of their lines. */
function paintFacts(panes: Panes, { x, y, width, height }: Rect, state: State, node: InventoryNode): number {
  const known = knownOf(state, node);
  const inputs = [node, width, state.settings.keys, ...(Object.values(known) as unknown[])];
  const facts = panes.made('facts', inputs, () => factLines(factsOf(state, node, known), width));
  const room = Math.max(0, height);
  const fixed = Math.min(room, facts.length);
  panes.keep('fact lines', { x, y, width, height: fixed }, [facts], () =>
    paintFactLines(panes.frame, { x, y, width }, facts.slice(0, fixed)),
  );
  const read = factLines([readingOf(state, node)], width).slice(0, room - fixed);
  const below = { x, y: y + fixed, width, height: read.length };
  panes.renew(below, () => paintFactLines(panes.frame, below, read));
  return fixed + read.length;
}

function paintFactLines(frame: Frame, { x, y, width }: Omit<Rect, 'height'>, lines: readonly FactLine[]): void {
  lines.forEach(([label, text, ink], i) => {
    if (label !== '') frame.text(x, y + i, label.padEnd(LABEL), 'dim', width);
    frame.text(x + LABEL, y + i, text, ink, width - LABEL);
  });
}

/** Returns the room of two charts with their headings and one line of times under both. */
function chartRect(body: Rect, from: number, share: number): Rect {
  const start = from > body.y ? from + 1 : from;
  const room = body.y + body.height - start;
  const most = Math.max(2 * (CHART.least + 1) + 1, Math.floor(room * share));
  return { ...body, y: start, height: Math.min(room, most, 2 * (CHART.most + 1) + 1) };
}

/** Paints the charts; returns the row after them. */
function paintCharts(panes: Panes, rect: Rect, { state, node, answer, after, plot, g }: Rest): number {
  const { frame } = panes;
  const { x, y, width, height } = rect;
  const rows = Math.floor((height - 1) / 2) - 1;
  if (rows < CHART.least) return y;
  const look = lookOf(state, viewOf(state, node.addr));
  const spare = height - 1 - 2 * (rows + 1);
  const upper = { ...rect, y: y + 1, height: rows + spare };
  const lower = { ...rect, y: y + 1 + upper.height + 1, height: rows };
  const ink: InkRole = look.freshness === 'fresh' || look.freshness === 'aging' ? 'text' : 'stale';
  const heading = (row: number, name: string, value: number | null, amps: number | null): void =>
    panes.keep(name, { ...rect, y: row, height: 1 }, [after, value, amps, ink, look.age], () => {
      frame.spans(x, row, [
        [`${name} `, 'dim'],
        [value === null ? '-' : `${value} ct`, value === null ? 'dim' : ink],
        // The chart's scale is in counts.
        [amps === null ? '' : ` ${g.separator} ${amps.toFixed(2)} A`, ink],
        [value === null || look.age === null ? '' : ` ${look.age} old`, 'stale'],
      ]);
    });
  heading(y, 'current', look.current, look.current === null ? null : ampsOf(look.current, node.calibration));
  heading(lower.y - 1, 'fan', look.fan, null);
  const { failed } = state.detail;
  panes.keep('chart of current', upper, [answer, after, plot, failed], () => {
    // Before the first answer there are no gaps to show.
    if (answer === null) frame.text(x + SCALE, upper.y, failed ?? '', 'warn', width - SCALE);
    else paintChart(frame, upper, { points: answer.points, ...CURRENT, ink: 'spark' }, plot, g);
  });
  panes.keep('chart of fan', lower, [answer, after, plot], () => {
    if (answer !== null) paintChart(frame, lower, { points: answer.points, ...FAN, ink: 'fan' }, plot, g);
  });
  const times = { ...rect, y: lower.y + lower.height, height: 1 };
  panes.keep('times', times, [answer, after, state.view, state.settings.keys], () => {
    if (answer !== null) paintTimes(frame, times, state, answer);
  });
  return times.y + 1;
}

function paintTimes(frame: Frame, { x, y, width }: Rect, state: State, { points, stepMs }: NodeDetail): void {
  frame.text(x + SCALE, y, `${spanWords(points.length * stepMs)} ago`, 'dim', width - SCALE);
  const next: Span[] = [
    [keyOf(state, 'map', 'span'), 'key'],
    [` ${nextSpanOf(state.view.span)}`, 'text'],
  ];
  frame.spans(x + SCALE + Math.floor((width - SCALE - spansWidth(next)) / 2), y, next);
  frame.text(x + width - 3, y, 'now', 'dim');
}

/** `5 min`, `24 h`. */
export function spanWords(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function hanging(answer: NodeDetail | null, width: number): Section {
  const dependents = (answer?.dependents ?? []).flatMap((text) =>
    wrap(text, width - 2).map((line, i): Span[] => [[`${i === 0 ? '' : '  '}${line}`, 'text']]),
  );
  const plans = answer?.plans ?? [];
  const inPlans: Span[][] =
    plans.length === 0 ? [] : wrap(`in plans ${plans.join(', ')}`, width).map((line) => [[line, 'text']]);
  return { title: 'dependents', lines: [...dependents, ...inPlans], keep: 'first' };
}

function eventsOf(state: State, { addr, name }: InventoryNode): Section {
  // Its own name at the beginning of each line would be redundant here.
  const itself = nodeLabel({ name, addr });
  const lines = state.events
    .filter((event) => event.addr === addr)
    .map((event): Span[] => [
      [`${formatClock(event.at, state.dateAhead, true)} `, 'dim'],
      [
        event.text.startsWith(itself) ? event.text.slice(itself.length).replace(/^[ :]+/, '') : event.text,
        LEVEL_INK[event.level],
      ],
    ]);
  return { title: 'events', lines, keep: 'last' };
}

/** Columns of a boot's time: `123.4 s `. */
const BOOT_TIME = 8;
/** A boot that took this many times the usual stands out. */
const SLOW = 1.5;

/** Returns a bar for each of the last boots with its time from power to a prompt; the newest is the lowest. */
function bootsOf(answer: NodeDetail | null, width: number, g: Glyphs): Section {
  const boots = answer?.boots ?? [];
  const usual = [...boots].sort((a, b) => a - b)[Math.floor(boots.length / 2)] ?? 0;
  const longest = Math.max(1, ...boots);
  const lines = boots.map((ms): Span[] => {
    const ink: InkRole = ms > usual * SLOW ? 'warn' : 'spark';
    const columns = Math.max(1, Math.round((ms / longest) * (width - BOOT_TIME)));
    return [
      [`${`${(ms / 1000).toFixed(1)} s`.padStart(BOOT_TIME - 1)} `, 'text'],
      [g.progress.done.repeat(columns), ink],
    ];
  });
  return { title: 'boots: power to prompt, newest last', lines, keep: 'last' };
}

/** Returns the end of the node's console log, where its console is not on the screen anyway. */
function lastWords(state: State, { addr }: InventoryNode, answer: NodeDetail | null): Section {
  const lines = state.pane.shown === addr ? [] : (answer?.lines ?? []);
  return {
    title: 'end of its console log',
    lines: lines.map(({ at, text, ours }): Span[] => [
      [`${formatClock(at, state.dateAhead, true)} `, 'dim'],
      [text, ours ? 'aging' : 'text'],
    ]),
    keep: 'last',
  };
}

const below = (body: Rect, row: number): Rect => ({ ...body, y: row, height: body.y + body.height - row });

/** Paints the sections one after another, each after a blank line; the room is divided line by line. */
function paintSections(frame: Frame, { x, y, width, height }: Rect, sections: readonly Section[]): void {
  const filled = sections.filter(({ lines }) => lines.length > 0);
  const shown = filled.slice(0, Math.floor(height / 3));
  let room = height - 2 * shown.length;
  const given = shown.map(() => 0);
  for (let before = -1; before !== room && room > 0;) {
    before = room;
    shown.forEach(({ lines }, i) => {
      if (room <= 0 || (given[i] ?? 0) >= lines.length) return;
      given[i] = (given[i] ?? 0) + 1;
      room--;
    });
  }
  let row = y;
  shown.forEach(({ title, lines, keep }, i) => {
    const count = given[i] ?? 0;
    frame.text(x, row + 1, title, 'title', width);
    row += 2;
    for (const line of keep === 'first' ? lines.slice(0, count) : lines.slice(-count))
      frame.spans(x, row++, line, width);
  });
}
