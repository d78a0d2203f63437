/** Changes one setting, or the nodes, in a configuration's text. Pure. */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type Address, formatAddress, formatPosition, parseAddress, parsePosition } from '../rack/address.ts';
import type { SheetNode } from '../rack/sheet.ts';

/**
 * Returns `text` with these values in the nodes of the same addresses, and with a line for each node that it does not
 * have yet. Comments and other settings stay; blanks between words may change.
 */
export function withNodes(text: string, nodes: readonly SheetNode[]): string {
  const document: Document = parseDocument(text);
  if (!isMap(document.contents)) document.contents = document.createNode({ name: 'rack' });
  if (!isSeq(document.get('nodes'))) document.set('nodes', document.createNode([]));
  const list = document.get('nodes') as YAMLSeq;
  // An empty list is written as [], which a longer one must not be.
  list.flow = false;
  for (const { addr, ...values } of nodes) {
    const known = Object.entries(values).filter(([, value]) => value !== undefined);
    const own = list.items.find((item): item is YAMLMap => isMap(item) && addressOf(item) === addr);
    if (own !== undefined) for (const [key, value] of known) own.set(key, value);
    else {
      const digits = new Scalar(formatAddress(addr));
      digits.type = Scalar.QUOTE_DOUBLE;
      const fields = { pos: formatPosition(addr), addr: digits, ...Object.fromEntries(known) };
      list.add(document.createNode(fields, { flow: true }));
    }
  }
  return document.toString({ lineWidth: 0 });
}

function addressOf(node: YAMLMap): Address | null {
  const [addr, pos] = [node.get('addr'), node.get('pos')];
  return typeof addr === 'string' ? parseAddress(addr) : typeof pos === 'string' ? parsePosition(pos) : null;
}

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
