/** Paints the power dialog: the effects, the nodes, the evidence, and the words that confirm it. */
import { cuts, type Refusal } from '../../../api/power.ts';
import { count, wrap } from '../../../lib/words.ts';
import { type Address, formatAddress, formatPosition } from '../../../rack/address.ts';
import { drawOf, drawText } from '../../../rack/calibration.ts';
import { calibrationOf } from '../../../rack/inventory.ts';
import { compressNames } from '../../../rack/selectors.ts';
import { centred, paintBox } from '../../canvas/box.ts';
import type { Frame, Rect, Span } from '../../canvas/frame.ts';
import type { Glyphs } from '../../canvas/glyphs.ts';
import { isFiltered } from '../../map/filter.ts';
import type { PowerDialog } from '../../model/overlays.ts';
import { nameOf, type State } from '../../model/state.ts';
import { refusesNow, VERBS, wordsOf } from './rules.ts';

export function paintPowerDialog(frame: Frame, state: State, dialog: PowerDialog, g: Glyphs): void {
  const width = Math.min(76, frame.cols - 2);
  const lines = bodyLines(state, dialog, width - 4, g);
  const refusal = refusesNow(state, dialog);
  const remarks: Remarks = {
    refusal: refusal === null ? [] : wrap(refusal, width - 4),
    remark: dialog.remark === null ? [] : wrap(dialog.remark, width - 4),
  };
  const spare = cuts(dialog.request.verb) ? 2 : 1;
  const controls = spare + 3 + Math.max(0, remarks.refusal.length - spare) + Math.max(0, remarks.remark.length - 1);
  const rect = centred(frame, width, lines.length + controls + 2);
  const verb = VERBS.find((one) => one.verb === dialog.request.verb);
  const box = paintBox(
    frame,
    rect,
    `${verb?.label ?? dialog.request.verb}: ${dialog.request.label}`,
    g,
    cuts(dialog.request.verb) ? 'fault' : 'borderFocus',
  );
  const room = box.height - controls;
  // Lines that do not fit are counted, never silently left out.
  const shown =
    lines.length <= room
      ? lines
      : [
          ...lines.slice(0, room - 1),
          [[`and ${count(lines.length - room + 1, 'more line')}: a higher terminal shows them`, 'warn'] as const],
        ];
  shown.forEach((line, i) => frame.spans(box.x, box.y + i, line, box.width));
  paintControls(frame, { ...box, y: box.y + box.height - controls, height: controls }, state, dialog, remarks);
}

function bodyLines(state: State, dialog: PowerDialog, width: number, g: Glyphs): Span[][] {
  const { request, check } = dialog;
  const about = VERBS.find((one) => one.verb === request.verb)?.about ?? '';
  const lines: Span[][] = wrap(`${about[0]?.toUpperCase() ?? ''}${about.slice(1)}.`, width).map((line) => [
    [line, 'text'],
  ]);
  lines.push(...outsideLines(state, request.nodes, width));
  lines.push([]);
  const answer = check.kind === 'done' ? check.answer : null;
  for (const addr of request.nodes) {
    const node = answer?.nodes.find((one) => one.addr === addr);
    const where = `${formatPosition(addr)} ${formatAddress(addr)}`;
    const seen: Span =
      node === undefined
        ? ['checking …', 'aging']
        : node.sample === null
          ? [node.problem ?? 'does not answer', 'fault']
          : [`${node.sample.power}, ${current(state, addr, node.sample.current)}, checked just now`, 'text'];
    lines.push([[`${nameOf(state, addr)} `, 'title'], [`${where} `, 'dim'], seen]);
    for (const refusal of node?.refusals ?? []) {
      lines.push(...refusalLines(refusal, width, g));
    }
    for (const sentence of node?.impact ?? [])
      lines.push(
        ...wrap(sentence, width - 4).map((line, i): Span[] => [
          [i === 0 ? `  ${g.separator} ` : '    ', 'dim'],
          [line, 'text'],
        ]),
      );
  }
  if (check.kind === 'failed') lines.push(...wrap(check.why, width).map((line): Span[] => [[line, 'fault']]));
  return lines;
}

function current({ rack }: State, addr: Address, counts: number): string {
  return drawText(drawOf(counts, calibrationOf(rack, addr)), 'ct');
}

/**
 * Returns the names of nodes that the filter hides, because marks stay when it changes; shown first, where nothing
 * is cut off.
 */
export function outsideLines(state: State, nodes: readonly Address[], width: number): Span[][] {
  const outside = nodes.filter((addr) => isFiltered(state, addr)).map((addr) => nameOf(state, addr));
  if (outside.length === 0) return [];
  const text = `${outside.length} outside the filter: ${compressNames(outside)}`;
  return wrap(text, width).map((line): Span[] => [[line, 'warn']]);
}

/** `✗ protected: ns01 … is protected in the configuration. To go on: …`: the rule by its name, then its sentence. */
export function refusalLines({ rule, message, override }: Refusal, width: number, g: Glyphs): Span[][] {
  const way = override === null ? 'Nothing overrides this.' : `To override: ${override}.`;
  return wrap(`${rule}: ${message}. ${way}`, width - 4).map((line, i): Span[] => [
    [i === 0 ? `  ${g.bad} ` : '    ', 'fault'],
    [line, 'fault'],
  ]);
}

/** Lines with the reason why nothing can be sent, and with the error in the typed words. */
interface Remarks {
  refusal: readonly string[];
  remark: readonly string[];
}

function paintControls(frame: Frame, box: Rect, state: State, dialog: PowerDialog, { refusal, remark }: Remarks): void {
  const { request, field } = dialog;
  const buttonRow = box.y + box.height - 1;
  const paintLines = (lines: readonly string[], y: number): void =>
    lines.forEach((line, i) => frame.text(box.x, y + i, line, 'warn', box.width));
  if (refusal.length > 0) paintLines(refusal, box.y + 1);
  else if (cuts(request.verb)) {
    const words = wordsOf(state, dialog);
    frame.spans(
      box.x,
      box.y + 1,
      [
        ['To confirm type ', 'text'],
        [words, 'danger'],
        [' and press Enter:', 'text'],
      ],
      box.width,
    );
    const width = Math.min(box.width, Math.max(24, words.length + 4));
    frame.ground({ x: box.x, y: box.y + 2, width, height: 1 }, 'field');
    const at = frame.text(box.x + 1, box.y + 2, field.text, 'text', width - 2);
    if (field.focus === 'field' && !dialog.sent) frame.cursor = { x: at, y: box.y + 2 };
  }
  paintLines(remark, buttonRow - remark.length);
  const cancel = '[ Cancel ]';
  if (field.focus === 'cancel') frame.ground({ x: box.x, y: buttonRow, width: cancel.length, height: 1 }, 'button');
  frame.text(box.x, buttonRow, cancel, 'key');
  if (!cuts(request.verb) && refusal.length === 0) {
    const go = '[ Switch on ]';
    if (field.focus === 'field') frame.ground({ x: box.x + 12, y: buttonRow, width: go.length, height: 1 }, 'button');
    frame.text(box.x + 12, buttonRow, go, 'key');
  }
  const onCancel = field.focus === 'cancel';
  const cutHint = onCancel ? 'Enter here cancels; Esc too' : 'Enter confirms what is typed; Esc cancels';
  const hint = dialog.sent ? 'sending …' : cuts(request.verb) ? cutHint : 'Tab selects, Enter confirms';
  frame.text(box.x + 28, buttonRow, hint, 'dim', box.width - 28);
}
