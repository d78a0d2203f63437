/**
 * The filter of `/`. All its words must hold; a bare word is searched in every field, `role:worker` in one, `!`
 * negates a word, `|` separates alternative values, and `current>40` and `fan<20` compare counts. Pure.
 */
import { didYouMean } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition, rowOf } from '../../rack/address.ts';
import { type InventoryNode, nodeAt } from '../../rack/inventory.ts';
import { KUBERNETES_WORD } from '../../rack/kubernetes.ts';
import { freshness, shownPower } from '../../rack/reading.ts';
import { nodeCondition } from '../../rack/system-state.ts';
import type { State } from '../model/state.ts';
import { kubernetesOf } from './kubernetes.ts';

/** Fields by name, in the order of the messages. */
const FIELDS = [
  ...(['name', 'addr', 'pos', 'row', 'state', 'role', 'cluster', 'kubernetes', 'ip', 'mac'] as const),
  ...(['fan', 'alarm', 'op', 'console', 'is'] as const),
];
type Field = (typeof FIELDS)[number];

/** Fields that match by their beginning only: `addr:0` is a blade or two, `state:on` is not "unknown". */
const BEGINNINGS: readonly Field[] = ['addr', 'pos', 'row', 'state', 'kubernetes', 'is', 'fan'];
/** Words that mean a state when they are alone: "on" is part of many names. */
const STATES = ['on', 'off', 'disabled', 'unknown', 'absent', 'lost', 'stale'];
const KINDS = ['marked', 'protected', 'master'];

export interface Term {
  /** Text of the chip. */
  label: string;
  holds(state: State, node: InventoryNode): boolean;
}

/** Fields whose values are known names; the others take any text. */
const NAMED: readonly Field[] = ['state', 'role', 'cluster', 'kubernetes', 'is', 'row'];

/**
 * Returns the reason why a word of the filter is invalid, or null: an unknown field, or a value that no node can
 * have.
 */
export function filterProblem(text: string, state: State): string | null {
  for (const word of text.split(/\s+/)) {
    const [, name, values = ''] = /^!?([a-z]+):(.*)$/i.exec(word) ?? [];
    const [, compared, than = ''] = /^!?(\w+)[<>](.*)$/.exec(word) ?? [];
    if (compared !== undefined && compared !== 'current' && compared !== 'fan')
      return `'${word}': only current and fan can be compared${didYouMean(compared, ['current', 'fan'])}`;
    if (compared !== undefined && !/^\d+$/.test(than)) return `'${word}': write a count, as in ${compared}>40`;
    if (name === undefined) continue;
    const field = FIELDS.find((one) => one === name.toLowerCase());
    if (field === undefined)
      return `'${name}:' is not a field; fields: ${FIELDS.join(', ')}${didYouMean(name, FIELDS)}`;
    if (!NAMED.includes(field)) continue;
    const known = knownValues(state, field);
    const holds = (value: string): boolean =>
      known.some((one) => (BEGINNINGS.includes(field) ? one.startsWith(value) : one.includes(value)));
    const wrong = values
      .toLowerCase()
      .split('|')
      .find((value) => value !== '' && !holds(value));
    if (wrong !== undefined)
      return `no node can have ${field}:${wrong}; values: ${known.join(', ') || 'none'}${didYouMean(wrong, known)}`;
  }
  return null;
}

/** Returns the known values of a field, in lower case. */
function knownValues(state: State, field: Field): string[] {
  if (field === 'state') return [...STATES, 'up', 'booting', 'going-down', 'halted', 'failed'];
  if (field === 'is') return KINDS;
  if (field === 'kubernetes') return Object.keys(KUBERNETES_WORD);
  const values = state.rack.nodes.flatMap((node) => valuesOf(state, node, field)).map((value) => value.toLowerCase());
  return [...new Set(values)].filter((value) => value !== '').sort();
}

/** Parses the words of a filter. A field without a value yet has no effect. */
export function termsOf(text: string): Term[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!')
    .flatMap((word) => {
      const not = word.startsWith('!');
      const term = termOf(not ? word.slice(1) : word);
      if (term === null) return [];
      return [not ? { label: `not ${term.label}`, holds: (...of) => !term.holds(...of) } : term];
    });
}

