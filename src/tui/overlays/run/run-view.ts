/** Paints a line for consoles: the line being typed, the table of answers, the output of one node. Pure. */
import { wrap } from '../../../lib/words.ts';
import { formatAddress, formatPosition } from '../../../rack/address.ts';
import { nodeLabel } from '../../../rack/inventory.ts';
import { centred, paintBox, paintScrolled } from '../../canvas/box.ts';
import type { Frame, InkRole, Rect, Span } from '../../canvas/frame.ts';
import type { Glyphs } from '../../canvas/glyphs.ts';
import type { LineRow, LineRun, RunOverlay } from '../../model/overlays.ts';
import { nameOf, type State } from '../../model/state.ts';
import type { PaintTools } from '../overlay.ts';
import { paintAbortQuestion } from '../question.ts';
import { isRunning, summaryOf } from './line-run.ts';

const WIDTH = 120;
const ABORT = 'Interrupt the running command, and leave out the nodes that wait?';
const QUESTION_WIDTH = 72;
/** Columns of a node's name, its state and its exit code. */
const NAME = 24;
const STATE = 10;
const CODE = 5;
/** Lines above the rows: the line, the summary, a blank one and the titles. */
const HEAD = 4;

const WORDS: Record<LineRow['is'], [word: string, ink: InkRole]> = {
  waiting: ['waiting', 'dim'],
  running: ['running', 'aging'],
  done: ['done', 'ok'],
  cut: ['no end', 'fault'],
  refused: ['refused', 'warn'],
  failed: ['failed', 'fault'],
  'left-out': ['left out', 'warn'],
};

export function paintRun(frame: Frame, state: State, overlay: RunOverlay, { g }: PaintTools): void {
  const { lineRun } = state;
  const row = lineRun?.rows[overlay.index];
  if (overlay.shows === 'output' && lineRun !== null && row !== undefined)
    paintOutput(frame, state, lineRun, { row, scroll: overlay.scroll, g });
  else paintTable(frame, state, overlay, g);
  if (overlay.aborts !== null) paintAbortQuestion(frame, ABORT, QUESTION_WIDTH, g);
}

function paintTable(frame: Frame, state: State, overlay: RunOverlay, g: Glyphs): void {
  const typing = overlay.shows === 'line' || state.lineRun === null;
  const rows: readonly Omit<LineRow, 'lines'>[] =
    typing || state.lineRun === null
      ? overlay.nodes.map((addr) => ({ addr, is: 'waiting', code: null, why: '' }))
      : state.lineRun.rows;
  const title = `a line for ${rows.length === 1 ? 'one console' : `${rows.length} consoles`}`;
  const box = paintBox(frame, centred(frame, WIDTH, rows.length + HEAD + 2), title, g);
  if (typing) paintField(frame, box, overlay.text);
  else {
    frame.spans(
      box.x,
      box.y,
      [
        ['$ ', 'key'],
        [state.lineRun?.line ?? '', 'text'],
      ],
      box.width,
    );
  }
  const about = typing
    ? 'By the shell at each console, one after another, at most 60 s each.'
    : aboutRun(state.lineRun);
  frame.text(box.x, box.y + 1, about, 'dim', box.width);
  const titles = `${'NODE'.padEnd(NAME)} ${'STATE'.padEnd(STATE)}${'EXIT'.padEnd(CODE)} LAST LINE`;
  frame.text(box.x, box.y + HEAD - 1, titles, 'title', box.width);
  const room = box.height - HEAD;
  const from = Math.max(0, Math.min(overlay.index - Math.floor(room / 2), rows.length - room));
  rows.slice(from, from + room).forEach((row, i) => {
    const place = { x: box.x - 1, y: box.y + HEAD + i, width: box.width + 2, height: 1 };
    if (!typing) {
      frame.target(place, { rows: from + i - overlay.index });
      if (from + i === overlay.index) frame.ground(place, 'selected');
    }
    frame.spans(box.x, place.y, rowSpans(state, row), box.width);
  });
  const below = rows.length - room - from;
  if (below > 0) {
    const more = ` ${below} more `;
    frame.text(box.x + box.width - more.length, box.y + box.height, more, 'key');
  }
}

