/** Orders names as people count. Pure. */

const PIECES = /\d+|\D+/g;
const NUMBER = /^\d/;

/**
 * Compares names for a sort: numbers in them by value (`node-2` before `node-10`), letters without regard to case, those
 * beyond ASCII by their code. The engine's collator knows every language, and takes 3 MB and some 15 ms of each start.
 */
export function byName(a: string, b: string): number {
  const left = a.toLowerCase().match(PIECES) ?? [];
  const right = b.toLowerCase().match(PIECES) ?? [];
  for (const [i, piece] of left.entries()) {
    const order = byPiece(piece, right[i] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length || byCode(a, b);
}

function byPiece(a: string, b: string): number {
  if (!NUMBER.test(a) || !NUMBER.test(b)) return byCode(a, b);
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  return left.length - right.length || byCode(left, right);
}

function byCode(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
