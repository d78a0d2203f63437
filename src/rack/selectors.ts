/**
 * Selectors, the operators' words for nodes. Because a wrong set can be cut, nothing is guessed: a word that matches
 * nothing, or that could mean two different nodes, is an error.
 *
 * | word | means |
 * |---|---|
 * | `ns01` | the node of that name (host names know no case) |
 * | `03`, `0x03`, `3` | the node at that hex address |
 * | `A-3`, `a3` | the node at that position |
 * | `0c-17` | the nodes with addresses 0c to 17: two digits each, since `b-3` is a position |
 * | `k8s-worker-[01-04,07]` | names with these numbers; every one must exist |
 * | `row:A`, `role:worker`, `cluster:dev`, `all` | groups |
 * | `name:…`, `addr:…`, `pos:…` | the same, for a word that would be ambiguous (a node named like an address) |
 * | `!x` | not x; needs something to exclude from (`all !ns01`) |
 *
 * Words are separated by spaces and commas; their order has no meaning.
 *
 * {@link compressNames} formats many names in few words. Pure.
 */
import { didYouMean, nearest, offered } from '../lib/words.ts';
import { type Address, parseAddress, parsePosition, rowLabel, rowOf } from './address.ts';
import { type Inventory, type InventoryNode, placeText } from './inventory.ts';

/** Joins names as schedulers of clusters do, `k8s-worker-[01-03,07], ns01`; the result is itself a selector. */
export function compressNames(names: readonly string[]): string {
  const families = new Map<string, { head: string; width: number; numbers: number[] }>();
  const singles: string[] = [];
  for (const name of names) {
    const match = /^(.*?\D)(\d{1,6})$/.exec(name);
    if (!match?.[1] || !match[2]) {
      singles.push(name);
      continue;
    }
    const key = `${match[1]}/${match[2].length}`;
    const family = families.get(key) ?? { head: match[1], width: match[2].length, numbers: [] };
    families.set(key, family);
    family.numbers.push(Number(match[2]));
  }
  const grouped = [...families.values()].map(({ head, width, numbers }) => {
    const runs = runsOf(numbers).map(([from, to]) => {
      const digits = (n: number): string => String(n).padStart(width, '0');
      return from === to ? digits(from) : `${digits(from)}-${digits(to)}`;
    });
    const [run = ''] = runs;
    return runs.length === 1 && !run.includes('-') ? `${head}${run}` : `${head}[${runs.join(',')}]`;
  });
  return [...grouped, ...singles].sort((a, b) => (a < b ? -1 : 1)).join(', ');
}

function runsOf(numbers: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

export type Selection =
  | {
      ok: true;
      /** In address order, at least one. */
      nodes: InventoryNode[];
      /** The selector in normal form; the label that confirms a cut of several (`row:A 4`). */
      label: string;
    }
  /** One sentence: the word, its problem, and a correct form. */
  | { ok: false; problem: string };

/** Prefixes before a colon. */
export const WORD_KINDS = ['row', 'role', 'cluster', 'name', 'addr', 'pos'] as const;

/** Maximum of numbers in one bracket, more than the bus can have: a typing error must not make a list of millions. */
const MAX_NUMBERS = 1000;

/** Resolves words into nodes. Never throws. */
export function select(words: readonly string[], rack: Inventory): Selection {
  const tokens = words.flatMap(splitWords);
  const included = new Set<Address>();
  const excluded = new Set<Address>();
  for (const token of tokens) {
    const exclude = token.startsWith('!');
    const found = resolveWord(exclude ? token.slice(1) : token, rack);
    if (!found.ok) return { ok: false, problem: found.problem };
    for (const node of found.nodes) (exclude ? excluded : included).add(node.addr);
  }
  const label = tokens.join(' ');
  if (tokens.length === 0) return { ok: false, problem: 'give at least one node, or all' };
  if (included.size === 0) return { ok: false, problem: `'${label}' only excludes: write 'all ${label}'` };
  const nodes = rack.nodes.filter(({ addr }) => included.has(addr) && !excluded.has(addr));
  if (nodes.length === 0) return { ok: false, problem: `'${label}' excludes every node it names` };
  return { ok: true, nodes, label };
}

/** Splits at spaces and commas outside of brackets. */
export function splitWords(text: string): string[] {
  return text.match(/(?:\[[^\]]*\]?|[^\s,[])+/g) ?? [];
}

type Found = { ok: true; nodes: InventoryNode[] } | { ok: false; problem: string };

function resolveWord(word: string, rack: Inventory): Found {
  const group = /^([a-z]+):(.*)$/i.exec(word);
  const kind = WORD_KINDS.find((known) => known === group?.[1]?.toLowerCase());
  if (kind !== undefined) return resolvePrefixed(word, kind, group?.[2] ?? '', rack);
  if (word.toLowerCase() === 'all') return some(rack.nodes, `the rack has no nodes yet`);
  const bracket = /^([^[\]]*)\[([^[\]]*)\]([^[\]]*)$/.exec(word);
  if (bracket) return resolveNumbers(word, bracket[1] ?? '', bracket[2] ?? '', bracket[3] ?? '', rack);
  if (/[[\]]/.test(word)) return wrong(`'${word}': brackets contain numbers, as in k8s-worker-[01-04]`);
  return resolveSingle(word, rack);
}

function resolveSingle(word: string, rack: Inventory): Found {
  const readings: { how: string; nodes: InventoryNode[] }[] = [
    { how: 'name', nodes: byName(word, rack) },
    { how: 'addr', nodes: byAddress(parseAddress(word), rack) },
    { how: 'pos', nodes: byAddress(parsePosition(word), rack) },
    { how: 'range', nodes: byRange(word, rack) },
  ].filter(({ nodes }) => nodes.length > 0);
  const [first, second] = readings;
  if (first === undefined) return wrong(notFound(word, rack));
  if (second !== undefined && !sameNodes(first.nodes, second.nodes)) {
    const describeGroup = ({ how, nodes }: typeof first): string =>
      `${how}:${word} (${describe(nodes, how === 'name')})`;
    return wrong(`'${word}' is ambiguous: write ${readings.map(describeGroup).join(' or ')}`);
  }
  return { ok: true, nodes: first.nodes };
}

function resolvePrefixed(word: string, kind: (typeof WORD_KINDS)[number], value: string, rack: Inventory): Found {
  const same = (field: string | null): boolean => field !== null && field.toLowerCase() === value.toLowerCase();
  const known = (fields: (string | null)[]): string => {
    const values = [...new Set(fields.filter((field) => field !== null))].sort();
    return (values.join(', ') || 'none') + didYouMean(value, values);
  };
  switch (kind) {
    case 'row': {
      const nodes = rack.nodes.filter(({ addr }) => same(rowLabel(rowOf(addr))));
      return some(
        nodes,
        `'${word}': no node in such a row; rows: ${known(rack.nodes.map((n) => rowLabel(rowOf(n.addr))))}`,
      );
    }
    case 'role':
      return some(
        rack.nodes.filter(({ role }) => same(role)),
        `'${word}': no node has that role; roles: ${known(rack.nodes.map(({ role }) => role))}`,
      );
    case 'cluster':
      return some(
        rack.nodes.filter(({ cluster }) => same(cluster)),
        `'${word}': no node is in that cluster; clusters: ${known(rack.nodes.map(({ cluster }) => cluster))}`,
      );
    case 'name':
      return some(byName(value, rack), `'${word}': no node has that name${nearName(value, rack)}`);
    case 'pos':
      return some(byAddress(parsePosition(value), rack), `'${word}': no node there; a position is like A-3`);
    default: {
      const nodes = /^[0-9a-f]{2}-[0-9a-f]{2}$/i.test(value)
        ? byRange(value, rack)
        : byAddress(parseAddress(value), rack);
      return some(nodes, `'${word}': no node there; an address is two hex digits, 00 to 7f`);
    }
  }
}

function resolveNumbers(word: string, head: string, numbers: string, tail: string, rack: Inventory): Found {
  const nodes: InventoryNode[] = [];
  for (const part of numbers.split(',')) {
    const match = /^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$/.exec(part);
    if (!match?.[1]) return wrong(`'${word}': '${part}' is not a number or range, as in k8s-worker-[01-04,07]`);
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from) return wrong(`'${word}': the range ${part.trim()} is reversed`);
    if (to - from >= MAX_NUMBERS) return wrong(`'${word}': the range ${part.trim()} is too long`);
    for (let number = from; number <= to; number++) {
      const name = `${head}${String(number).padStart(match[1].length, '0')}${tail}`;
      const [node] = byName(name, rack);
      if (node === undefined) return wrong(`'${word}': there is no node ${name}${nearName(name, rack)}`);
      nodes.push(node);
    }
  }
  return { ok: true, nodes };
}

