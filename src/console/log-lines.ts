/** The lines of a console's logs: their times and signs, and the marks of a set clock. Pure. */
import { replaceHidden } from '../lib/control-chars.ts';
import type { Written } from './log-files.ts';

/**
 * `|` the node's output, `*` a mark of rackui, `:` a line repeated from the end of the file before, for readers of
 * the current file only. In `NAME.times`: `+` bytes came, `!` the screen's modes were reset, and marks.
 */
export type LineSign = '|' | '*' | ':' | '+' | '!';
const SIGNS: ReadonlySet<string> = new Set<LineSign>(['|', '*', ':', '+', '!']);

/** `2026-07-14T12:00:00.000Z`. */
const STAMP_LENGTH = 24;

/** Formats one line of the log, with its end. */
export function logLine(sign: LineSign, at: number, text: string): string {
  return `${new Date(at).toISOString()} ${sign} ${replaceHidden(text)}\n`;
}

/** Parses the time and sign of a log line; null: it is none (a crash tore it). */
export function readLogLine(line: string): { at: number; sign: LineSign } | null {
  const at = Date.parse(line.slice(0, STAMP_LENGTH));
  const sign = line[STAMP_LENGTH + 1] ?? '';
  return Number.isNaN(at) || !SIGNS.has(sign) ? null : { at, sign: sign as LineSign };
}

/** Returns the text of a log line. */
export function textOf(line: string): string {
  return line.slice(STAMP_LENGTH + 3);
}

/** Matches the mark of a set clock. */
const CLOCK_SET = /^the clock was set (forward|back) by (\d+\.\d) s/;

/** Returns the mark for a wall clock that was set by `ms` between two lines; negative: back. */
export function clockSet(ms: number): string {
  return `the clock was set ${ms < 0 ? 'back' : 'forward'} by ${(Math.abs(ms) / 1000).toFixed(1)} s: lines above have the former time`;
}

/** Returns the step of the clock at this line, ms; 0: the line is no such mark. */
export function clockStep(line: string): number {
  return readLogLine(line)?.sign === '*' ? stepOf(textOf(line)) : 0;
}

function stepOf(mark: string): number {
  const [, way, seconds] = CLOCK_SET.exec(mark) ?? [];
  return seconds === undefined ? 0 : (way === 'back' ? -1000 : 1000) * Number(seconds);
}

/** Returns the line as repeated at the beginning of the next file. */
export function carried(line: string): string {
  return `${line.slice(0, STAMP_LENGTH)} : ${line.slice(STAMP_LENGTH + 1)}`;
}

/** Bytes of `NAME.raw` that came at one time. */
export interface TimedBytes extends Written {
  /** Size of the node's screen then. */
  cols: number;
  rows: number;
}

export function timedText({ from, offset, print, cols, rows }: TimedBytes): string {
  return `${from} ${offset} ${print} ${cols}x${rows}`;
}

/** Parses the text of a line with the sign `+`; null: it is none. */
export function readTimedBytes(text: string): TimedBytes | null {
  const [, from, offset, print = '', cols, rows] = /^(\d+) (\d+) ([\w-]+) (\d+)x(\d+)$/.exec(text) ?? [];
  const [start, end] = [Number(from), Number(offset)];
  return start <= end ? { from: start, offset: end, print, cols: Number(cols), rows: Number(rows) } : null;
}

/**
 * Returns a function from the events of a log, in their order, to times on one clock: that of the first event, whatever
 * the wall clock was set to between them.
 */
export function clockShift(): (event: { at: number; text?: string }) => number {
  let shift = 0;
  return ({ at, text }) => {
    shift -= text === undefined ? 0 : stepOf(text);
    return at + shift;
  };
}
