/** Formats words for messages: counts, lists, and the name that was probably meant. Pure. */

/** Formats a count: `1 node`, `3 nodes`; `many` where the plural is not the noun and an s. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Joins words: `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[], joint: 'and' | 'or' = 'and'): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1) ?? ''}`;
}

/** Breaks text at spaces into lines of at most `width`; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    let rest = word;
    if (line !== '' && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = '';
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

/** Maximum of names offered where several are equally near. */
const OFFERED = 3;

/**
 * Returns the known names that `word` probably means, the nearest first; none where all are far from it. Wrong,
 * missing, extra and swapped letters count one each; capitals, hyphens and underscores count nothing.
 */
export function nearest(word: string, known: readonly string[]): string[] {
  const wanted = plainForm(word);
  if (wanted === '') return [];
  // One letter is near to every other; longer words allow more slips.
  const limit = wanted.length < 2 ? 0 : wanted.length < 5 ? 1 : wanted.length < 9 ? 2 : 3;
  const near = [...new Set(known)].flatMap((name) => {
    const form = plainForm(name);
    const slips = slipsBetween(wanted, form);
    // A prefix is nearer than any slip.
    if (wanted.length > 1 && form.startsWith(wanted)) return [{ name, slips: 1 - 1 / (1 + slips) }];
    return slips <= limit ? [{ name, slips }] : [];
  });
  const least = Math.min(...near.map(({ slips }) => slips));
  return near
    .filter(({ slips }) => slips === least)
    .slice(0, OFFERED)
    .map(({ name }) => name);
}

/** Returns `; did you mean 'status'?`, or '': for the end of a sentence about the unknown `word`. */
export function didYouMean(word: string, known: readonly string[]): string {
  return offered(nearest(word, known));
}

/** {@link didYouMean} for names that are known already. */
export function offered(names: readonly string[]): string {
  return names.length === 0
    ? ''
    : `; did you mean ${listed(
        names.map((name) => `'${name}'`),
        'or',
      )}?`;
}

function plainForm(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, '');
}

/** Quotes a word for a POSIX shell. */
export function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Returns the optimal string alignment distance. */
function slipsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        slips = Math.min(slips, (before[j - 2] ?? 0) + 1);
      row.push(slips);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