function byName(name: string, rack: Inventory): InventoryNode[] {
  return rack.nodes.filter((node) => node.name.toLowerCase() === name.toLowerCase());
}

function byAddress(addr: Address | null, rack: Inventory): InventoryNode[] {
  return rack.nodes.filter((node) => node.addr === addr);
}

/** Returns the nodes of a range of addresses; racks have gaps. */
function byRange(word: string, rack: Inventory): InventoryNode[] {
  const match = /^([0-9a-f]{2})-([0-9a-f]{2})$/i.exec(word);
  const from = parseAddress(match?.[1] ?? '');
  const to = parseAddress(match?.[2] ?? '');
  if (from === null || to === null) return [];
  return rack.nodes.filter(({ addr }) => addr >= from && addr <= to);
}

const nearName = (name: string, rack: Inventory): string =>
  didYouMean(
    name,
    rack.nodes.map((node) => node.name),
  );

function notFound(word: string, rack: Inventory): string {
  const [, kind = '', value = ''] = /^([a-z]+):(.*)$/i.exec(word) ?? [];
  if (kind !== '') {
    const suggestions = nearest(kind, WORD_KINDS).map((known) => `${known}:${value}`);
    return `'${word}': there is no '${kind}:'; groups: ${WORD_KINDS.map((known) => `${known}:`).join(', ')}${offered(suggestions)}`;
  }
  const lower = word.toLowerCase();
  const near = rack.nodes.filter(({ name }) => lower.length > 1 && name.toLowerCase().includes(lower));
  const hint =
    near.length > 0
      ? `; did you mean ${compressNames(near.map(({ name }) => name))}?`
      : didYouMean(word, [...rack.nodes.map(({ name }) => name), 'all']) || `: 'rackui status' lists the nodes`;
  return `'${word}' is not a node of ${rack.name}${hint}`;
}

function sameNodes(a: readonly InventoryNode[], b: readonly InventoryNode[]): boolean {
  return a.length === b.length && a.every((node, i) => node.addr === b[i]?.addr);
}

/** Describes nodes in few words. @param named the name precedes it already */
function describe(nodes: readonly InventoryNode[], named: boolean): string {
  const [only] = nodes;
  if (nodes.length !== 1 || only === undefined) return compressNames(nodes.map(({ name }) => name));
  const place = placeText(only.addr);
  return named ? place : `${only.name}, ${place}`;
}

function some(nodes: InventoryNode[], problem: string): Found {
  return nodes.length > 0 ? { ok: true, nodes } : wrong(problem);
}

function wrong(problem: string): Found {
  return { ok: false, problem };
}
