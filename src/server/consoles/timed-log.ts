/**
 * Reads a console's output with the times at which it came, and the marks: `NAME.times` has which bytes of `NAME.raw`
 * came when. Their files are rotated apart from each other, so a place in the raw files is found by its content.
 */
import type { FileHandle } from 'node:fs/promises';
import type { TimedEvent } from '../../api/node.ts';
import { count } from '../../lib/words.ts';
import { bytesOf, findPlace, openLog, placeIn } from '../../console/log-files.ts';
import { readLogLine, readTimedBytes, textOf, type TimedBytes } from '../../console/log-lines.ts';
import { readLog } from '../../console/log-reader.ts';

/** Bytes of times read for one answer: some 300 lines, of a few hundred bytes of output each. */
const PIECE = 16 * 1024;
/** Bytes ahead of the requested time: a full-screen program draws its whole screen in some 8 KB. */
const BEFORE = 16 * 1024;

export interface TimedQuestion {
  /** Paths of both logs. */
  times: string;
  raw: string;
  kept: number;
  cursor: string | null;
  /** Epoch ms; for the first answer only. */
  since: number | null;
}

/** Resolves the next events, one JSON object a line. @throws an error of the file system */
export async function readTimedLog(question: TimedQuestion): Promise<{ data: string; cursor: string; end: boolean }> {
  const { times, raw, kept, cursor, since } = question;
  const answer = await readLog({ path: times, kind: 'lines', kept, cursor, since, search: null, piece: PIECE });
  const files = await openLog(raw, kept);
  try {
    const events = await eventsOf(answer.data.toString('utf8').split('\n'), files, cursor === null && since !== null);
    return { ...answer, data: events.map((event) => `${JSON.stringify(event)}\n`).join('') };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function eventsOf(
  lines: readonly string[],
  files: readonly FileHandle[],
  begins: boolean,
): Promise<TimedEvent[]> {
  const events: TimedEvent[] = [];
  let file: FileHandle | undefined;
  let first = begins;
  for (const line of lines) {
    const about = readLogLine(line);
    if (about === null) continue;
    const { at, sign } = about;
    if (sign === '*') events.push({ at, is: 'mark', text: textOf(line) });
    if (sign === '!') events.push({ at, is: 'reset' });
    const timed = sign === '+' ? readTimedBytes(textOf(line)) : null;
    if (timed === null) continue;
    if (file === undefined || !(await holds(file, timed))) file = files[await findPlace(files, timed)];
    const { from, offset, cols, rows } = timed;
    if (file === undefined) {
      // They were deleted, or moved by another program.
      events.push({ at, is: 'mark', text: `${count(offset - from, 'byte')} that came here are no longer in the log` });
      continue;
    }
    if (first)
      events.unshift({ at, is: 'before', bytes: await base64(file, Math.max(0, from - BEFORE), from), cols, rows });
    first = false;
    events.push({ at, is: 'output', bytes: await base64(file, from, offset), cols, rows });
  }
  return events;
}

async function holds(file: FileHandle, { offset, print }: TimedBytes): Promise<boolean> {
  return (await placeIn(file, offset)).print === print;
}

async function base64(file: FileHandle, from: number, to: number): Promise<string> {
  return (await bytesOf(file, from, to - from)).toString('base64');
}
