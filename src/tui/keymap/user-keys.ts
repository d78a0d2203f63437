/** The operator's own keys: what the configuration says under `keys:`, checked against the table. Pure. */
import { didYouMean } from '../../lib/words.ts';
import type { KeyOverrides } from '../model/state.ts';
import { VERBS } from '../overlays/targets.ts';
import { KEY_WORDS, keyLabel, parseKey } from './key-names.ts';
import { bindingId, BINDINGS, bindingsWith, type Context } from './lookup.ts';

/** Context → command → key or keys, as they stand in the configuration. */
export type RawKeys = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface KeyProblem {
  /** In the configuration; `key`: the name itself is wrong, not what stands behind it. */
  path: (string | number)[];
  place?: 'key';
  message: string;
}

/** What starts or ends a plan has the keys that its panel names, for everybody and always. */
const FIXED: readonly Context[] = ['emergency', 'armed', 'plan-run'];
/** Here characters are text. */
const TYPED: readonly Context[] = ['filter', 'palette', 'consoles', 'note', 'look-search'];

/** Keys that mean something else in a context, and what. */
function reserved(context: Context, key: string): string | null {
  if ((context === 'map' || context === 'prefix') && /^[0-7]$/.test(key)) return 'begins the address of a node';
  if (context === 'operations' && /^[1-9]$/.test(key)) return 'answers a question of an operation';
  if (context === 'menu' && VERBS.some((verb) => verb.key === key)) return 'is a verb of the menu';
  if (TYPED.includes(context) && (Array.from(key).length === 1 || ['space', 'backspace', 'C-u'].includes(key)))
    return 'is text there';
  return null;
}

/** The overrides, and what is wrong with them; with problems the overrides are not to be used. */
export function overridesFrom(raw: RawKeys): { keys: KeyOverrides; problems: KeyProblem[] } {
  const keys = new Map<string, string[]>();
  const problems: KeyProblem[] = [];
  for (const [context, commands] of Object.entries(raw)) {
    const own = BINDINGS.filter((binding) => binding.context === context);
    if (own.length === 0 || FIXED.some((fixed) => fixed === context)) {
      const contexts = [...new Set(BINDINGS.map((one) => one.context))].filter((one) => !FIXED.includes(one));
      const why = own.length === 0 ? 'there is no such place' : 'its keys are the same for everybody';
      problems.push({
        path: ['keys', context],
        place: 'key',
        message: `${why}; places are ${contexts.join(', ')}${didYouMean(context, contexts)}`,
      });
      continue;
    }
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
        const why = wrongKey(binding.context, command, text, key);
        if (why !== null) problems.push({ path: several === null ? path : [...path, index], message: why });
        return key ?? '';
      });
      if (command === 'prefix' && parsed.length > 1) problems.push({ path, message: 'the prefix is one key' });
      keys.set(bindingId(binding), parsed);
    }
  }
  return { keys, problems: problems.length > 0 ? problems : conflicts(keys) };
}

function wrongKey(context: Context, command: string, text: string, key: string | null): string | null {
  if (key === null)
    return `"${text}" is no key that a terminal can send: a character, Ctrl-A, Alt-x, F5, Enter, Space, Tab, PgUp, Shift-Tab${didYouMean(text, KEY_WORDS)}`;
  // Ctrl-G closes the pipe of a bus on which the next keys would reach a BIOS.
  if (command === 'prefix' && (!/^C-[a-z\\\]^_]$/.test(key) || key === 'C-g'))
    return `the prefix is a control key, so that it can be sent to a node too, and not Ctrl-G: "${text}" is not`;
  const taken = reserved(context, key);
  return taken === null ? null : `"${text}" ${taken}`;
}

/** Two commands of one place on one key: said where the configuration asks for it. */
function conflicts(keys: KeyOverrides): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const seen = new Map<string, string>();
  const all = bindingsWith(keys);
  const prefix = all.filter(({ command }) => command === 'prefix').flatMap((binding) => binding.keys);
  const asked = (id: string): boolean => keys.has(id);
  // The table's own first, so that it is the override that is told.
  for (const binding of [...all].sort((a, b) => Number(asked(bindingId(a))) - Number(asked(bindingId(b))))) {
    const id = bindingId(binding);
    for (const key of binding.keys) {
      const before = seen.get(`${binding.context} ${key}`);
      const other = binding.context === 'look' && prefix.includes(key) ? 'console prefix' : before;
      seen.set(`${binding.context} ${key}`, id);
      if (other === undefined) continue;
      // The prefix behind the prefix follows it: then the prefix is what was asked for.
      const [context = '', command = ''] = (asked(id) ? id : 'console prefix').split(' ');
      const message = `${keyLabel(key)} is also the key of "${other.replace(' ', '.')}": give that another one too`;
      problems.push({ path: ['keys', context, command], message });
    }
  }
  return problems;
}
