/** Reads a console's log across its files: from a time on, filtered by a text, and on as it grows. */
import { type FileHandle, open } from 'node:fs/promises';
import { bytesOf, findPlace, headOf, type LogPlace, openLog, placeIn } from './log-files.ts';
import { clockStep, readLogLine, textOf } from './log-lines.ts';

/** Bytes read for one answer; longer than any line. */
const PIECE = 64 * 1024;
/** Bytes searched for one answer where most lines do not match: the server serves others in between. */
const SCAN = 16 * PIECE;

/** The furthest that a mark is behind younger lines, ms: it has the time of an event that was reported later. */
const OUT_OF_ORDER_MS = 2_000;

export interface LogQuestion {
  path: string;
  kind: 'lines' | 'raw';
  kept: number;
  /** Cursor of the former answer; null: start with the oldest file. */
  cursor: string | null;
  /** Epoch ms, as the clock is set at present; for the first answer only: lines before it are left out. */
  since: number | null;
  search: string | null;
  /** Most bytes read from a file for one answer; longer than any line. Default: 64 KB. */
  piece?: number;
}

export interface LogAnswer {
  data: Buffer;
  cursor: string;
  end: boolean;
}

export interface TailLine {
  at: number;
  text: string;
  /** A mark of rackui, not the node's output. */
  ours: boolean;
}

/** Bytes of the file's end that are searched for the latest lines. */
const TAIL = 16 * 1024;

/**
 * Resolves the latest `count` lines that are not blank, oldest first. @throws an error of the file system, except for
 * a missing file
 */
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
        // A carried line holds the sign of its source behind its own.
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

/** Resolves the next piece of the log. @throws an error of the file system, where a file exists and cannot be read */
export async function readLog(question: LogQuestion): Promise<LogAnswer> {
  const files = await openLog(question.path, question.kept);
  try {
    return await readFrom(files, question);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** The position of a reader. `after`: the hash of the file before its own, '' where there was none. */
interface Cursor extends LogPlace {
  after: string;
}

async function readFrom(files: readonly FileHandle[], question: LogQuestion): Promise<LogAnswer> {
  const { piece = PIECE } = question;
  let { index, offset } = await startOf(files, question);
  const answer = async (data: Buffer, end: boolean): Promise<LogAnswer> => {
    // The beginning of a file looks like that of any other: the end of the one before it is the same place.
    while (offset === 0 && index > 0) offset = (await files[--index]?.stat())?.size ?? 0;
    const file = files[index];
    if (file === undefined || offset === 0) return { data, cursor: question.cursor ?? '', end };
    const former = files[index - 1];
    const after = former === undefined ? '' : await headOf(former);
    return { data, cursor: cursorText({ ...(await placeIn(file, offset)), after }), end };
  };
  for (let scanned = 0; scanned < SCAN; scanned += piece) {
    const file = files[index];
    if (file === undefined) return answer(Buffer.alloc(0), true);
    const last = index === files.length - 1;
    const bytes = await bytesOf(file, offset, piece);
    if (bytes.length === 0 && !last) {
      index++;
      offset = 0;
      continue;
    }
    // The last line of a file that is still written may be incomplete; raw bytes have no lines.
    const whole = question.kind === 'raw' ? bytes.length : wholeLines(bytes, last);
    offset += whole;
    const taken = bytes.subarray(0, whole);
    const data = question.kind === 'raw' ? taken : wanted(taken, question);
    const end = last && bytes.length < piece;
    if (data.length > 0 || end) return answer(data, end);
  }
  return answer(Buffer.alloc(0), false);
}

interface Start {
  index: number;
  offset: number;
}

async function startOf(files: readonly FileHandle[], { cursor: text, since }: LogQuestion): Promise<Start> {
  const cursor = readCursor(text);
  if (cursor === null) return since === null ? { index: 0, offset: 0 } : startSince(files, since);
  const index = await findPlace(files, cursor);
  if (index >= 0) return { index, offset: cursor.offset };
  // Its file is gone, emptied or moved from outside: reading continues after the file before it. Where that is gone
  // too, all files left are younger. Times do not decide, because clocks are set.
  const heads = await Promise.all(files.map(headOf));
  return { index: cursor.after === '' ? 0 : heads.lastIndexOf(cursor.after) + 1, offset: 0 };
}

/**
 * Finds the beginning of the lines written since `since`, epoch ms. Lines are in order of arrival, so
 * all behind the first of them are as young, whatever their times. Searched from the end: times from before the clock
 * was set are shifted by as much, and a time later than that of a line behind it, without such a mark, is ignored.
 */
async function startSince(files: readonly FileHandle[], since: number): Promise<Start> {
  let found: Start | null = null;
  let ahead = 0;
  for (const [index, file] of [...files.entries()].reverse())
    for await (const { offset, line } of linesBack(file)) {
      // A line that is still being written is read when it is complete.
      found ??= { index, offset: line.endsWith('\n') ? offset + Buffer.byteLength(line) : offset };
      const about = readLogLine(line);
      // Lines carried over from the file before were read there.
      if (about === null || about.sign === ':') continue;
      const at = about.at + ahead;
      if (at < since - OUT_OF_ORDER_MS) return found;
      if (at >= since) found = { index, offset };
      ahead += clockStep(line);
    }
  return found ?? { index: 0, offset: 0 };
}

/** Yields a file's lines with their ends and offsets, the last one first. */
async function* linesBack(file: FileHandle): AsyncGenerator<{ offset: number; line: string }> {
  let { size: from } = await file.stat();
  let rest = Buffer.alloc(0);
  while (from > 0) {
    const to = from;
    from = Math.max(0, to - PIECE);
    const bytes = Buffer.concat([await bytesOf(file, from, to - from), rest]);
    let end = bytes.length;
    while (end > 1) {
      const begin = bytes.lastIndexOf(0x0a, end - 2) + 1;
      if (begin === 0) break;
      yield { offset: from + begin, line: bytes.toString('utf8', begin, end) };
      end = begin;
    }
    rest = bytes.subarray(0, end);
  }
  if (rest.length > 0) yield { offset: 0, line: rest.toString('utf8') };
}

function cursorText({ offset, print, after }: Cursor): string {
  return `${offset}.${print}.${after}`;
}

function readCursor(text: string | null): Cursor | null {
  const [offset = '', print = '', after = ''] = (text ?? '').split('.');
  const at = Number(offset);
  return print === '' || !Number.isSafeInteger(at) || at < 0 ? null : { offset: at, print, after };
}

function wholeLines(bytes: Buffer, growing: boolean): number {
  const end = bytes.lastIndexOf(0x0a) + 1;
  return end === 0 && !growing ? bytes.length : end;
}

function wanted(bytes: Buffer, { search }: LogQuestion): Buffer {
  const text = search?.toLowerCase() ?? null;
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => {
      const about = readLogLine(line);
      if (about === null || about.sign === ':') return false;
      return text === null || line.toLowerCase().includes(text);
    });
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
