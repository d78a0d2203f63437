/** What a verb of the control socket is made of: its values, its line of help, and what it does. */
import type { SimHost } from './host.ts';
import type { GuestFaults } from './guest/faults.ts';
import type { SimNode } from './node.ts';

export interface Param {
  name: string;
  /** A switch is `on` (default) or `off`; nodes are an address, a name, several with commas between, or `all`. */
  kind: 'nodes' | 'number' | 'switch' | 'word';
  default?: string | number | boolean;
}

export interface Given {
  nodes: SimNode[];
  number: number;
  on: boolean;
  word: string;
}

export interface Verb {
  params: Param[];
  help: string;
  run: (host: SimHost, given: Given, at: number) => unknown;
}

export const NODES: Param = { name: 'node', kind: 'nodes' };
export const ANY_NODES: Param = { ...NODES, default: 'all' };
export const ON: Param = { name: 'on', kind: 'switch', default: true };

/** A fault of each named node. */
export function fault(params: Param[], help: string, set: (node: SimNode, given: Given, at: number) => void): Verb {
  return {
    params: [NODES, ...params],
    help,
    run: (_host, given, at) => {
      for (const node of given.nodes) set(node, given, at);
    },
  };
}

/** A guest's fault that is there or not. */
export const guestSwitch = (
  help: string,
  name: { [Name in keyof GuestFaults]: GuestFaults[Name] extends boolean ? Name : never }[keyof GuestFaults],
): Verb => fault([ON], help, (node, { on }) => (node.guest.faults[name] = on));

/** One of several words, or the Error that lists them. */
export function oneOf<T extends string>(what: string, word: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === word);
  if (found === undefined) throw new Error(`${what} can be ${choices.join(', ')}, not '${word}'`);
  return found;
}

export const word = (name: string): Param => ({ name, kind: 'word' });

export const number = (name: string, value?: number): Param => ({
  name,
  kind: 'number',
  ...(value === undefined ? {} : { default: value }),
});

/** A byte of the status line, or null for `truth`. */
export function counts(word: string): number | null {
  if (word === 'truth') return null;
  const value = Number(word);
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new Error(`'${word}': 0 to 255, or truth`);
  return value;
}
