/**
 * Reports changes of files as the system notices them, in their folders: a file may be replaced, removed, or come later.
 * What no system reports, as on a network file system, in a folder that comes later, or behind a link, is for the caller
 * to look at now and then.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Time within which the writes of one change come, ms. */
const TOGETHER_MS = 100;

/** Calls `changed` after one of `paths` may have changed. Returns the function that ends it. */
export function watchFiles(paths: readonly string[], changed: () => void): () => void {
  let soon: NodeJS.Timeout | undefined;
  const noticed = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      changed();
    }, TOGETHER_MS).unref();
  };
  const watchers = [...new Set(paths.map((path) => dirname(path)))].map((folder) => {
    const names = paths.filter((path) => dirname(path) === folder).map((path) => basename(path));
    return watchFolder(folder, (name) => {
      if (name === null || names.includes(name)) noticed();
    });
  });
  return () => {
    clearTimeout(soon);
    for (const watcher of watchers) watcher?.close();
  };
}

/** Calls `changed` with the name of what has changed in the folder, where it is known. Null: it cannot be watched. */
export function watchFolder(folder: string, changed: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => changed(name));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
