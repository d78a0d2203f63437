/**
 * Scores how well letters fit a text: each must be there, in order; beginnings of words and adjacent letters count
 * more. Written here, because the libraries for it cost the interface's start 15 ms. Pure.
 */
export interface Fit {
  score: number;
  /** Positions of the letters in the text. */
  at: readonly number[];
}

const HIT = 1;
const WORD = 3;
const SIDE_BY_SIDE = 4;
/** Penalty for each letter that is skipped between two, and before the first. */
const GAP = 0.15;
const LEAD = 0.02;

/** Scores a query whose words may have any order; null: a letter is missing. An empty query fits everything. */
export function fitOf(query: string, text: string): Fit | null {
  let score = 0;
  const at: number[] = [];
  for (const word of query.toLowerCase().split(/\s+/)) {
    const fit = fitWord(Array.from(word), Array.from(text.toLowerCase()));
    if (fit === null) return null;
    score += fit.score;
    at.push(...fit.at);
  }
  return { score, at };
}

interface Place {
  score: number;
  before: Place | null;
  at: number;
}

/** Finds for each position the best way for the letters so far to end there, letter by letter. */
function fitWord(letters: readonly string[], text: readonly string[]): Fit | null {
  if (letters.length === 0) return { score: 0, at: [] };
  let row: (Place | null)[] = [];
  letters.forEach((letter, i) => {
    const last = row;
    /** The best position before this one, its score as if the gap began at the text's start. */
    let best: Place | null = null;
    row = text.map((ch, j) => {
      const side = last[j - 1] ?? null;
      const passed = last[j - 2] ?? null;
      if (passed !== null && (best === null || passed.score + GAP * passed.at > best.score + GAP * best.at))
        best = passed;
      if (ch !== letter) return null;
      const own = HIT + (isStart(text, j) ? WORD : 0);
      if (i === 0) return { score: own - LEAD * j, before: null, at: j };
      const far = best === null ? -Infinity : best.score - GAP * (j - best.at - 1);
      const near = side === null ? -Infinity : side.score + SIDE_BY_SIDE;
      const before = near >= far ? side : best;
      return before === null ? null : { score: own + Math.max(near, far), before, at: j };
    });
  });
  let end = row.reduce((a, b) => (b !== null && (a === null || b.score > a.score) ? b : a), null);
  if (end === null) return null;
  const { score } = end;
  const at: number[] = [];
  for (; end !== null; end = end.before) at.unshift(end.at);
  return { score, at };
}

function isStart(text: readonly string[], at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
}
