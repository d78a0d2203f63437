/** Facts about the files of a package's tree, as its control files state them. */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Lists the paths of the installed files, symbolic links left out. */
function installedFiles(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(tree, path).startsWith('DEBIAN/'))
    .sort();
}

/** Returns the space that the files take, in KiB, as Debian's policy counts: each file by whole units. */
export function installedSize(tree: string): number {
  return installedFiles(tree).reduce((sum, path) => sum + Math.ceil(statSync(path).size / 1024), 0);
}

export function checksums(tree: string): string {
  const line = (path: string): string =>
    `${createHash('md5').update(readFileSync(path)).digest('hex')}  ${relative(tree, path)}\n`;
  return installedFiles(tree).map(line).join('');
}

/** Sets the modes that files have in a package, whatever the umask: only what starts with `#!` outside of modules is executable. */
export function setModes(tree: string): void {
  chmodSync(tree, 0o755);
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, isProgram(path) ? 0o755 : 0o644);
  }
}

const isProgram = (path: string): boolean =>
  !path.includes('/node_modules/') && readFileSync(path).subarray(0, 2).toString() === '#!';
