/** Reads a console's log for those who ask: from a time on, what holds a text, and on as it grows, across files. */
import { open } from 'node:fs/promises';
import { readLogLine, textOf } from './log-lines.ts';
import { filesOf, type LogOnDisk } from './log-shelf.ts';

/** Bytes read for one answer; longer than any line. */
const PIECE = 64 * 1024;
/** Bytes looked through for one answer where most lines are not wanted: the server answers others in between. */
const SCAN = 16 * PIECE;

export interface LogQuestion {
  path: string;
  kind: 'lines' | 'raw';
  kept: number;
  /** `inode.offset` of the former answer; null, or gone with its file: from the oldest that is kept. */
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
  let files = await filesOf(question.path, question.kept);
  let { index, offset } = placeOf(question.cursor, files);
  for (let scanned = 0; scanned < SCAN; scanned += PIECE) {
    const file = files[index];
    if (file === undefined) return { data: Buffer.alloc(0), cursor: question.cursor ?? '', end: true };
    const last = index === files.length - 1;
    const bytes = await pieceOf(file, offset);
    if (bytes === null) {
      files = await filesOf(question.path, question.kept);
      ({ index, offset } = placeOf(`${file.inode}.${offset}`, files));
      continue;
    }
    if (bytes.length === 0 && !last) {
      index++;
      offset = 0;
      continue;
    }
    // The last line of a file that is still written may not be whole; raw bytes have no lines.
    const whole = question.kind === 'raw' ? bytes.length : wholeLines(bytes, last);
    offset += whole;
    const taken = bytes.subarray(0, whole);
    const data = question.kind === 'raw' ? taken : wanted(taken, question);
    const cursor = `${file.inode}.${offset}`;
    const end = last && bytes.length < PIECE;
    if (data.length > 0 || end) return { data, cursor, end };
  }
  return { data: Buffer.alloc(0), cursor: `${files[index]?.inode ?? 0}.${offset}`, end: false };
}

function placeOf(cursor: string | null, files: readonly LogOnDisk[]): { index: number; offset: number } {
  const [inode, offset] = (cursor ?? '').split('.').map(Number);
  const index = files.findIndex((file) => file.inode === inode);
  return index < 0 || offset === undefined || !Number.isSafeInteger(offset) || offset < 0
    ? { index: 0, offset: 0 }
    : { index, offset };
}

/** Null: it was put aside meanwhile, and has another name. */
async function pieceOf({ path, inode }: LogOnDisk, offset: number): Promise<Buffer | null> {
  const file = await open(path, 'r');
  try {
    if ((await file.stat()).ino !== inode) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, PIECE, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function wholeLines(bytes: Buffer, growing: boolean): number {
  const end = bytes.lastIndexOf(0x0a) + 1;
  return end === 0 && !growing ? bytes.length : end;
}

function wanted(bytes: Buffer, { since, search }: LogQuestion): Buffer {
  const text = search?.toLowerCase() ?? null;
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => {
      const about = readLogLine(line);
      // What was carried over from the file before has been read there.
      if (about === null || about.sign === ':') return false;
      return (since === null || about.at >= since) && (text === null || line.toLowerCase().includes(text));
    });
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