function termOf(word: string): Term | null {
  const compared = /^(current|fan)([<>])(\d+)$/.exec(word);
  if (compared?.[3] !== undefined) return comparison(word, compared[1] === 'fan', compared[2] === '>', +compared[3]);
  const [, name = '', values = ''] = /^([a-z]+):(.*)$/i.exec(word) ?? [];
  const field = FIELDS.find((one) => one === name.toLowerCase());
  if (field !== undefined) return values === '' ? null : inField(word, field, values);
  const plain = word.toLowerCase();
  if (STATES.includes(plain)) return inField(`state:${plain}`, 'state', plain);
  if (KINDS.includes(plain)) return inField(`is:${plain}`, 'is', plain);
  return { label: word, holds: (state, node) => FIELDS.some((one) => one !== 'fan' && has(state, node, one, plain)) };
}

function inField(label: string, field: Field, values: string): Term {
  const wanted = values
    .toLowerCase()
    .split('|')
    .filter((value) => value !== '');
  return { label, holds: (state, node) => wanted.some((value) => has(state, node, field, value)) };
}

function has(state: State, node: InventoryNode, field: Field, wanted: string): boolean {
  const begins = BEGINNINGS.includes(field);
  return valuesOf(state, node, field).some((value) =>
    begins ? value.toLowerCase().startsWith(wanted) : value.toLowerCase().includes(wanted),
  );
}

/** Compares counts; a node without a value does not match. */
function comparison(label: string, fan: boolean, more: boolean, than: number): Term {
  return {
    label,
    holds: ({ nodes }, { addr }) => {
      const reading = nodes.get(addr)?.reading;
      if (reading?.state !== 'ok') return false;
      const value = fan ? reading.sample.fan : reading.sample.current;
      return more ? value > than : value < than;
    },
  };
}

function valuesOf(state: State, node: InventoryNode, field: Field): string[] {
  const { addr } = node;
  const view = state.nodes.get(addr);
  switch (field) {
    case 'name':
      return [node.name];
    case 'addr':
      return [formatAddress(addr)];
    case 'pos':
      return [formatPosition(addr)];
    case 'row':
      return [String.fromCharCode(65 + rowOf(addr))];
    case 'state': {
      const reading = view?.reading ?? { state: 'unasked' };
      const stale = state.link.kind === 'lost' || freshness(reading, state.now, state.intervalMs) === 'stale';
      const power = shownPower(reading);
      const condition = nodeCondition(power, view?.system ?? null);
      return [
        power,
        ...(condition === power ? [] : [condition]),
        ...(reading.state === 'failed' ? ['lost'] : []),
        ...(stale ? ['stale'] : []),
      ];
    }
    case 'kubernetes':
      return [kubernetesOf(state, view) ?? ''];
    case 'role':
    case 'cluster':
    case 'ip':
    case 'mac':
      return [node[field] ?? ''];
    case 'fan':
      return node.chassisFan === null ? [] : [String(node.chassisFan)];
    case 'alarm':
      return state.alarms.filter((alarm) => alarm.addr === addr).flatMap(({ kind, text }) => [kind, text]);
    case 'op':
      return view?.op == null ? [] : [view.op];
    case 'console':
      return state.console?.addr === addr ? ['open', state.console.holderName ?? ''] : [];
    case 'is':
      return [
        ...(state.marks.has(addr) ? ['marked'] : []),
        ...(node.protected ? ['protected'] : []),
        ...(state.bus.master === addr || node.role === 'master' ? ['master'] : []),
      ];
  }
}

const left = new WeakMap<State, ReadonlySet<Address>>();

/** Cached by state: its frame needs the nodes for each cell. */
function leftBy(state: State): ReadonlySet<Address> {
  let shown = left.get(state);
  if (shown === undefined) {
    const terms = termsOf(state.filter);
    // An invalid filter leaves no node: a slip in !role:x must not leave every node.
    const valid = filterProblem(state.filter, state) === null;
    const nodes = state.rack.nodes.filter((node) => valid && terms.every((term) => term.holds(state, node)));
    shown = new Set(nodes.map(({ addr }) => addr));
    left.set(state, shown);
  }
  return shown;
}

/** Returns the addresses that the filter leaves, in address order; without one, all. */
export function shownNodes(state: State): Address[] {
  return [...leftBy(state)];
}

/** Returns whether the filter hides a node; never an empty slot: a gap in the rack is a gap. */
export function isFiltered(state: State, addr: Address): boolean {
  return state.filter !== '' && !leftBy(state).has(addr) && nodeAt(state.rack, addr) !== undefined;
}
