/** Changes one setting in a configuration's text and keeps every other byte. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isMap, isPair, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

/**
 * Returns `text` with `key: value` in the mapping at `path` (`[]`: the file's own). `value` is a flat record of
 * numbers, written in one line. Null: the text cannot be changed to exactly this, and must be edited by hand.
 */
export function withSetting(
  text: string,
  path: readonly (string | number)[],
  key: string,
  value: Readonly<Record<string, number>>,
): string | null {
  const document = parseDocument(text);
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return null;
  const words = `{ ${Object.entries(value)
    .map(([name, number]) => `${name}: ${number}`)
    .join(', ')} }`;
  const edited = spliced(text, map, path.length === 0, key, words);
  if (edited === null) return null;
  const wanted = document.clone();
  wanted.setIn([...path, key], value);
  const now = parseDocument(edited);
  return now.errors.length === 0 && isDeepStrictEqual(now.toJS(), wanted.toJS()) ? edited : null;
}

function spliced(text: string, map: YAMLMap, whole: boolean, key: string, words: string): string | null {
  const pairs = map.items.filter(isPair);
  const own = pairs.find((pair) => isScalar(pair.key) && pair.key.value === key);
  if (own !== undefined) {
    const range = rangeOf(own.value);
    if (range === null) return null;
    // A block's range extends to the line that follows it.
    const end = range[0] + text.slice(...range).trimEnd().length;
    return text.slice(0, range[0]) + words + text.slice(end);
  }
  const last = pairs.at(-1);
  const end = last === undefined ? undefined : (rangeOf(last.value) ?? rangeOf(last.key));
  if (end === undefined || end === null) return null;
  if (map.flow === true) return `${text.slice(0, end[1])}, ${key}: ${words}${text.slice(end[1])}`;
  if (whole) return `${text}${text.endsWith('\n') ? '' : '\n'}${key}: ${words}\n`;
  return afterFirst(text, pairs[0], key, words);
}

/** Inserts a line below the mapping's first, in its column. */
function afterFirst(text: string, first: Pair | undefined, key: string, words: string): string | null {
  const begin = rangeOf(first?.key);
  const value = rangeOf(first?.value);
  if (begin === null || value === null) return null;
  const lines = new LineCounter();
  parseDocument(text, { lineCounter: lines });
  const lineEnd = text.indexOf('\n', value[1] - 1);
  const at = lineEnd < 0 ? text.length : lineEnd;
  return `${text.slice(0, at)}\n${' '.repeat(lines.linePos(begin[0]).col - 1)}${key}: ${words}${text.slice(at)}`;
}

/** Returns the begin of a node and the end of its value, without what follows it. */
function rangeOf(node: unknown): [number, number] | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null;
  const [begin, end] = node.range as [number, number, number];
  return [begin, end];
}
