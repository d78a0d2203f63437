/** A console's last screen as far as the end of its log of bytes tells it, for a server that has not seen it itself. */
import { open } from 'node:fs/promises';
import { NodeScreen } from './screen.ts';
import type { ScreenText } from './standing.ts';

/** A full-screen program draws all of its screen in some 8 KB. */
const TAIL = 16 * 1024;
/** A serial line has no window size; this is what a getty assumes. */
const SIZE = { cols: 80, rows: 24, scrollback: 0 };

export interface LoggedScreen {
  /** When the node last said something. */
  at: number;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild it in an empty emulator. */
  screen: Buffer;
  /** What stands around its cursor. */
  around: ScreenText;
}

/** Null: nothing is logged. @throws an error of the file system, but for no file */
export async function loggedScreen(rawPath: string): Promise<LoggedScreen | null> {
  const file = await open(rawPath, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { size, mtimeMs } = await file.stat();
    if (size === 0) return null;
    const from = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const bytes = buffer.subarray(0, bytesRead);
    const screen = new NodeScreen(SIZE);
    // The first line may begin in the midst of a sequence.
    screen.write(from === 0 ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1));
    await screen.flush();
    const { cols, rows } = SIZE;
    const logged = { at: mtimeMs, cols, rows, screen: screen.copy(0), around: screen.around() };
    screen.dispose();
    return logged;
  } finally {
    await file.close();
  }
}
