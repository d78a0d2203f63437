/** Glyphs of the interface, in Unicode and in ASCII. Pure. */
import type { KubernetesState } from '../../rack/kubernetes.ts';
import type { NodeCondition } from '../../rack/system-state.ts';
import { CUT, type Frame } from './frame.ts';

export interface Glyphs {
  power: Record<NodeCondition, string>;
  /** Eight heights, lowest first. */
  bars: readonly string[];
  gap: string;
  /** Five levels of heat, lowest first, for where there are no colours; no sign hides its ground. */
  levels: readonly string[];
  master: string;
  protected: string;
  chassisFan: string;
  alarm: string;
  /** Sign of a reading that is not fresh. */
  old: string;
  console: string;
  /** A node that is not ready, cordoned or unknown in its Kubernetes cluster. */
  kubernetes: Record<Exclude<KubernetesState, 'ready'>, string>;
  operation: readonly string[];
  selected: string;
  marked: string;
  ellipsis: string;
  ok: string;
  bad: string;
  question: string;
  box: { h: string; v: string; tl: string; tr: string; bl: string; br: string };
  /** The rack's own frame; `left` and `right` are where a blade's upper edge meets it. */
  rack: { h: string; v: string; tl: string; tr: string; left: string; right: string; bl: string; br: string };
  separator: string;
  progress: { done: string; left: string };
  /** True where only ASCII may be shown. */
  plain: boolean;
}

/** Letter beside the glyph: no two conditions share one. */
export const POWER_LETTER: Record<NodeCondition, string> = {
  on: 'N',
  booting: 'B',
  'going-down': 'G',
  halted: 'H',
  failed: 'E',
  off: 'F',
  disabled: 'D',
  unknown: '?',
  absent: '-',
};
export const POWER_WORD: Record<NodeCondition, string> = {
  on: 'on',
  booting: 'booting',
  'going-down': 'going down',
  halted: 'halted',
  failed: 'not up',
  off: 'off',
  disabled: 'disabled',
  unknown: 'unknown',
  absent: 'absent',
};

const unicode: Glyphs = {
  power: {
    on: '●',
    booting: '△',
    'going-down': '▽',
    halted: '■',
    failed: '✗',
    off: '○',
    disabled: '⊘',
    unknown: '?',
    absent: '·',
  },
  bars: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  gap: '·',
  levels: ['▁', '▂', '▄', '▅', '▆'],
  master: '★',
  protected: '◆',
  chassisFan: '✢',
  alarm: '▲',
  old: '…',
  console: '▣',
  kubernetes: { 'not-ready': '⊠', cordoned: '⊟', unknown: '⊡' },
  operation: ['◐', '◓', '◑', '◒'],
  selected: '▌',
  marked: '▎',
  ellipsis: '…',
  ok: '✓',
  bad: '✗',
  question: '?',
  box: { h: '─', v: '│', tl: '╭', tr: '╮', bl: '╰', br: '╯' },
  rack: { h: '━', v: '┃', tl: '┏', tr: '┓', left: '┣', right: '┫', bl: '┗', br: '┛' },
  separator: '·',
  progress: { done: '━', left: '─' },
  plain: false,
};

const ascii: Glyphs = {
  power: {
    on: '*',
    booting: '^',
    'going-down': 'v',
    halted: '#',
    failed: '%',
    off: 'o',
    disabled: 'x',
    unknown: '?',
    absent: '.',
  },
  bars: ['_', '_', '.', '-', '-', '=', '+', '#'],
  gap: ' ',
  levels: ['.', ':', '+', '%', '#'],
  master: 'M',
  protected: 'P',
  chassisFan: 'W',
  alarm: '!',
  old: '~',
  console: 'C',
  kubernetes: { 'not-ready': 'K', cordoned: 'k', unknown: 'u' },
  operation: ['/', '-', '\\', '|'],
  selected: '>',
  marked: '|',
  ellipsis: '~',
  ok: 'ok',
  bad: 'no',
  question: '?',
  box: { h: '-', v: '|', tl: '+', tr: '+', bl: '+', br: '+' },
  rack: { h: '=', v: '|', tl: '+', tr: '+', left: '+', right: '+', bl: '+', br: '+' },
  separator: '-',
  progress: { done: '#', left: '.' },
  plain: true,
};

export function glyphs(asciiOnly: boolean): Glyphs {
  return asciiOnly ? ascii : unicode;
}

/** Range of values that a row of bars covers, in counts: from the lowest bar to the full one. */
export interface Range {
  low: number;
  high: number;
}

