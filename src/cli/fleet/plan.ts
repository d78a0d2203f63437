/** `rackui plan …` for plans of several racks: lists, previews, runs, resumes, and controls runs. */
import { EXIT } from '../../api/power.ts';
import { identity } from '../../client/autostart.ts';
import { FleetJournal, type FleetOrder, type FleetRecord, isDriven, passOrder } from '../../client/fleet-journal.ts';
import { type FleetPreview, prepareResume, previewRefuses, unconfirmedParts } from '../../client/fleet-preview.ts';
import { fleetHowOn, fleetRunLine, newFleetRecord, secondRunRefusal } from '../../client/fleet-record.ts';
import { stateDirectory } from '../../config/paths.ts';
import type { RackList } from '../../config/rack-list.ts';
import { didYouMean } from '../../lib/words.ts';
import {
  type FleetPart,
  type FleetPlanDefinition,
  partName,
  partsOf,
  skipParts,
  startable,
} from '../../rack/fleet-plan.ts';
import { NOTHING_SENT } from '../confirm.ts';
import { claimed, drive } from './drive.ts';
import {
  confirmParts,
  type FleetOptions,
  previewParts,
  printConfirmation,
  printPreviewJson,
  showPreview,
} from './preview.ts';
import { fleetPlanLine, fleetRunJson, fleetRunLines } from '../format/fleet-plan.ts';
import { exitCodeOfAll, RackParts } from './rack-parts.ts';
import { Failure, hint, print, printJson, UsageFailure } from '../terminal-output.ts';
import { deadlineOf, type PlanOptions } from '../commands/plan.ts';

const openJournal = (): FleetJournal => new FleetJournal(stateDirectory());

/** Lists the plans of several racks and their runs; the racks' own follow. */
export async function listFleetPlans({ path, plans }: RackList, options: PlanOptions): Promise<null> {
  const { runs, problems } = openJournal().read(path);
  for (const problem of problems) hint(`rackui: ${problem}`);
  if (options.json === true) {
    const all = Object.entries(plans).map(([name, { description = null, steps }]) => ({ name, description, steps }));
    printJson({ plans: all, runs: runs.map(fleetRunJson), rack: null });
  } else {
    for (const [name, plan] of Object.entries(plans)) print(fleetPlanLine(name, plan));
    for (const run of runs) {
      for (const line of run.state === 'ended' ? [fleetRunLine(run)] : fleetRunLines(run)) print(line);
      if (run.state === 'running' && !(await isDriven(run)))
        print(`  no program drives it any more: resume it with 'rackui plan resume ${run.id}'`);
      if (run.state === 'paused') for (const line of fleetHowOn(run)) print(`  ${line}`);
    }
  }
  return null;
}

/** Previews a plan of several racks; null: the word names one of a rack. @throws UsageFailure */
export async function showFleetPlan(list: RackList, word: string, options: PlanOptions): Promise<number | null> {
  const plan = definitionOf(list, word);
  return plan === null ? null : dryRun(list, newRecord(list, word, plan, options), plan, options, []);
}

/** Runs a plan of several racks; null: the word names one of a rack. @throws UsageFailure */
export async function runFleetPlan(list: RackList, word: string, options: PlanOptions): Promise<number | null> {
  const plan = definitionOf(list, word);
  if (plan === null) return null;
  const record = newRecord(list, word, plan, options);
  if (options.dryRun === true) return dryRun(list, record, plan, options, [NOTHING_SENT]);
  if (options.detach === true)
    throw new UsageFailure(
      `a plan of several racks is driven by this program: leave it running, in tmux or as a service, instead of --detach`,
    );
  const journal = openJournal();
  const second = secondRunRefusal(journal.read(list.path).runs, word);
  if (second !== null) throw new Failure(EXIT.refused, second);
  return withRacks(list, record, 'plan run', options, async (racks) => {
    if (!record.armed) await previewAndConfirm(racks, record, partsOf(record), options);
    if (startable(record).length === 0)
      throw new Failure(EXIT.unavailable, 'nothing was started: no rack of the first step is reached');
    return claimed(record, () => drive(journal, record, racks, 'run'));
  });
}

/** Resumes a run of several racks, and drives it; null: the word names no such run. */
export async function resumeFleetPlan(list: RackList, word: string, options: PlanOptions): Promise<number | null> {
  const record = recordOf(list, word);
  if (record === null) return null;
  if (record.state === 'ended') throw new Failure(EXIT.refused, `it has ended: ${fleetRunLine(record)}`);
  return claimed(record, () => {
    // As the program left it that drove it until now.
    const latest = recordOf(list, record.id) ?? record;
    return withRacks(list, latest, 'plan resume', options, (racks) => resume(racks, latest, options));
  });
}

async function resume(racks: RackParts<FleetOptions>, record: FleetRecord, options: PlanOptions): Promise<number> {
  // What was never confirmed, or has changed since, needs words again.
  const again = unconfirmedParts(record);
  if (again.length > 0) await previewAndConfirm(racks, record, again, options);
  prepareResume(record);
  return drive(openJournal(), record, racks, 'run');
}

