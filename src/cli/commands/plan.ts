/** `rackui plan …`: lists plans, previews one, and controls runs. */
import { busUsable } from '../../api/bus.ts';
import { configSentences } from '../../api/configuration.ts';
import type { PlanPreview, PlanRun } from '../../api/plans.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { confirmation, NOTHING_SENT } from '../confirm.ts';
import { endOf, followPlan, howOn } from '../follow.ts';
import { planLine, previewJson, previewLines, runJson, runLine, runLines } from '../format/plan.ts';
import { type GlobalOptions, knownRack, openClient, targetsOf } from '../server-connection.ts';
import { Failure, hint, print, printJson, UsageFailure } from '../terminal-output.ts';

export interface PlanOptions extends GlobalOptions {
  json?: boolean;
  confirm?: string;
  armed?: boolean;
  detach?: boolean;
  deadline?: string;
  dryRun?: boolean;
  step?: string;
}

/** Lists the configured plans, and the runs that the server keeps. */
export function planListCommand(options: PlanOptions): Promise<number> {
  return withClient(options, 'plan list', true, async (client) => {
    const { plans, runs } = await client.request('plan.list', {});
    if (options.json === true) printJson({ plans, runs: runs.map(runJson) });
    else {
      hintConfig(client);
      if (plans.length === 0) print('no plans are configured; see docs/plans.md');
      for (const plan of plans) {
        print(planLine(plan));
        for (const text of plan.warnings) print(`  will not work: ${text}`);
      }
      for (const run of runs) for (const line of run.endedAt === null ? runLines(run) : [runLine(run)]) print(line);
    }
    return EXIT.done;
  });
}

/** Prints the exact order and times; exit code 3 where a guard would refuse. */
export function planShowCommand(name: string, options: PlanOptions): Promise<number> {
  return withClient(options, 'plan show', true, async (client) => {
    await usableBus(client);
    hintConfig(client);
    return show(await client.request('plan.show', { name }), options.json === true, []);
  });
}

export function planRunCommand(name: string, options: PlanOptions): Promise<number> {
  const deadlineS = deadlineOf(options);
  const json = options.json === true;
  return withClient(options, 'plan run', true, async (client) => {
    const armed = options.armed === true;
    // An armed run waits for the bus as long as it has time.
    if (!armed || options.dryRun === true) await usableBus(client);
    let confirm: string | null = null;
    if (options.dryRun === true || !armed) {
      hintConfig(client);
      const plan = await client.request('plan.show', { name });
      if (options.dryRun === true) return show(plan, json, [NOTHING_SENT]);
      if (!json) for (const line of previewLines(plan)) hint(line);
      if (plan.cuts)
        confirm = await confirmation(options.confirm, plan.confirm, `plan ${name} cuts power`, options.plain);
    }
    const run = await client.request('plan.run', { name, confirm, armed, deadlineS });
    return goOn(client, run, options);
  });
}

/** Resumes a run that paused or was interrupted, and follows it. */
export function planResumeCommand(id: string, options: PlanOptions): Promise<number> {
  return withClient(options, 'plan resume', true, async (client) => {
    await usableBus(client);
    return goOn(client, await client.request('plan.resume', { id }), options);
  });
}

export function planChangeCommand(what: 'pause' | 'abort', id: string, options: PlanOptions): Promise<number> {
  return withClient(options, `plan ${what}`, false, async (client) => {
    const run = await client.request(`plan.${what}`, { id });
    // Waits for the end: another plan that is started meanwhile would be refused.
    return changed(what === 'abort' ? await endOf(client, run) : run, options);
  });
}

/** Skips a node, or with `--step` a whole step. */
export function planSkipCommand(id: string, words: readonly string[], options: PlanOptions): Promise<number> {
  const step = options.step ?? null;
  if (words.length === 0 && step === null) throw new UsageFailure('give a node, or a step with --step NAME');
  return withClient(options, 'plan skip', false, async (client) => {
    const nodes = words.length === 0 ? [null] : targetsOf(words, await knownRack(client)).nodes.map(({ addr }) => addr);
    let run: PlanRun | null = null;
    for (const addr of nodes) run = await client.request('plan.skip', { id, step, addr });
    return run === null ? EXIT.done : changed(run, options);
  });
}

async function withClient(
  options: PlanOptions,
  program: string,
  autostart: boolean,
  act: (client: RackClient) => Promise<number>,
): Promise<number> {
  const client = await openClient(options, program, { autostart });
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

async function usableBus(client: RackClient): Promise<void> {
  const { bus } = await knownRack(client);
  if (!busUsable(bus.state)) throw new Failure(EXIT.unavailable, bus.detail);
}

/** The plans are those of the configuration in force, not of the file. */
function hintConfig(client: RackClient): void {
  for (const sentence of configSentences(client.welcome.snapshot.config)) hint(sentence);
}

function show(plan: PlanPreview, json: boolean, more: readonly string[]): number {
  if (json) printJson({ type: 'plan', ...previewJson(plan) });
  else {
    for (const line of previewLines(plan)) print(line);
    if (plan.confirm !== '') print(`to confirm: --confirm '${plan.confirm}'`);
    for (const line of more) print(line);
  }
  const refused =
    plan.problem !== null || plan.steps.some(({ nodes }) => nodes.some(({ refusals }) => refusals.length > 0));
  return refused ? EXIT.refused : EXIT.done;
}

function goOn(client: RackClient, run: PlanRun, options: PlanOptions): Promise<number> | number {
  if (options.detach !== true) return followPlan(client, run, options.json === true);
  if (options.json === true) printJson({ type: 'plan-start', ...runJson(run) });
  else print(run.id);
  return EXIT.done;
}

function changed(run: PlanRun, options: PlanOptions): number {
  if (options.json === true) printJson({ type: 'plan-state', ...runJson(run) });
  else {
    for (const line of runLines(run)) print(line);
    if (run.state === 'paused' || run.state === 'interrupted') print(howOn(run));
  }
  return EXIT.done;
}

/** Parses the deadline; null: none. @throws UsageFailure */
export function deadlineOf({ deadline }: PlanOptions): number | null {
  if (deadline === undefined) return null;
  const seconds = Number(deadline);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new UsageFailure(`--deadline ${deadline}: seconds, more than 0 and at most 86400`);
  return seconds;
}
