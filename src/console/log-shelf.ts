/**
 * Console logs on the disk: their names, which of them belong together, and which go when there is too much. A file is
 * known by what is written in it: a file system gives a freed inode to the next file, and may know no time of birth.
 */
import { createHash } from 'node:crypto';
import { open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const PUT_ASIDE = /\.(?:log|raw)\.\d+$/;
const PRESENT = /\.(?:log|raw)$/;

/** A name that is one file name on any file system, never hidden, never a path. */
export function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '_');
}

/** A log's files, opened, oldest first; none where nothing was logged. Whoever asks closes them. */
export async function openLog(path: string, kept: number): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  const seen = new Set<string>();
  // The youngest first: a file that is put aside meanwhile is met a second time, never missed.
  for (let n = 0; n <= kept; n++) {
    const file = await open(n === 0 ? path : `${path}.${n}`, 'r').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
    if (file === null) continue;
    // Open files share no inode: this tells one that is met twice, and nothing else.
    const { dev, ino } = await file.stat();
    if (seen.has(`${dev}.${ino}`)) await file.close();
    else files.unshift(file);
    seen.add(`${dev}.${ino}`);
  }
  return files;
}

/** Bytes of a file's beginning, and in front of a place in it, by which both are known again. */
const HEAD = 128;
const BEFORE = 64;

/** A place in a log that is found again after the file was put aside. */
export interface LogPlace {
  offset: number;
  /** Of the file's first bytes up to `offset`, and of those in front of it. */
  print: string;
}

export async function placeIn(file: FileHandle, offset: number): Promise<LogPlace> {
  const head = await bytesOf(file, 0, Math.min(HEAD, offset));
  const from = Math.max(0, offset - BEFORE);
  const before = await bytesOf(file, from, offset - from);
  return { offset, print: createHash('sha1').update(head).update(before).digest('base64url').slice(0, 16) };
}

/** By which a file that is not written any more is known again. */
export async function headOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  return (await placeIn(file, Math.min(HEAD, size))).print;
}

/** The index of the file that holds the place, or -1. */
export async function findPlace(files: readonly FileHandle[], place: LogPlace): Promise<number> {
  for (const [index, file] of files.entries())
    if ((await placeIn(file, place.offset)).print === place.print) return index;
  return -1;
}

/** Fewer than asked for at the file's end. */
export async function bytesOf(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** Deletes files of the log at `path` that were put aside when more were kept. */
export async function pruneKept(path: string, kept: number): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)) && Number(name.slice(prefix.length)) > kept)
      await unlink(join(dirname(path), name)).catch(() => undefined);
}

/** Deletes what was put aside, the oldest first, until all console logs in `dir` together have at most `total` bytes. */
export async function pruneLogs(dir: string, total: number): Promise<void> {
  const names = (await readdir(dir)).filter((name) => PUT_ASIDE.test(name) || PRESENT.test(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const about = await stat(join(dir, name)).catch(() => null);
      return { name, size: about?.size ?? 0, at: about?.mtimeMs ?? 0 };
    }),
  );
  let sum = files.reduce((bytes, { size }) => bytes + size, 0);
  for (const { name, size } of files.filter((file) => PUT_ASIDE.test(file.name)).sort((a, b) => a.at - b.at)) {
    if (sum <= total) return;
    await unlink(join(dir, name)).catch(() => undefined);
    sum -= size;
  }
}