/**
 * Returns the range of a series' own: at least `floor` counts, so that jitter of a count or two stays flat, and a
 * steady series in the middle, with room for a rise and a fall.
 */
export function rangeOf(values: readonly (number | null)[], floor: number): Range {
  let high = 0;
  for (const value of values) high = Math.max(high, value ?? 0);
  let low = high;
  for (const value of values) low = Math.min(low, value ?? high);
  const span = Math.max(high - low, floor);
  const from = Math.max(0, (high + low - span) / 2);
  return { low: from, high: from + span };
}

/** Returns the height of a value's bar in eighths of a row, from 0. */
export function barHeight(value: number, rows: number, { low, high }: Range, g: Glyphs): number {
  const all = rows * g.bars.length;
  return Math.max(0, Math.min(all - 1, Math.floor(((value - low) / (high - low)) * all)));
}

/**
 * Returns the newest `width` values as bars in several rows, the uppermost first, newest right; null is a gap, and
 * columns before the first value stay blank.
 */
export function barRows(
  values: readonly (number | null)[],
  width: number,
  rows: number,
  range: Range,
  g: Glyphs,
): string[] {
  const steps = g.bars.length;
  const texts: string[] = [];
  for (let below = (rows - 1) * steps; below >= 0; below -= steps) {
    const empty = below === 0 ? g.gap : ' ';
    let text = ' '.repeat(Math.max(0, width - values.length));
    for (let i = Math.max(0, values.length - width); i < values.length; i++) {
      const value = values[i] ?? null;
      if (value === null) text += empty;
      else {
        const height = barHeight(value, rows, range, g);
        text += height < below ? ' ' : (g.bars[Math.min(steps - 1, height - below)] ?? empty);
      }
    }
    texts.push(text);
  }
  return texts;
}

/**
 * Shortens a name to `width` columns by its middle: the number at a host name's end distinguishes it from its
 * neighbours.
 */
export function shorten(name: string, width: number, g: Glyphs): string {
  if (name.length <= width) return name;
  const chars = Array.from(name);
  if (chars.length <= width) return name;
  if (width < 4) return chars.slice(-width).join('');
  const number = /[-._]?\d{1,4}$/.exec(name)?.[0].length;
  const tail = Math.min(width - 2, number ?? Math.max(3, Math.floor((width - 1) / 2)));
  return chars.slice(0, width - 1 - tail).join('') + g.ellipsis + chars.slice(-tail).join('');
}

/** Formats an age as `7s`, `3m`, `2h`, `4d`: at most four columns. */
export function formatAge(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 100) return `${s}s`;
  if (s < 6000) return `${Math.floor(s / 60)}m`;
  return s < 360_000 ? `${Math.floor(s / 3600)}h` : `${Math.floor(s / 86_400)}d`;
}

/** Formats a duration as `0:07`, `12:30`. */
export function formatDuration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** Formats the operator's time of day, `dateAhead` milliseconds ahead of the clock of `at`: `14:05:09`, or `14:05`. */
export function formatClock(at: number, dateAhead: number, withSeconds: boolean): string {
  const iso = new Date(at + dateAhead).toISOString();
  return iso.slice(11, withSeconds ? 19 : 16);
}

const INSTEAD: Record<string, string> = {
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '‹': '<',
  '›': '>',
  '…': '.',
  '–': '-',
  '—': '-',
  '−': '-',
  '·': '.',
  '×': 'x',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  '≤': '<',
  '≥': '>',
  '°': 'o',
  µ: 'u',
  ä: 'a',
  ö: 'o',
  ü: 'u',
  ß: 's',
};

/**
 * Replaces other characters by ASCII. `nodesToo`: also in output of nodes, where the terminal cannot show it
 * either; otherwise only in text of the interface.
 */
export function toAscii(frame: Frame, nodesToo: boolean): void {
  for (let i = 0; i < frame.cols * frame.rows; i++) {
    const ch = frame.charAt(i);
    if (ch >= ' ' && ch <= '~' && ch.length === 1) continue;
    if (typeof frame.inkAt(i) === 'number' && !nodesToo) continue;
    // The right half of a wide character is now a cell of its own. After a letter it is the mark of a cut text.
    const cut = ch === CUT && !/^\s?$/.test(i === 0 ? '' : frame.charAt(i - 1));
    frame.setChar(i, ch === '' ? ' ' : cut ? '~' : (INSTEAD[ch] ?? '?'));
  }
}
