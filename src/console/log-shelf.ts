/** Console logs on the disk: their names, which of them belong together, and which go when there is too much. */
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const PUT_ASIDE = /\.(?:log|raw)\.\d+$/;
const PRESENT = /\.(?:log|raw)$/;

/** A name that is one file name on any file system, never hidden, never a path. */
export function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '_');
}

export interface LogOnDisk {
  path: string;
  /** Stays the file's own when it is put aside. */
  inode: number;
  size: number;
}

/** The files of one log, oldest first; none where nothing was logged. */
export async function filesOf(path: string, kept: number): Promise<LogOnDisk[]> {
  const found: LogOnDisk[] = [];
  for (let n = kept; n >= 0; n--) {
    const one = n === 0 ? path : `${path}.${n}`;
    const about = await stat(one).catch(() => null);
    if (about?.isFile() === true) found.push({ path: one, inode: about.ino, size: about.size });
  }
  return found;
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
