/**
 * The racks that a command addresses, each with its connection, its part of the operator's words, and its lines of
 * output. All are connected at once; one that cannot be reached is reported before anything is done.
 */
import type { RackClient } from '../../client/client.ts';
import { EXIT } from '../../api/power.ts';
import type { RackList } from '../../config/rack-list.ts';
import { type FleetSelection, type RackWord, selectInRacks } from '../../rack/fleet-selectors.ts';
import { type GlobalOptions, knownRack, openClient, optionsFor } from '../server-connection.ts';
import { explain, hint, LEFT, printJson, RackOutput, UsageFailure } from '../terminal-output.ts';

/** Listeners for signals: one a rack, and some of the program's. */
const MOST_LISTENERS = 100;

export type RackFailure = ReturnType<typeof explain>;

/** One of the addressed racks. `client` null: it cannot be reached, or nothing of it is selected. */
export interface RackPart<O> {
  name: string;
  rack: RackList['all'][number];
  output: RackOutput;
  options: O;
  client: RackClient | null;
  /** Its part of the command line. */
  words: string[];
}

/** A rack that is connected. */
export type ReachedPart<O> = RackPart<O> & { client: RackClient };

export class RackParts<O extends GlobalOptions & { json?: boolean }> {
  readonly all: readonly RackPart<O>[];
  readonly #program: string;
  readonly #list: RackList;
  readonly json: boolean;
  /** Exit codes of the racks that failed, by name. */
  readonly failed = new Map<string, number>();

  /** `addressed`: names of the racks; `keeps`: the lines of each stay together until its output is flushed. */
  constructor(list: RackList, addressed: readonly string[], program: string, options: O, keeps: boolean) {
    process.setMaxListeners(MOST_LISTENERS);
    this.#program = program;
    this.#list = list;
    this.json = options.json === true;
    const width = Math.max(...addressed.map((name) => name.length));
    this.all = list.all
      .filter(({ name }) => addressed.includes(name))
      .map((rack) => ({
        name: rack.name,
        rack,
        output: new RackOutput(rack.name, width, keeps),
        options: optionsFor(options, rack),
        client: null,
        words: [],
      }));
  }

  get reached(): ReachedPart<O>[] {
    return this.all.filter((part): part is ReachedPart<O> => part.client !== null);
  }

  /** Connects to the racks at once; those that cannot be reached are reported. */
  async connect(): Promise<void> {
    let localBefore: Promise<unknown> = Promise.resolve();
    const opening = this.all.map((part) => {
      const { rack } = part;
      const open = (): Promise<RackClient> => this.#open(part);
      // Racks on this machine one after another: the first starts the server of all.
      const opened = 'local' in rack ? localBefore.then(open) : open();
      if ('local' in rack) localBefore = opened.catch(() => undefined);
      return opened.then((client) => {
        part.client = client;
      });
    });
    const results = await Promise.allSettled(opening);
    results.forEach((result, index) => {
      const part = this.all[index];
      if (result.status === 'rejected' && part !== undefined) this.fail(part, explain(result.reason));
    });
    for (const { client, output } of this.all) if (client === null) output.flush();
  }

  #open({ output, options }: RackPart<O>): Promise<RackClient> {
    // What the connection receives is printed where it was opened.
    return output.run(() => openClient(options, this.#program, { autostart: true, serve: this.#list.path }));
  }

  /** Hands the connection to a rack over, or a new one where it was handed over before. */
  async handOver(name: string): Promise<RackClient> {
    const part = this.all.find((one) => one.name === name);
    if (part === undefined) throw new UsageFailure(`there is no rack '${name}' in ${this.#list.path} any more`);
    const { client } = part;
    part.client = null;
    return client ?? this.#open(part);
  }

  /**
   * Gives each rack the words that select nodes of it, and leaves out those without any. Null: no rack is reached.
   * @throws UsageFailure
   */
  async select(words: readonly RackWord[]): Promise<Extract<FleetSelection, { ok: true }> | null> {
    const { reached } = this;
    if (reached.length === 0) return null;
    const known = await Promise.all(
      reached.map(async ({ name, client }) => ({ name, inventory: (await knownRack(client)).rack })),
    );
    const selection = selectInRacks(words, known);
    if (!selection.ok) throw new UsageFailure(selection.problem);
    for (const part of reached) {
      const selected = selection.racks.find(({ rack }) => rack === part.name);
      if (selected === undefined) this.leaveOut(part);
      else part.words = [selected.label];
    }
    return selection;
  }

  /** Reports why a rack failed, on standard error and as JSON; its code counts for the command's. */
  fail({ name, output }: RackPart<O>, { message, exitCode }: RackFailure): void {
    this.failed.set(name, exitCode);
    output.run(() => {
      hint(`rackui: ${message}`);
      if (this.json) printJson({ error: message, exitCode });
    });
  }

  /** Closes the connection to a rack that takes no further part. */
  leaveOut(part: RackPart<O>): void {
    part.client?.close();
    part.client = null;
  }

  close(): void {
    for (const { client } of this.all) client?.close();
  }
}

/** Returns the exit code that all have; 2 where they differ. A cut without proof and what continues are not hidden. */
export function exitCodeOfAll(codes: readonly number[]): number {
  const [first = EXIT.done] = codes;
  if (codes.every((code) => code === first)) return first;
  return [EXIT.unproven, LEFT].find((code) => codes.includes(code)) ?? EXIT.partly;
}
