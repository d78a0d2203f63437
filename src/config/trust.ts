/**
 * Which files and folders count as safe from other users, as tmux and sshd judge them: everything on the way to a path
 * belongs to root or to one of the given owners, and others can write none of it.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, parse, resolve, sep } from 'node:path';

/** Symbolic links on one way; the kernel's own limit. */
const MOST_LINKS = 40;
const GROUP_AND_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Walks from the root to `path`, through symbolic links, and returns a sentence about the first folder or link that
 * somebody else than root and `owners` could replace, or null. In a sticky folder (/tmp) only owners of an entry can.
 * The last component itself is judged by its owner, and by its mode where it is a folder. `inSticky`: owners that an
 * entry of a sticky folder may have, where they are fewer: everybody can put entries of their own there.
 * @throws what the file system says where a part of the way is missing or may not be seen
 */
export function findUntrusted(
  path: string,
  owners: readonly number[],
  inSticky: readonly number[] = owners,
): string | null {
  let accepted = owners;
  const trusted = (stat: Stats): boolean => stat.uid === 0 || accepted.includes(stat.uid);
  const waiting = parts(resolve(path));
  let at = parse(resolve(path)).root;
  let links = 0;
  for (;;) {
    const stat = lstatSync(at);
    if (!trusted(stat)) return `${at} belongs to user id ${stat.uid}`;
    if (stat.isSymbolicLink()) {
      if (++links > MOST_LINKS) return `${at} is a chain of more than ${MOST_LINKS} links`;
      const target = resolve(dirname(at), readlinkSync(at));
      waiting.unshift(...parts(target));
      at = parse(target).root;
      accepted = owners;
      continue;
    }
    accepted = (stat.mode & STICKY) === 0 ? owners : inSticky;
    if (stat.isDirectory() && isOpen(stat)) return `${at} can be written by others than its owner`;
    const next = waiting.shift();
    if (next === undefined) return null;
    at = join(at, next);
  }
}

/** True where others than the owner can replace what is in this folder. */
function isOpen({ mode }: Stats): boolean {
  return (mode & GROUP_AND_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
}

function parts(path: string): string[] {
  return path.split(sep).filter((part) => part !== '');
}

/** Returns a sentence where others than root and `owners` could have written an open file, or null. */
export function findForeignWriter(stat: Stats, owners: readonly number[]): string | null {
  if (stat.uid !== 0 && !owners.includes(stat.uid)) return `belongs to user id ${stat.uid}: make it yours or root's`;
  if ((stat.mode & GROUP_AND_OTHERS_WRITE) !== 0) return 'can be written by others than its owner: chmod go-w';
  return null;
}
