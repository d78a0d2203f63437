/**
 * Power verbs over several racks: each rack's own server checks and runs its own operation, and one confirmation names
 * every rack with its nodes. A rack that cannot be reached, or whose bus cannot be used, is reported before and takes
 * no part.
 */
import { ANYWAY, cuts, EXIT } from '../../api/power.ts';
import type { RackList } from '../../config/rack-list.ts';
import { count } from '../../lib/words.ts';
import type { RackWord } from '../../rack/fleet-selectors.ts';
import { compressNames } from '../../rack/selectors.ts';
import { confirmation, NOTHING_SENT } from '../confirm.ts';
import { checkJson, checkLines, meaningLine, refuses } from '../format/power.ts';
import { exitCodeOfAll, type ReachedPart, RackParts } from './rack-parts.ts';
import { explain, hint, print, printJson } from '../terminal-output.ts';
import {
  askedOf,
  type PowerOptions,
  type PowerWord,
  type PreparedPower,
  preparePower,
  startPower,
} from '../commands/power.ts';

type Racks = RackParts<PowerOptions>;
type Part = ReachedPart<PowerOptions>;
/** A rack with what is to be done there. */
interface Ready extends PreparedPower {
  part: Part;
}

/** `addressed`: names of the racks that `words` address. */
export async function fleetPowerCommand(
  word: PowerWord,
  list: RackList,
  addressed: readonly string[],
  words: readonly RackWord[],
  options: PowerOptions,
): Promise<number> {
  const asked = askedOf(word, options);
  const { json = false, dryRun = false } = options;
  const racks: Racks = new RackParts(list, addressed, word, options, !json);
  try {
    await racks.connect();
    const selection = await racks.select(words);
    const parts = racks.reached.map((part) => ({ part }));
    const ready = await inAll(racks, parts, async ({ part }) => ({
      part,
      ...(await preparePower(part.client, asked, part.words)),
    }));
    if (selection === null || ready.length === 0) return exitCodeOfAll([...racks.failed.values()]);
    const what = `${asked.verb} ${selection.label}`;
    const expected = confirmationOf(ready, selection.label);
    showChecks(ready, options, expected);
    if (!json) (dryRun ? print : hint)(`${what}: ${summaryOf(ready, racks)}`);
    const refusing = ready.filter(({ check }) => refuses(check));
    if (dryRun) {
      if (!json)
        for (const line of [...(cuts(asked.verb) ? [`to confirm: --confirm '${expected}'`] : []), NOTHING_SENT])
          print(line);
      return refusing.length > 0 ? EXIT.refused : exitCodeOfAll([EXIT.done, ...racks.failed.values()]);
    }
    if (refusing.length > 0) return refused(refusing, asked.verb, json);
    if (cuts(asked.verb)) {
      await confirmation(options.confirm, expected, `${what} cuts power`, options.plain);
      // Each server compares the words of its own check, which these ones stand for.
      for (const { request, check } of ready) request.confirm = check.confirm;
    }
    const codes = await inAll(racks, ready, (one) => startPower(one.part.client, one, { ...options, plain: true }));
    return exitCodeOfAll([...codes, ...racks.failed.values()]);
  } finally {
    racks.close();
  }
}

/** Acts on the racks at once; those that fail are reported and left out of the results. */
async function inAll<P extends { part: Part }, T>(
  racks: Racks,
  all: readonly P[],
  act: (one: P) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(all.map((one) => one.part.output.run(() => act(one))));
  return results.flatMap((result, index) => {
    const part = all[index]?.part;
    if (result.status === 'fulfilled') return [result.value];
    if (part !== undefined) {
      racks.fail(part, explain(result.reason));
      part.output.flush();
      racks.leaveOut(part);
    }
    return [];
  });
}

/** Returns the words that confirm the cut on every rack: `north:n05`, or for several nodes `*:cluster:dev 12`. */
function confirmationOf(ready: readonly Ready[], label: string): string {
  const names = ready.flatMap(({ part, check }) => check.nodes.map(({ name }) => `${part.name}:${name}`));
  const words = names.length === 1 ? (names[0] ?? '') : `${label} ${names.length}`;
  return ready.some(({ check }) => check.confirm.endsWith(ANYWAY)) ? `${words}${ANYWAY}` : words;
}

function showChecks(ready: readonly Ready[], { json = false, dryRun = false }: PowerOptions, confirm: string): void {
  for (const { part, check } of ready) {
    part.output.run(() => {
      if (!json) for (const line of [meaningLine(check), ...checkLines(check)]) (dryRun ? print : hint)(line);
      else if (dryRun) printJson({ type: 'check', ...checkJson({ ...check, confirm }) });
    });
    part.output.flush();
  }
}

/** `5 nodes on 2 racks: north n[1-2] (2), south n[3-5] (3); takes no part: west`. */
function summaryOf(ready: readonly Ready[], { failed }: Racks): string {
  const total = ready.reduce((sum, { check }) => sum + check.nodes.length, 0);
  const each = ready.map(
    ({ part, check }) => `${part.name} ${compressNames(check.nodes.map(({ name }) => name))} (${check.nodes.length})`,
  );
  const away = failed.size === 0 ? '' : `; not reached, nothing is done there: ${[...failed.keys()].join(', ')}`;
  return `${count(total, 'node')} on ${count(ready.length, 'rack')}: ${each.join(', ')}${away}`;
}

/** One rack's refusal keeps the verb from all of them, as one node's does on a rack. */
function refused(refusing: readonly Ready[], verb: string, json: boolean): number {
  if (json)
    for (const { part, check } of refusing) part.output.run(() => printJson({ type: 'refused', ...checkJson(check) }));
  hint(`rackui: ${verb} refused on ${refusing.map(({ part }) => part.name).join(', ')}, nothing was sent to any rack`);
  return EXIT.refused;
}