function aboutRun(run: LineRun | null): string {
  if (run === null) return '';
  if (!isRunning(run)) return summaryOf(run);
  const ended = run.rows.filter(({ is }) => is !== 'waiting' && is !== 'running').length;
  return `${ended} of ${run.rows.length} have answered`;
}

/** Paints the end of the text where it is longer than the field. */
function paintField(frame: Frame, box: Rect, text: string): void {
  const letters = Array.from(text);
  const room = box.width - 3;
  const shown = letters.slice(Math.max(0, letters.length - room)).join('');
  frame.text(box.x, box.y, '$', 'key');
  frame.ground({ x: box.x + 2, y: box.y, width: room + 1, height: 1 }, 'field');
  const end = frame.text(box.x + 2, box.y, shown, 'text', room);
  frame.cursor = { x: end, y: box.y };
}

function rowSpans(state: State, row: Omit<LineRow, 'lines'> & { lines?: readonly string[] }): Span[] {
  const [word, ink] = WORDS[row.is];
  const last = row.lines?.findLast((line) => line.trim() !== '')?.trim() ?? '';
  const code = row.code === null ? '' : String(row.code);
  const name = `${nameOf(state, row.addr)} ${formatAddress(row.addr)}`;
  const why = withoutLabel(state, row);
  return [
    [`${name.slice(0, NAME).padEnd(NAME)} `, 'text'],
    [word.padEnd(STATE), ink],
    [`${code.padEnd(CODE)} `, row.code === 0 ? 'ok' : 'fault'],
    ...(why === '' ? [] : [[why, 'warn'] as const]),
    ...(why === '' || last === '' ? [] : [['; ', 'dim'] as const]),
    [last, 'text'],
  ];
}

/** Returns the reason without the node's label, which begins most reasons, and stands in the row already. */
function withoutLabel(state: State, { addr, why }: Pick<LineRow, 'addr' | 'why'>): string {
  const label = nodeLabel({ name: nameOf(state, addr), addr });
  return why.startsWith(label) ? why.slice(label.length).replace(/^:? /, '') : why;
}

function paintOutput(
  frame: Frame,
  state: State,
  run: LineRun,
  { row, scroll, g }: { row: LineRow; scroll: number; g: Glyphs },
): void {
  const { addr, code, why, lines } = row;
  const [word, ink] = WORDS[row.is];
  const width = centred(frame, WIDTH, 3).width - 4;
  const end = code === null ? word : `exit code ${code}`;
  const body: Span[][] = [
    ...wrap(`$ ${run.line}`, width).map((line): Span[] => [[line, 'dim']]),
    ...wrap(why === '' ? end : `${end}: ${why}`, width).map((line): Span[] => [[line, code === 0 ? 'ok' : ink]]),
    ...(lines.length === 0 && code !== null ? [[['(no output)', 'dim'] as const]] : []),
    ...lines.flatMap((line) => folded(line, width)).map((line): Span[] => [[line, 'text']]),
  ];
  const title = `${nameOf(state, addr)} (${formatPosition(addr)}, ${formatAddress(addr)})`;
  const box = paintBox(frame, centred(frame, WIDTH, body.length + 2), title, g);
  paintScrolled(frame, box, body, scroll);
}

/** Cuts a line into pieces of this width, as a terminal does: columns stay where they are. */
function folded(line: string, width: number): string[] {
  const letters = Array.from(line);
  const count = Math.max(1, Math.ceil(letters.length / width));
  return Array.from({ length: count }, (_, i) => letters.slice(i * width, (i + 1) * width).join(''));
}
