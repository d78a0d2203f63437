/** Checks the operator's own keys and commands, the sections `keys:` and `commands:` of the configuration. Pure. */
import { didYouMean } from '../../lib/words.ts';
import type { KeySection, KeyTable, OwnCommand } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { viewOnly } from './disabled-reasons.ts';
import { KEY_WORDS, keyLabel, parseKey } from './key-names.ts';
import { type Binding, bindingId } from './lookup.ts';

/** Context → command → key or keys, as in the configuration. */
export type RawKeys = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface KeyProblem {
  /** Path in the configuration; `key`: the name itself is wrong, not its value. */
  path: (string | number)[];
  place?: 'key';
  message: string;
}

/** Binding → its own keys: `map power` → `P`, `F5`. */
type Overrides = ReadonlyMap<string, readonly string[]>;

/** Returns the other meaning of a key in a section, or null. */
function reserved({ reserved: others = [], typed }: KeySection, key: string): string | null {
  const meaning = others.find(([keys]) => keys.test(key))?.[1];
  if (meaning !== undefined) return meaning;
  const isText = Array.from(key).length === 1 || ['space', 'backspace', 'C-u'].includes(key);
  return typed === true && isText ? 'is text there' : null;
}

/** Merges own keys into a table. With problems the result must not be used. */
export function withUserKeys(table: KeyTable<State>, raw: RawKeys): { keys: KeyTable<State>; problems: KeyProblem[] } {
  const overrides = new Map<string, string[]>();
  const problems: KeyProblem[] = [];
  const open = table.sections.filter(({ fixed }) => fixed !== true).map(({ context }) => context);
  for (const [context, commands] of Object.entries(raw)) {
    const section = table.sections.find((one) => one.context === context);
    if (section === undefined || section.fixed === true) {
      const why = section === undefined ? 'there is no such context' : 'its keys cannot be changed';
      problems.push({
        path: ['keys', context],
        place: 'key',
        message: `${why}; contexts are ${open.join(', ')}${didYouMean(context, open)}`,
      });
      continue;
    }
    const own = table.bindings.filter((binding) => binding.context === context);
    for (const [command, given] of Object.entries(commands)) {
      const binding = own.find((one) => one.command === command);
      const path = ['keys', context, command];
      if (binding === undefined) {
        const names = own.map((one) => one.command);
        const message = `there is no such command; those of ${context} are ${names.join(', ')}${didYouMean(command, names)}`;
        problems.push({ path, place: 'key', message });
        continue;
      }
      const several = typeof given === 'string' ? null : given;
      const parsed = (several ?? [String(given)]).map((text, index) => {
        const key = parseKey(text);
        const why = wrongKey(section, command, text, key);
        if (why !== null) problems.push({ path: several === null ? path : [...path, index], message: why });
        return key ?? '';
      });
      if (command === 'prefix' && parsed.length > 1) problems.push({ path, message: 'the prefix is one key' });
      overrides.set(bindingId(binding), parsed);
    }
  }
  const bindings = overridden(table.bindings, overrides);
  const keys = { ...table, bindings };
  const clashes = [...conflicts(bindings, overrides), ...hidings(table, keys, overrides)];
  return { keys, problems: problems.length > 0 ? problems : clashes };
}

function overridden(bindings: readonly Binding[], overrides: Overrides): readonly Binding[] {
  // The prefix pressed twice sends the prefix itself, whichever key it is.
  const prefix = overrides.get('console prefix');
  return bindings.map((binding) => {
    const own = overrides.get(bindingId(binding)) ?? (binding.command === 'send-prefix' ? prefix : undefined);
    return own === undefined ? binding : { ...binding, keys: own };
  });
}

function wrongKey(section: KeySection, command: string, text: string, key: string | null): string | null {
  if (key === null)
    return `"${text}" is not a key that a terminal can send; keys are a character, Ctrl-A, Alt-x, F5, Enter, Space, Tab, PgUp, Shift-Tab${didYouMean(text, KEY_WORDS)}`;
  // Ctrl-G closes the pipe of a bus on which the next keys would reach a BIOS.
  if (command === 'prefix' && (!/^C-[a-z\\\]^_]$/.test(key) || key === 'C-g'))
    return `the prefix must be a control key other than Ctrl-G, so that it can be sent to a node too: "${text}" is not one`;
  const taken = reserved(section, key);
  return taken === null ? null : `"${text}" ${taken}`;
}

