/**
 * Runs a command for several racks: connects to all of them at once, gives each rack its part of the operator's words,
 * and runs the command of one rack for each, in parallel. A rack that cannot be reached is reported and makes the exit
 * code 2.
 */
import type { RackList } from '../../config/rack-list.ts';
import { addressedRacks, type RackWord, rackWords } from '../../rack/fleet-selectors.ts';
import { exitCodeOfAll, type RackFailure, type RackPart, RackParts } from './rack-parts.ts';
import { type GlobalOptions, optionsFor, withOneRack } from '../server-connection.ts';
import { explain, forRack, hint, UsageFailure } from '../terminal-output.ts';

/**
 * The meaning of a command's words where several racks are configured: `nodes`: selectors, none: every rack; `one`: the
 * first word is of one rack, such as `north:n05` or `north/shed-dev`, without it every rack; `none`: every rack.
 */
export type RackScope = 'nodes' | 'one' | 'none';

type Options = GlobalOptions & { json?: boolean; follow?: boolean; watch?: boolean };
type Handle = (options: Options, words: string[]) => Promise<number>;
type ListedRack = RackList['all'][number];

/**
 * Acts on several racks with one confirmation. `names`: the racks that the words address, `words`: those, split.
 */
export type ActTogether = (
  list: RackList,
  names: readonly string[],
  words: readonly RackWord[],
  options: Options,
) => Promise<number>;

/** Carries out what is about the list itself; null: nothing of it is, or each rack does its part as well. */
export type ActForList = (list: RackList, options: Options, words: readonly string[]) => Promise<number | null>;

/**
 * Runs the command for the racks of the list that its words address. `together`: where they need one confirmation;
 * `whole`: before all else.
 */
export async function forRacks(
  list: RackList,
  {
    program,
    scope,
    together,
    whole,
  }: { program: string; scope: RackScope; together?: ActTogether | undefined; whole?: ActForList | undefined },
  options: Options,
  words: string[],
  handle: Handle,
): Promise<number> {
  const own = await whole?.(list, options, words);
  if (typeof own === 'number') return own;
  const one = scope === 'one' ? chosenRack(list, words) : null;
  if (one !== null) {
    const act = (): Promise<number> => handle(optionsFor(options, one.rack), one.words);
    return list.all.length > 1 ? forRack(one.rack.name, act) : act();
  }
  const names = list.all.map(({ name }) => name);
  if (list.all.length === 1 && !words.some((word) => namesRack(word, names)))
    return handle(await withOneRack(options), words);
  const split = scope === 'nodes' && words.length > 0 ? rackWords(words, names) : null;
  if (split?.ok === false) throw new UsageFailure(split.problem);
  if (split === null) return runEach(new RackParts(list, names, program, options, keeps(options)), null, handle);
  const addressed = addressedRacks(split.words, names);
  if (together !== undefined) return together(list, addressed, split.words, options);
  return runEach(new RackParts(list, addressed, program, options, keeps(options)), split.words, handle);
}

/** Returns whether a word begins with the name of a rack, or with `*` for all of them. */
function namesRack(word: string, names: readonly string[]): boolean {
  const prefix = /^!?([^:]+):/.exec(word)?.[1]?.toLowerCase();
  return prefix === '*' || names.some((name) => name.toLowerCase() === prefix);
}

/** Lines of one rack stay together, unless they come as something happens. */
function keeps({ json, follow, watch }: Options): boolean {
  return !(json ?? follow ?? watch ?? false);
}

/** Returns the rack of `north:n05` or `north/shed-dev` and the words for it; null where no word is given. */
function chosenRack({ all }: RackList, [first, ...rest]: string[]): { rack: ListedRack; words: string[] } | null {
  if (first === undefined) return null;
  const [only] = all;
  const names = all.map(({ name }) => name);
  const [, name = '', word = ''] = /^([^:/]+)[:/](.+)$/.exec(first) ?? [];
  const rack = all.find((known) => known.name.toLowerCase() === name.toLowerCase());
  if (rack !== undefined) return { rack, words: [word, ...rest] };
  if (only !== undefined && all.length === 1) return { rack: only, words: [first, ...rest] };
  const example = names[0] ?? '';
  throw new UsageFailure(
    `'${first}' names no rack: write ${example}:${word === '' ? first : word}, or add --rack ${example}; racks: ${names.join(', ')}`,
  );
}

/** Runs the command for the nodes that `words` select, or for every rack, and returns the exit code of all. */
async function runEach(racks: RackParts<Options>, words: readonly RackWord[] | null, handle: Handle): Promise<number> {
  try {
    await racks.connect();
    if (words !== null) await racks.select(words);
    return await perform(racks, handle);
  } finally {
    racks.close();
  }
}

/** Runs the command for each rack, and prints the output of each in the order of the list. */
async function perform(racks: RackParts<Options>, handle: Handle): Promise<number> {
  const { reached } = racks;
  const codes: number[] = [];
  const failures: { part: RackPart<Options>; failure: RackFailure }[] = [];
  const ends = reached.map((part) =>
    part.output
      .run(() => handle({ ...part.options, opened: part.client, plain: true }, part.words))
      .then(
        (exitCode) => void codes.push(exitCode),
        (error: unknown) => void failures.push({ part, failure: explain(error) }),
      ),
  );
  for (const [index, part] of reached.entries()) {
    await ends[index];
    part.output.flush();
  }
  const first = failures[0]?.failure;
  const alike =
    failures.length === reached.length && failures.every(({ failure }) => failure.message === first?.message);
  if (alike && first !== undefined) {
    hint(`rackui: ${first.message}`);
    codes.push(first.exitCode);
  } else for (const { part, failure } of failures) racks.fail(part, failure);
  return exitCodeOfAll([...codes, ...racks.failed.values()]);
}
