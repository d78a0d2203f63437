/**
 * Dispatches requests of the control socket: checks names and values against the table, and makes the help text from
 * it.
 */
import type { SimHost } from '../host.ts';
import { hexAddress } from '../rack/bus.ts';
import type { SimNode } from '../rack/node.ts';
import { type Given, type Param, type Verb, VERBS as TABLE } from './commands.ts';

const VERBS: Readonly<Record<string, Verb>> = { help: { params: [], help: 'this list', run: helpText }, ...TABLE };

/**
 * Performs a verb. Returns the result, or a promise of it. Throws an Error for operators where a verb or a value does
 * not exist.
 */
export function perform(host: SimHost, name: string, params: Record<string, unknown>): unknown {
  const verb = find(name);
  const unknown = Object.keys(params).filter((key) => !verb.params.some((param) => param.name === key));
  if (unknown.length > 0) throw new Error(`${name} has no '${unknown.join("', '")}': ${usage(name, verb)}`);
  const given: Given = { nodes: [], number: 0, on: true, word: '' };
  for (const param of verb.params) {
    const value = params[param.name] ?? param.default;
    if (value === undefined) throw new Error(`${name} needs '${param.name}': ${usage(name, verb)}`);
    take(given, param, value, host);
  }
  const result = verb.run(host, given, host.simulator.now());
  host.simulator.wake();
  return result;
}

/** Returns the words of a command line as parameters: in order, or as name=value. Throws an Error for operators. */
export function paramsFromWords(name: string, words: readonly string[]): Record<string, unknown> {
  const verb = find(name);
  const params: Record<string, unknown> = {};
  let position = 0;
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && verb.params.some((param) => param.name === key)) params[key] = value;
    else {
      const param = verb.params[position++];
      if (param === undefined) throw new Error(`${name} has nothing that '${word}' could be: ${usage(name, verb)}`);
      params[param.name] = word;
    }
  }
  return params;
}

function find(name: string): Verb {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) throw new Error(`no verb '${name}'; there are ${Object.keys(VERBS).join(', ')}`);
  return verb;
}

function take(given: Given, { kind, name }: Param, value: unknown, host: SimHost): void {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  switch (kind) {
    case 'nodes':
      given.nodes = findNodes(host, text);
      break;
    case 'number':
      given.number = Number(text === '' ? NaN : text);
      if (!(given.number >= 0)) throw new Error(`'${name}' is a number, 0 or more`);
      break;
    case 'switch':
      if (value !== true && value !== false && text !== 'on' && text !== 'off')
        throw new Error(`'${name}' is on or off`);
      given.on = value === true || text === 'on';
      break;
    case 'word':
      given.word = text;
  }
}

function findNodes({ simulator: { rack } }: SimHost, text: string): SimNode[] {
  const all = [...rack.nodes.values()];
  if (text === 'all') return all;
  return text.split(',').map((word) => {
    const node = all.find(({ addr, name }) => name === word || hexAddress(addr) === word.toLowerCase());
    if (!node) throw new Error(`no node '${word}' in this rack: give an address (03), a name, or all`);
    return node;
  });
}

function usage(name: string, { params }: Verb): string {
  return [
    name,
    ...params.map((p) => (p.default === undefined ? p.name.toUpperCase() : `[${p.name}=${p.default}]`)),
  ].join(' ');
}

function helpText(): string {
  const rows = Object.entries(VERBS).map(([name, verb]) => [usage(name, verb), verb.help] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n');
}