/** Finds two commands of one context on one key; reported at the configured one. */
function conflicts(all: readonly Binding[], overrides: Overrides): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const seen = new Map<string, string>();
  const prefix = all.filter(({ command }) => command === 'prefix').flatMap((binding) => binding.keys);
  const asked = (id: string): boolean => overrides.has(id);
  // The table's own first, so that the problem names the override.
  for (const binding of [...all].sort((a, b) => Number(asked(bindingId(a))) - Number(asked(bindingId(b))))) {
    const id = bindingId(binding);
    for (const key of binding.keys) {
      const before = seen.get(`${binding.context} ${key}`);
      const other = binding.context === 'look' && prefix.includes(key) ? 'console prefix' : before;
      seen.set(`${binding.context} ${key}`, id);
      if (other === undefined) continue;
      // The key after the prefix follows the prefix: then the prefix is the configured one.
      const [context = '', command = ''] = (asked(id) ? id : 'console prefix').split(' ');
      const message = `${keyLabel(key)} is also the key of "${other.replace(' ', '.')}": change that one too`;
      problems.push({ path: ['keys', context, command], message });
    }
  }
  return problems;
}

/** Pairs of commands where a key of a place hides the one of its base, as `key` → [the one in force, the hidden one]. */
function hidden({ sections, bindings }: KeyTable<State>): Map<string, [Binding, Binding]> {
  const pairs = new Map<string, [Binding, Binding]>();
  for (const { context, base } of sections)
    for (const own of bindings.filter((one) => base !== undefined && one.context === context))
      for (const other of bindings.filter((one) => one.context === base && one.command !== own.command))
        for (const key of own.keys.filter((one) => other.keys.includes(one)))
          pairs.set(`${bindingId(own)}, ${bindingId(other)}: ${key}`, [own, other]);
  return pairs;
}

/** Finds own keys by which a command of the base can no longer be reached; reported at the configured one. */
function hidings(before: KeyTable<State>, after: KeyTable<State>, overrides: Overrides): KeyProblem[] {
  const usual = hidden(before);
  return [...hidden(after)]
    .filter(([id]) => !usual.has(id))
    .map(([id, [own, other]]) => {
      const [asked, taken] = overrides.has(bindingId(own)) ? [own, other] : [other, own];
      const key = keyLabel(id.slice(id.lastIndexOf(': ') + 2));
      const message = `${key} is also the key of "${bindingId(taken).replace(' ', '.')}": change that one too`;
      return { path: ['keys', asked.context, asked.command], message };
    });
}

/** Adds the operator's own commands to the keys of the map. With problems the result must not be used. */
export function withOwnCommands(
  table: KeyTable<State>,
  commands: readonly OwnCommand[],
): { keys: KeyTable<State>; problems: KeyProblem[] } {
  const problems: KeyProblem[] = [];
  const map = table.sections.find(({ context }) => context === 'map');
  const places = table.sections.filter((one) => one === map || one.base === 'map').map(({ context }) => context);
  const bindings = [...table.bindings];
  commands.forEach(({ key: text, name }, index) => {
    const key = parseKey(text);
    const taken = bindings.find(({ context, keys }) => places.includes(context) && keys.includes(key ?? ''));
    const why =
      (map === undefined ? null : wrongKey(map, '', text, key)) ??
      (taken &&
        `${keyLabel(key ?? '')} is also the key of "${nameOfBinding(taken, commands)}": give one of them another`);
    if (why !== undefined) problems.push({ path: ['commands', index, 'key'], message: why });
    const about = { hint: null, help: name, dangerous: true, disabled: viewOnly } as const;
    bindings.push({ context: 'map', keys: [key ?? ''], command: `own-${index}`, ...about });
  });
  return { keys: { ...table, bindings }, problems };
}

function nameOfBinding(binding: Binding, commands: readonly OwnCommand[]): string {
  const own = /^own-(\d+)$/.exec(binding.command)?.[1];
  return own === undefined ? bindingId(binding).replace(' ', '.') : (commands[Number(own)]?.name ?? '');
}
