/**
 * Selectors over several racks: each word names its rack before a colon, `*` for all of them.
 *
 * | word | means |
 * |---|---|
 * | `north:n05`, `north:role:worker` | these nodes of the rack north, by any word of {@link select} |
 * | `*:cluster:dev` | these nodes of every rack that has some |
 * | `!south:ns01` | not this one |
 *
 * As for one rack nothing is guessed: a word without its rack, and a word that no rack has, is an error. Pure.
 */
import { didYouMean } from '../lib/words.ts';
import type { Inventory } from './inventory.ts';
import { type Selection, select, splitWords, WORD_KINDS } from './selectors.ts';

/** One word of a selector. `rack` null: all racks. */
export interface RackWord {
  rack: string | null;
  /** The word for {@link select}, with its `!`. */
  word: string;
  /** As it was written. */
  written: string;
}

export type RackWords = { ok: true; words: RackWord[] } | { ok: false; problem: string };

/** Returns the reason why a rack's name cannot be in a selector, or null. */
export function rackNameProblem(name: string): string | null {
  const wanted = 'the name of one of several racks precedes a colon in selectors';
  if (!/^[^\s,:!*/[\]]+$/.test(name)) return `'${name}': ${wanted}: no blanks and none of , : ! * / [ ]`;
  const taken = [...WORD_KINDS, 'all'].find((word) => word === name.toLowerCase());
  return taken === undefined ? null : `'${name}': ${wanted}, and ${taken} has a meaning of its own there`;
}

/** Splits words into racks and words for them. `names`: of all racks. Never throws. */
export function rackWords(texts: readonly string[], names: readonly string[]): RackWords {
  const words: RackWord[] = [];
  for (const written of texts.flatMap(splitWords)) {
    const [, not = '', prefix = '', rest = ''] = /^(!?)([^:[]+):(.*)$/.exec(written) ?? [];
    const plain = written.replace(/^!/, '');
    const name = names.find((one) => one.toLowerCase() === prefix.toLowerCase());
    if (prefix === '' || (name === undefined && WORD_KINDS.some((kind) => kind === prefix.toLowerCase())))
      return wrong(`'${written}' names no rack: write ${names[0] ?? ''}:${plain}, or *:${plain} for all racks`);
    if (name === undefined && prefix !== '*')
      return wrong(
        `'${written}': there is no rack '${prefix}'; racks: ${names.join(', ')}${didYouMean(prefix, names)}`,
      );
    if (rest === '') return wrong(`'${written}' names no node: write ${prefix}:all for the whole rack`);
    words.push({ rack: name ?? null, word: `${not}${rest}`, written });
  }
  return { ok: true, words };
}

/** Returns the names of the racks that the words address, in the order of `names`. */
export function addressedRacks(words: readonly RackWord[], names: readonly string[]): string[] {
  const all = words.some(({ rack }) => rack === null);
  return names.filter((name) => all || words.some(({ rack }) => rack === name));
}

/** A selection of nodes of one rack; `label`: the words for this rack. */
export interface RackSelection extends Extract<Selection, { ok: true }> {
  rack: string;
}

export type FleetSelection =
  | {
      ok: true;
      /** At least one, in the order of the racks; those without a node are left out. */
      racks: RackSelection[];
      /** The words as they were written: they confirm a cut, with the number of nodes. */
      label: string;
    }
  | { ok: false; problem: string };

/**
 * Resolves words in the racks whose inventories are known; words for another rack select nothing. Never throws.
 */
export function selectInRacks(
  words: readonly RackWord[],
  racks: readonly { name: string; inventory: Inventory }[],
): FleetSelection {
  const label = words.map(({ written }) => written).join(' ');
  if (!words.some(({ word }) => !word.startsWith('!')))
    return wrong(`'${label}' only excludes: write '*:all ${label}'`);
  const means = ({ rack }: RackWord, name: string): boolean => rack === null || rack === name;
  const found = (one: RackWord, inventory: Inventory): Selection => select([one.word.replace(/^!/, '')], inventory);
  for (const one of words) {
    const tried = racks.filter(({ name }) => means(one, name)).map(({ inventory }) => found(one, inventory));
    const failed = tried.find(({ ok }) => !ok);
    if (failed?.ok === false && tried.every(({ ok }) => !ok))
      return wrong(`${one.rack ?? 'no rack'}: ${failed.problem}`);
  }
  const selected = racks.flatMap(({ name, inventory }): RackSelection[] => {
    const here = words.filter((one) => means(one, name) && found(one, inventory).ok).map(({ word }) => word);
    // Fails only where nothing is left of the rack: each word was found.
    const selection = select(here, inventory);
    return selection.ok ? [{ ...selection, rack: name }] : [];
  });
  return selected.length === 0 ? wrong(`'${label}' selects no node`) : { ok: true, racks: selected, label };
}

function wrong(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}
