/** Paints the preview of a plan: order, duration, freed power, and the nodes that stay on, with the rule for each. */
import type { PlanNodePreview, PlanPreview } from '../../../api/plans.ts';
import { count, wrap } from '../../../lib/words.ts';
import { formatAddress } from '../../../rack/address.ts';
import { ampsText } from '../../../rack/calibration.ts';
import type { InkRole, Span } from '../../canvas/frame.ts';
import { formatDuration, type Glyphs, POWER_LETTER, shorten } from '../../canvas/glyphs.ts';
import type { EmergencyPanel } from '../../model/overlays.ts';
import { CELL, inColumns, NAME } from '../operation-view.ts';
import { refusalLines } from '../power/dialog-view.ts';
import { acting } from './rules.ts';
import { hasTimeline, previewTimeline } from './timeline.ts';

/** Returns the sum, which is above the scrolled part. */
export function summaryLines({ preview }: EmergencyPanel, width: number): Span[][] {
  if (preview.kind !== 'done') return [];
  const { answer } = preview;
  const { predictedMs, current, cuts, nodes } = answer;
  if (predictedMs === 0)
    return [
      [[`Nothing to do: ${nodes === 1 ? 'its node is' : `its ${nodes} nodes are`} in the wanted state.`, 'title']],
    ];
  const time = predictedMs === null ? '' : `, about ${formatDuration(predictedMs)}`;
  const verb = cuts ? 'go OFF' : 'are switched on';
  const { rack, plan: part, amps } = current;
  const frees =
    amps === null
      ? `Frees at most ${part} of ${rack} counts of current (not calibrated).`
      : `Frees at most ${ampsText({ part: amps.plan, whole: amps.rack })}.`;
  return [
    [
      [`${acting(answer).length} of ${count(nodes, 'node')} ${verb}${time}`, 'title'],
      [`, in this order:`, 'text'],
    ],
    ...(cuts ? wrap(frees, width).map((line): Span[] => [[line, 'dim']]) : []),
  ];
}

/** The order of the nodes: as a timeline where it fits into `most` lines, otherwise in columns. */
export function previewLines(panel: EmergencyPanel, width: number, most: number, g: Glyphs): Span[][] {
  const { preview } = panel;
  if (panel.chosen === null) return [];
  if (preview.kind === 'running') return [[['checking the nodes …', 'aging']]];
  if (preview.kind === 'failed') return wrap(preview.why, width).map((line): Span[] => [[line, 'fault']]);
  const { answer } = preview;
  const columns = answer.steps.flatMap((step, i): Span[][] => [
    [
      [`${i + 1} ${step.name} `, 'title'],
      [`${step.action}, ${span(step)}`, 'text'],
      [step.nodes.length > step.parallel ? `, ${step.parallel} at once` : '', 'dim'],
    ],
    ...inColumns(
      step.nodes.map((node) => cell(node, g)),
      width,
    ),
  ]);
  const warnings = answer.warnings.flatMap((text) =>
    wrap(`Will not work: ${text}`, width).map((line): Span[] => [[line, 'warn']]),
  );
  const rest = [...refused(answer, width, g), ...untouched(answer, width)];
  const timeline = hasTimeline(width) && (answer.predictedMs ?? 0) > 0 ? previewTimeline(answer, width, g) : [];
  const fits = timeline.length > 0 && warnings.length + timeline.length + rest.length <= most;
  return [...warnings, ...(fits ? timeline : columns), ...rest];
}

const span = ({ startMs, endMs }: { startMs: number; endMs: number }): string =>
  startMs === endMs ? 'nothing to do' : `${formatDuration(startMs)} to ${formatDuration(endMs)}`;

function cell(node: PlanNodePreview, g: Glyphs): Span[] {
  const stays = node.refusals.length > 0;
  const [words, ink]: [string, InkRole] = stays
    ? ['REFUSED', 'fault']
    : node.remark === null
      ? [`${formatDuration(node.startMs)}-${formatDuration(node.endMs)}`, 'dim']
      : [node.remark, 'dim'];
  const room = CELL - NAME - 8;
  return [
    [`${g.power[node.power]}${POWER_LETTER[node.power]} `, node.power === 'on' ? 'ok' : 'off'],
    [`${formatAddress(node.addr)} `, 'dim'],
    [`${shorten(node.name, NAME, g).padEnd(NAME)} `, 'text'],
    [`${shorten(words, room, g).padEnd(room)} `, ink],
  ];
}

/** Returns the nodes of the plan that a guard refuses, each with its rule's sentence. */
function refused({ steps }: PlanPreview, width: number, g: Glyphs): Span[][] {
  const held = steps.flatMap(({ nodes }) => nodes).filter(({ refusals }) => refusals.length > 0);
  if (held.length === 0) return [];
  return [
    [[`Refused by a guard, unchanged (${count(held.length, 'node')}):`, 'title']],
    ...held.flatMap(({ refusals }) => refusals.flatMap((refusal) => refusalLines(refusal, width, g))),
  ];
}

function untouched({ stays }: PlanPreview, width: number): Span[][] {
  if (stays.length === 0) return [];
  const names = stays.map(({ name, power }) => (power === 'on' ? name : `${name} (${power})`)).join(', ');
  return [
    [[`Not in this plan (${count(stays.length, 'node')}):`, 'title']],
    ...wrap(names, width - 2).map((line): Span[] => [[`  ${line}`, 'text']]),
  ];
}
