/**
 * Runs a command for several racks: connects to all of them at once, gives each rack its part of the operator's words,
 * and runs the command of one rack for each, in parallel. A rack that cannot be reached is reported and makes the exit
 * code 2.
 */
import type { RackClient } from '../client/client.ts';
import { EXIT } from '../api/power.ts';
import type { RackList } from '../config/rack-list.ts';
import { addressedRacks, type RackWord, rackWords, selectInRacks } from '../rack/fleet-selectors.ts';
import { type GlobalOptions, knownRack, openClient, optionsFor, withOneRack } from './server-connection.ts';
import { explain, hint, printJson, RackOutput, UsageFailure } from './terminal-output.ts';

/**
 * The meaning of a command's words where several racks are configured: `nodes`: selectors, none: every rack; `one`: the
 * first word is of one rack, such as `north:n05` or `north/shed-dev`, without it every rack; `none`: every rack.
 */
export type RackScope = 'nodes' | 'one' | 'none';

type Options = GlobalOptions & { json?: boolean; follow?: boolean; watch?: boolean };
type Handle = (options: Options, words: string[]) => Promise<number>;
type ListedRack = RackList['all'][number];

/** Code of a command that was left while its operation continues. */
const LEFT = 130;
/** Listeners for signals: one a rack, and some of the program's. */
const MOST_LISTENERS = 100;

/** Runs the command for the racks of the list that its words address. */
export async function forRacks(
  list: RackList,
  { program, scope }: { program: string; scope: RackScope },
  options: Options,
  words: string[],
  handle: Handle,
): Promise<number> {
  const one = scope === 'one' ? chosenRack(list, words) : null;
  if (one !== null) return handle(optionsFor(options, one.rack), one.words);
  if (list.all.length === 1 && !words.some((word) => word.includes(':')))
    return handle(await withOneRack(options), words);
  process.setMaxListeners(MOST_LISTENERS);
  const names = list.all.map(({ name }) => name);
  if (scope !== 'nodes' || words.length === 0) return new FleetRun(program, list, names, options).run(handle);
  const split = rackWords(words, names);
  if (!split.ok) throw new UsageFailure(split.problem);
  return new FleetRun(program, list, addressedRacks(split.words, names), options).run(handle, split.words);
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

/** One of the addressed racks. `client` null: it cannot be reached; `words`: its part of the command line. */
interface Part {
  rack: ListedRack;
  output: RackOutput;
  options: Options;
  client: RackClient | null;
  words: string[];
}

class FleetRun {
  readonly #program: string;
  readonly #list: RackList;
  readonly #options: Options;
  readonly #parts: readonly Part[];
  readonly #codes: number[] = [];

  /** `addressed`: names of the racks. */
  constructor(program: string, list: RackList, addressed: readonly string[], options: Options) {
    this.#program = program;
    this.#list = list;
    this.#options = options;
    const { json, follow, watch } = options;
    const width = Math.max(...addressed.map((name) => name.length));
    this.#parts = list.all
      .filter(({ name }) => addressed.includes(name))
      .map((rack) => ({
        rack,
        output: new RackOutput(rack.name, width, !(json ?? follow ?? watch ?? false)),
        options: optionsFor(options, rack),
        client: null,
        words: [],
      }));
  }

  /** Runs the command for the nodes that `words` select, or for every rack, and returns the exit code of all. */
  async run(handle: Handle, words: readonly RackWord[] = []): Promise<number> {
    await this.#connect();
    try {
      if (words.length > 0) await this.#select(words);
      await this.#perform(handle);
    } finally {
      for (const { client } of this.#parts) client?.close();
    }
    return exitCodeOfAll(this.#codes);
  }

  /** Connects to the racks at once; those that cannot be reached are reported before anything is done. */
  async #connect(): Promise<void> {
    let localBefore: Promise<unknown> = Promise.resolve();
    const opening = this.#parts.map((part) => {
      const { rack, output, options } = part;
      // What the connection receives is printed where it was opened.
      const open = (): Promise<RackClient> =>
        output.run(() => openClient(options, this.#program, { autostart: true, serve: this.#list.path }));
      // Racks on this machine one after another: the first starts the server of all.
      const opened = 'local' in rack ? localBefore.then(open) : open();
      if ('local' in rack) localBefore = opened.catch(() => undefined);
      return opened.then((client) => {
        part.client = client;
      });
    });
    const results = await Promise.allSettled(opening);
    results.forEach((result, index) => {
      const part = this.#parts[index];
      if (result.status === 'rejected' && part !== undefined) this.#failed(part, explain(result.reason));
    });
    for (const { client, output } of this.#parts) if (client === null) output.flush();
  }

  /** Gives each rack the words that select nodes of it. Racks without any are left out. */
  async #select(words: readonly RackWord[]): Promise<void> {
    const racks = this.#parts.flatMap(({ rack: { name }, client }) => (client === null ? [] : [{ name, client }]));
    if (racks.length === 0) return;
    const known = await Promise.all(
      racks.map(async ({ name, client }) => ({ name, inventory: (await knownRack(client)).rack })),
    );
    const selection = selectInRacks(words, known);
    if (!selection.ok) throw new UsageFailure(selection.problem);
    for (const part of this.#parts) {
      const selected = selection.racks.find(({ rack }) => rack === part.rack.name);
      if (selected !== undefined) part.words = [selected.label];
      else if (part.client !== null) {
        part.client.close();
        part.client = null;
      }
    }
  }

  /** Runs the command for each rack, and prints the output of each in the order of the list. */
  async #perform(handle: Handle): Promise<void> {
    const reached = this.#parts.filter(({ client }) => client !== null);
    const failures: { part: Part; message: string; exitCode: number }[] = [];
    const ends = reached.map((part) =>
      part.output
        .run(() => handle({ ...part.options, opened: part.client ?? undefined, plain: true } as Options, part.words))
        .then(
          (exitCode) => void this.#codes.push(exitCode),
          (error: unknown) => void failures.push({ part, ...explain(error) }),
        ),
    );
    for (const [index, part] of reached.entries()) {
      await ends[index];
      part.output.flush();
    }
    const [first] = failures;
    const alike = failures.length === reached.length && failures.every(({ message }) => message === first?.message);
    if (alike && first !== undefined) {
      hint(`rackui: ${first.message}`);
      this.#codes.push(first.exitCode);
    } else for (const { part, ...failure } of failures) this.#failed(part, failure);
  }

  #failed({ output }: Part, { message, exitCode }: { message: string; exitCode: number }): void {
    this.#codes.push(exitCode);
    output.run(() => {
      hint(`rackui: ${message}`);
      if (this.#options.json === true) printJson({ error: message, exitCode });
    });
  }
}

/** Returns the exit code that all have; 2 where they differ. A cut without proof and what continues are not hidden. */
function exitCodeOfAll(codes: readonly number[]): number {
  const [first = EXIT.done] = codes;
  if (codes.every((code) => code === first)) return first;
  return [EXIT.unproven, LEFT].find((code) => codes.includes(code)) ?? EXIT.partly;
}