/** Pauses or aborts a run of several racks, wherever it is driven; null: the word names no such run. */
export async function changeFleetPlan(
  what: FleetOrder,
  list: RackList,
  word: string,
  options: PlanOptions,
): Promise<number | null> {
  const journal = openJournal();
  const record = recordOf(list, word);
  if (record === null) return null;
  if (record.state === 'ended') throw new Failure(EXIT.refused, `it has ended: ${fleetRunLine(record)}`);
  const latest = await passOrder(journal, record, what);
  // Nobody drives it, or its driver was killed meanwhile.
  const due = latest.state === 'running' || (what === 'abort' && latest.state !== 'ended');
  if (due)
    await claimed(latest, () =>
      withRacks(list, latest, `plan ${what}`, options, (racks) => drive(journal, latest, racks, what)),
    );
  else if (options.json === true) printJson({ type: 'fleet-state', ...fleetRunJson(latest) });
  else for (const line of fleetRunLines(latest)) print(line);
  return latest.state === 'ended' || (what === 'pause' && latest.state === 'paused') ? EXIT.done : EXIT.unavailable;
}

/** Leaves parts, or a step, out of a run that waits; null: the word names no such run. */
export async function skipFleetPlan(
  list: RackList,
  word: string,
  words: readonly string[],
  options: PlanOptions,
): Promise<number | null> {
  const record = recordOf(list, word);
  if (record === null) return null;
  const { step } = options;
  const parts = record.steps
    .filter(({ name }) => step === undefined || name === step)
    .flatMap((one) => one.parts)
    .filter((part) => words.length === 0 || words.some((name) => name === part.rack || name === partName(part)));
  const known = step === undefined ? partsOf(record).map(partName) : record.steps.map(({ name }) => name);
  if (parts.length === 0 || (words.length === 0 && step === undefined))
    throw new UsageFailure(`give parts of run ${record.id}, or a step with --step NAME: ${known.join(', ')}`);
  return claimed(record, () => {
    const stuck = skipParts(parts, userOf());
    if (stuck.length > 0)
      throw new Failure(
        EXIT.refused,
        `${stuck.map(partName).join(', ')} cannot be left out while its run on the rack has not ended; ${fleetHowOn(record)[0] ?? ''}`,
      );
    openJournal().write(record);
    if (options.json === true) printJson({ type: 'fleet-state', ...fleetRunJson(record) });
    else for (const line of [...fleetRunLines(record), `resume it with 'rackui plan resume ${record.id}'`]) print(line);
    return Promise.resolve(EXIT.done);
  });
}

async function dryRun(
  list: RackList,
  record: FleetRecord,
  plan: FleetPlanDefinition,
  options: PlanOptions,
  more: readonly string[],
): Promise<number> {
  return withRacks(list, record, 'plan show', options, async (racks) => {
    const preview = await previewParts(racks, partsOf(record));
    if (racks.json) printPreviewJson(record, preview, plan.description ?? null);
    else {
      showPreview(racks, record, preview, print);
      printConfirmation(record, preview);
      for (const line of more) print(line);
    }
    return previewRefuses(preview) ? EXIT.refused : exitCodeOfAll([EXIT.done, ...racks.failed.values()]);
  });
}

/** Previews and confirms parts. Those whose rack is not reached stay unconfirmed, and are not begun. */
async function previewAndConfirm(
  racks: RackParts<FleetOptions>,
  record: FleetRecord,
  parts: readonly FleetPart[],
  options: FleetOptions,
): Promise<void> {
  const preview: FleetPreview = await previewParts(racks, parts);
  if (!racks.json) showPreview(racks, record, preview, hint);
  await confirmParts(record, preview, options);
}

/** Connects to the racks of a run for the time of `act`. */
async function withRacks(
  list: RackList,
  record: FleetRecord,
  program: string,
  options: FleetOptions,
  act: (racks: RackParts<FleetOptions>) => Promise<number>,
): Promise<number> {
  const names = partsOf(record).map(({ rack }) => rack);
  const racks = new RackParts<FleetOptions>(list, names, program, options, false);
  try {
    await racks.connect();
    return await act(racks);
  } finally {
    racks.close();
  }
}

/** Returns the plan of that name; null: the word is of a rack. @throws UsageFailure */
function definitionOf({ plans, all }: RackList, word: string): FleetPlanDefinition | null {
  if (Object.hasOwn(plans, word)) return plans[word] ?? null;
  const known = Object.keys(plans);
  if (/[:/]/.test(word) || known.length === 0 || all.length === 1) return null;
  throw new UsageFailure(
    `there is no plan '${word}' of several racks; there are ${known.join(', ')}${didYouMean(word, known)}; a rack's own is ${all[0]?.name ?? ''}/${word}`,
  );
}

/** Returns the run of that id, or the last unfinished one of that plan; null: there is none. */
function recordOf({ path }: RackList, word: string): FleetRecord | null {
  const { runs } = openJournal().read(path);
  return (
    runs.find(({ id }) => id === word) ?? runs.findLast(({ plan, state }) => plan === word && state !== 'ended') ?? null
  );
}

const userOf = (): string => identity('plan', process.env, null).user;

const newRecord = (
  { path }: RackList,
  plan: string,
  definition: FleetPlanDefinition,
  options: PlanOptions,
): FleetRecord =>
  newFleetRecord(openJournal(), { list: path, plan, by: userOf() }, definition, {
    armed: options.armed === true,
    deadlineS: deadlineOf(options),
  });
