/** Compares the battery's remaining time with the time that the shown plan needs. */
import { clock, mostPressing, type OutageView, supplyForms } from '../../api/outage.ts';
import { wrap } from '../../lib/words.ts';
import { type InkRole, type Span, spansWidth } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { EmergencyPanel } from '../model/overlays.ts';
import type { State } from '../model/state.ts';

/**
 * Returns both times side by side, for the emergency panel, and under them the nodes that are too late. Empty: no
 * UPS is known.
 */
export function clockLines(state: State, panel: EmergencyPanel, width: number, g: Glyphs): Span[][] {
  const view = mostPressing(state.outage);
  if (view === null || state.link.kind === 'lost') return [];
  const { batteryS } = view;
  const { state: supply } = view.supply;
  const need = needOf(state, panel, view);
  const forms = supplyForms(view, state.now);
  const head = (supply === 'mains' && view.phase?.is !== 'restoring' ? forms[0] : forms.at(-1)) ?? '';
  const ink: InkRole = supply === 'mains' ? 'text' : supply === 'battery' ? 'danger' : 'warn';
  const before = supply === 'mains' ? ', lasts ' : supply === 'battery' ? ' LEFT ' : ' left if on battery ';
  const left: Span[] =
    batteryS === null
      ? [['; the battery’s runtime is not known', 'warn']]
      : [
          [before, 'text'],
          [clock(batteryS), 'title'],
        ];
  const needs = (gap: string): Span[] =>
    need === null
      ? []
      : [
          [`${gap}${g.box.v}${gap}`, 'dim'],
          [`${need.plan} NEEDS `, 'text'],
          [clock(need.ms / 1000), 'title'],
        ];
  const spareS = need === null || batteryS === null ? null : batteryS - need.ms / 1000;
  const spare = (gap: string): Span[] =>
    spareS === null
      ? []
      : spareS >= 0
        ? [[`${gap}${clock(spareS)} to spare`, 'ok']]
        : [[`${gap}${clock(-spareS)} TOO LONG`, 'danger']];
  const first: Span[] = [[head, ink], ...left];
  // A time that is cut would be another one.
  const fitting = [
    [...first, ...needs('   '), ...spare('   ')],
    [...first, ...needs(' '), ...spare(' ')],
    [...first, ...needs(' ')],
  ].find((line) => spansWidth(line) <= width);
  const unfit = spareS === null || spareS >= 0 || need === null ? null : `Does not fit: ${lateNodes(need.late)}`;
  return [
    fitting ?? first,
    ...(unfit === null ? [] : wrap(unfit, width).slice(0, 2)).map((line): Span[] => [[line, 'fault']]),
  ];
}

/** Most names in one message. */
const NAMED = 4;

function lateNodes(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const who = names.length === 0 ? 'its last nodes' : `${names.slice(0, NAMED).join(', ')}${more}`;
  return `${who} will not be down before the battery is empty.`;
}

interface Need {
  plan: string;
  ms: number;
  /** Names of nodes that are not down when the battery ends, as far as known. */
  late: string[];
}

/**
 * Returns the need of the shown run, or of the chosen plan where it switches off; otherwise of the outage policy's
 * last plan.
 */
function needOf(state: State, { mode, plans, preview, chosen }: EmergencyPanel, view: OutageView): Need | null {
  const leftMs = (view.batteryS ?? Infinity) * 1000;
  const run = mode.is === 'run' ? state.runs.find(({ id }) => id === mode.id) : undefined;
  if (run !== undefined && run.state !== 'ended' && run.steps.some(({ action }) => action === 'off')) {
    const ms = Math.max(0, run.predictedEndAt - state.now);
    return { plan: run.plan, ms, late: [] };
  }
  if (mode.is !== 'run' && preview.kind === 'done' && preview.answer.cuts && preview.answer.predictedMs !== null) {
    const late = preview.answer.steps
      .flatMap(({ nodes }) => nodes)
      .filter(({ endMs, refusals, remark }) => refusals.length === 0 && remark === null && endMs > leftMs);
    return { plan: chosen ?? '', ms: preview.answer.predictedMs, late: late.map(({ name }) => name) };
  }
  const summary = mode.is !== 'run' && plans.kind === 'done' ? plans.answer.find(({ name }) => name === chosen) : null;
  if (summary?.cuts === true && summary.predictedMs !== null)
    return { plan: summary.name, ms: summary.predictedMs, late: [] };
  return view.last?.lengthMs == null ? null : { plan: view.last.plan, ms: view.last.lengthMs, late: [] };
}
