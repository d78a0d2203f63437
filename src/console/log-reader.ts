/** Reads a console's log for those who ask: from a time on, what holds a text, and on as it grows, across files. */
import { open, type FileHandle } from 'node:fs/promises';
import { readLogLine, textOf } from './log-lines.ts';
import { bytesOf, findPlace, openLog, placeIn, type LogPlace } from './log-shelf.ts';

/** Bytes read for one answer; longer than any line. */
const PIECE = 64 * 1024;
/** Bytes looked through for one answer where most lines are not wanted: the server answers others in between. */
const SCAN = 16 * PIECE;

export interface LogQuestion {
  path: string;
  kind: 'lines' | 'raw';
  kept: number;
  /** Of the former answer; null: from the oldest file that is kept. */
  cursor: string | null;
  since: number | null;
  search: string | null;
}

export interface LogAnswer {
  data: Buffer;
  cursor: string;
  end: boolean;
}

export interface TailLine {
  at: number;
  text: string;
  /** A mark of ours, not the node's words. */
  ours: boolean;
}

/** Bytes of the file's end that are looked through for the latest lines. */
const TAIL = 16 * 1024;

/** The latest `count` lines that say something, oldest first. @throws an error of the file system, but for no file */
export async function tailLog(path: string, count: number): Promise<TailLine[]> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return [];
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    return lines
      .flatMap((line): TailLine[] => {
        const about = readLogLine(line);
        if (about === null) return [];
        // What was carried over says behind its sign whose line it was.
        const carried = about.sign === ':' ? textOf(line) : null;
        const text = carried === null ? textOf(line) : carried.slice(2);
        const ours = (carried === null ? about.sign : carried[0]) === '*';
        return text.trim() === '' ? [] : [{ at: about.at, text, ours }];
      })
      .slice(-count);
  } finally {
    await file.close();
  }
}

/** @throws an error of the file system, where a file is there and cannot be read */
export async function readLog(question: LogQuestion): Promise<LogAnswer> {
  const files = await openLog(question.path, question.kept);
  try {
    return await readFrom(files, question);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** Where a reader stands, and the time of what it read last, epoch ms. */
interface Cursor extends LogPlace {
  at: number;
}

async function readFrom(files: readonly FileHandle[], question: LogQuestion): Promise<LogAnswer> {
  const cursor = readCursor(question.cursor);
  const start = await startOf(files, cursor, question.kind);
  let { index, offset } = start;
  let at = cursor?.at ?? 0;
  const answer = async (data: Buffer, end: boolean): Promise<LogAnswer> => {
    // The beginning of a file looks like that of any other: the end of the one before it is the same place.
    while (offset === 0 && index > 0) offset = (await files[--index]?.stat())?.size ?? 0;
    const file = files[index];
    if (file === undefined || offset === 0) return { data, cursor: question.cursor ?? '', end };
    return { data, cursor: cursorText({ ...(await placeIn(file, offset)), at }), end };
  };
  for (let scanned = 0; scanned < SCAN; scanned += PIECE) {
    const file = files[index];
    if (file === undefined) return answer(Buffer.alloc(0), true);
    const last = index === files.length - 1;
    const bytes = await bytesOf(file, offset, PIECE);
    if (bytes.length === 0 && !last) {
      index++;
      offset = 0;
      continue;
    }
    // The last line of a file that is still written may not be whole; raw bytes have no lines.
    const whole = question.kind === 'raw' ? bytes.length : wholeLines(bytes, last);
    offset += whole;
    const taken = bytes.subarray(0, whole);
    at = question.kind === 'raw' ? (await file.stat()).mtimeMs : (lastTime(taken) ?? at);
    const data = question.kind === 'raw' ? taken : wanted(taken, question, start.after);
    const end = last && bytes.length < PIECE;
    if (data.length > 0 || end) return answer(data, end);
  }
  return answer(Buffer.alloc(0), false);
}

/** `after`: lines before this time, epoch ms, were read already. */
async function startOf(
  files: readonly FileHandle[],
  cursor: Cursor | null,
  kind: LogQuestion['kind'],
): Promise<{ index: number; offset: number; after: number }> {
  if (cursor === null) return { index: 0, offset: 0, after: 0 };
  const index = await findPlace(files, cursor);
  if (index >= 0) return { index, offset: cursor.offset, after: 0 };
  // Its file is gone, or was emptied or moved away from outside: what is younger is read.
  if (kind === 'lines') return { index: 0, offset: 0, after: cursor.at };
  const times = await Promise.all(files.map(async (file) => (await file.stat()).mtimeMs));
  const next = times.findIndex((time) => time > cursor.at);
  return { index: next < 0 ? files.length : next, offset: 0, after: 0 };
}

function cursorText({ offset, print, at }: Cursor): string {
  return `${offset}.${print}.${Math.round(at)}`;
}

function readCursor(text: string | null): Cursor | null {
  const [offset = '', print = '', at = ''] = (text ?? '').split('.');
  const numbers = [Number(offset), Number(at)] as const;
  return print === '' || !numbers.every((one) => Number.isSafeInteger(one) && one >= 0)
    ? null
    : { offset: numbers[0], print, at: numbers[1] };
}

function lastTime(lines: Buffer): number | null {
  const from = lines.subarray(0, -1).lastIndexOf(0x0a) + 1;
  return readLogLine(lines.toString('utf8', from))?.at ?? null;
}

function wholeLines(bytes: Buffer, growing: boolean): number {
  const end = bytes.lastIndexOf(0x0a) + 1;
  return end === 0 && !growing ? bytes.length : end;
}

function wanted(bytes: Buffer, { since, search }: LogQuestion, after: number): Buffer {
  const from = Math.max(since ?? 0, after);
  const text = search?.toLowerCase() ?? null;
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => {
      const about = readLogLine(line);
      // What was carried over from the file before has been read there.
      if (about === null || about.sign === ':') return false;
      return about.at >= from && (text === null || line.toLowerCase().includes(text));
    });
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
