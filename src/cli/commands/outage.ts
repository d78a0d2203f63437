/** `rackui outage …`: prints supply and forecast; passes on reports of UPS software; runs drills and prints reports. */
import { setTimeout } from 'node:timers/promises';
import type { OutageReport, OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { describeSilent } from '../../client/process-lifetime.ts';
import { count } from '../../lib/words.ts';
import { followPlan } from '../follow.ts';
import { outageJson, outageLines, reportLines, supplyJson } from '../format/outage.ts';
import {
  findServerProcess,
  type GlobalOptions,
  knownRack,
  openClient,
  targetsOf,
  refuseRemote,
} from '../server-connection.ts';
import { explain, Failure, hint, print, printJson, UsageFailure } from '../terminal-output.ts';

/** Interval of tries to reach the server again, ms. */
const REACH_AGAIN_MS = 1_000;
/** Time limit for the answer of a server that works, ms. */
const ANSWER_MS = 1_000;

export interface OutageOptions extends GlobalOptions {
  json?: boolean;
  within?: string;
  runtime?: string;
  nodes?: string;
  /** True: mains count as back for long enough. */
  now?: boolean;
}

/** Prints supply, forecast and the present outage. Exit code 2 while the mains have failed or the supply is unknown. */
export function outageCommand(options: OutageOptions): Promise<number> {
  return withServer(options, 'outage', async (client) =>
    show(await client.request('outage.status', {}), client.now(), options),
  );
}

/** Prints the present outage, or the last one. Exit code 2 where nodes are not on again. */
export function outageReportCommand(options: OutageOptions): Promise<number> {
  return withServer(options, 'outage report', async (client) => {
    const reports = reportsOf(await client.request('outage.status', {}));
    if (options.json === true) printJson({ outages: reports.map(outageJson) });
    else if (reports.length === 0) print('no outage is known');
    else for (const report of reports) for (const line of reportLines(report)) print(line);
    return reports.every(isWell) ? EXIT.done : EXIT.partly;
  });
}

/** Passes on the supply's state as other UPS software reports it. */
export function outageSupplyCommand(supply: 'mains' | 'battery', options: OutageOptions): Promise<number> {
  const runtimeS = options.runtime === undefined ? null : secondsOf('--runtime', options.runtime);
  return withServer(options, `outage ${supply}`, async (client) =>
    show(
      await client.request('outage.tell', { supply, runtimeS, settled: options.now === true }),
      client.now(),
      options,
      EXIT.done,
    ),
  );
}

/** Runs a drill, an outage of the given nodes only, and reports it when it is over. */
export function outageDrillCommand(options: OutageOptions): Promise<number> {
  return withServer(options, 'outage drill', async (client) => {
    const { nodes } = targetsOf([options.nodes ?? ''], await knownRack(client));
    let report = await client.request('outage.drill', { addrs: nodes.map(({ addr }) => addr) });
    const { id } = report;
    if (options.json !== true) print(`drill ${id} on ${nodes.map(({ name }) => name).join(', ')}`);
    const over = new Promise<void>((resolve, reject) => {
      client.onClose((why) => reject(new Failure(EXIT.unavailable, why)));
      const see = (status: OutageStatus): void => {
        const mine = reportsOf(status).find((one) => one.id === id);
        if (mine) report = mine;
        if (mine === undefined || mine.endedAt !== null) resolve();
      };
      client.on('update', ({ outage }) => {
        if (outage) see(outage);
      });
      client.request('outage.status', {}).then(see, reject);
    });
    await over;
    if (options.json === true) printJson(outageJson(report));
    else for (const line of reportLines(report)) print(line);
    return isWell(report) ? EXIT.done : EXIT.partly;
  });
}

/**
 * Shuts the rack down before the UPS software shuts this machine down. Returns within the given seconds, whatever
 * the server does: stopped, hung, gone or another user's.
 */
export async function outageLastCommand(options: OutageOptions): Promise<number> {
  refuseRemote(options, 'outage last');
  if (options.within === undefined)
    throw new UsageFailure('--within SECONDS is required: the runtime that the battery is sure to have');
  const within = secondsOf('--within', options.within);
  const state: { lastState: string } = { lastState: 'the server gave no answer' };
  const ring = new AbortController();
  const limit = setTimeout(within * 1000, 'late' as const, { signal: ring.signal, ref: true });
  limit.catch(() => undefined);
  const work = shutRackDown(options, within, state).catch((error: unknown) => {
    const { message, exitCode } = explain(error);
    hint(`rackui: the rack was not shut down: ${message}`);
    return exitCode;
  });
  const end = await Promise.race([work, limit]);
  ring.abort();
  if (end !== 'late') return end;
  hint(`rackui: timeout after ${within} s: ${state.lastState}${await hungServer(options)}`);
  // Pending requests to the server keep this program no longer.
  process.exit(EXIT.deadline);
}

/** Describes a server that runs and does not answer: its process, and how to end it; '' where there is none. */
async function hungServer(options: OutageOptions): Promise<string> {
  const asked = openClient(options, 'outage last', { autostart: false, warn: () => undefined }).then((client) => {
    client.close();
    return true;
  });
  const answers = await Promise.race([asked.catch(() => true), setTimeout(ANSWER_MS, false)]);
  const pid = answers ? null : await findServerProcess(options).catch(() => null);
  return pid === null ? '' : `; ${describeSilent(pid, 'does not answer')}`;
}

/**
 * Shuts the rack down. A server that cannot be reached, or is lost on the way, is retried as long as there is time
 * for its plan.
 */
async function shutRackDown(options: OutageOptions, within: number, state: { lastState: string }): Promise<number> {
  const end = performance.now() + within * 1000;
  for (let autostart = true; ;) {
    try {
      return await askRackDown(options, { within, end }, state, autostart);
    } catch (error) {
      const { exitCode, message } = explain(error);
      if (exitCode !== EXIT.unavailable || performance.now() + REACH_AGAIN_MS > end - (within * 1000) / 2) throw error;
      state.lastState = message;
      // A server that ran before is left to its service, or to another caller, to restart.
      if (error instanceof LostServer) autostart = false;
    }
    await setTimeout(REACH_AGAIN_MS);
  }
}

/** The connection ended while the plan was running. */
class LostServer extends Failure {}

/** Asks the server for the shutdown. @throws {LostServer} */
async function askRackDown(
  options: OutageOptions,
  { within, end }: { within: number; end: number },
  state: { lastState: string },
  autostart: boolean,
): Promise<number> {
  const client = await openClient(options, 'outage last', { autostart });
  try {
    client.on('plan', (run) => (state.lastState = `plan ${run.plan}: ${standing(run)}`));
    // The plan ends a little earlier than this program has to.
    const withinS = Math.max(1, Math.min(within - 2, (end - performance.now()) / 1000 - 1));
    const { runs } = await client.request('outage.last', { withinS });
    if (runs.length === 0) {
      hint('rackui: no last plan is configured (outage.last): nothing was shut down');
      return EXIT.done;
    }
    const codes = await Promise.all(runs.map((run) => followPlan(client, run, options.json === true)));
    return codes.find((code) => code !== EXIT.done) ?? EXIT.done;
  } catch (error) {
    const { exitCode, message } = explain(error);
    throw exitCode === EXIT.unavailable ? new LostServer(exitCode, message) : error;
  } finally {
    client.close();
  }
}

function standing({ steps }: PlanRun): string {
  const nodes = steps.flatMap((step) => step.nodes);
  const open = nodes.filter(({ state }) => state !== 'ended').map(({ name }) => name);
  const done = nodes.filter(({ outcome }) => outcome === 'done').length;
  return `${done} of ${count(nodes.length, 'node')} done${open.length === 0 ? '' : `, in progress or not started: ${open.join(', ')}`}`;
}

function show(status: OutageStatus, now: number, options: OutageOptions, code?: number): number {
  if (options.json === true) printJson(supplyJson(status));
  else for (const line of outageLines(status, now)) print(line);
  return code ?? (status.policies.every(({ supply }) => supply.state === 'mains') ? EXIT.done : EXIT.partly);
}

function reportsOf({ policies }: OutageStatus): OutageReport[] {
  return policies.flatMap(({ outage }) => (outage === null ? [] : [outage]));
}

function isWell({ nodes, endedAt }: OutageReport): boolean {
  return (
    endedAt !== null && nodes.every(({ state }) => state === 'on' || state === 'restored' || state === 'came-back')
  );
}

async function withServer(
  options: OutageOptions,
  program: string,
  act: (client: RackClient) => Promise<number>,
): Promise<number> {
  const client = await openClient(options, program, { autostart: true });
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

/** Parses a number of seconds. @throws UsageFailure */
function secondsOf(option: string, text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new UsageFailure(`${option} ${text}: seconds, more than 0 and at most 86400`);
  return seconds;
}
