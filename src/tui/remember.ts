/** The operator's view in a small file of the state directory, from one run to the next. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { viewFrom, type View } from './state-view.ts';

/** A file that is missing, unreadable or broken means the usual view: nobody is kept from their rack by it. */
export function rememberedView(path: string): View {
  try {
    return viewFrom(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return viewFrom(null);
  }
}

let lastWrite: Promise<void> = Promise.resolve();

/**
 * Whole or not at all, also where two interfaces write at once; one after another, so that what was chosen last is what
 * stays. Rejects with what the file system says.
 */
export function rememberView(path: string, view: View): Promise<void> {
  const written = lastWrite.then(() => write(path, view));
  lastWrite = written.catch(() => undefined);
  return written;
}

async function write(path: string, view: View): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(view)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
