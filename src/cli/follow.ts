/**
 * Follows a run, an operation or the rack's status until it ends, waits for an operator, or is interrupted: a live
 * view on a terminal, otherwise lines or JSON lines.
 */
import type { ServerNotes, Snapshot } from '../api/methods.ts';
import { goesOn, planExitCode, type PlanNodeRun, type PlanRun } from '../api/plans.ts';
import { EXIT, exitCodeOf, type Operation } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { conditionText } from '../rack/system-state.ts';
import { nodeLine, nodesOf, planNodeJson, runJson, runLine, standingOf, stepOf } from './format/plan.ts';
import { nodeJson, operationJson, progressLine, questionLines, standing, summaryLine } from './format/power.ts';
import {
  ageText,
  clusterText,
  conditionOf,
  type NodeReport,
  type StatusReport,
  statusTable,
  supplySentence,
} from './format/status.ts';
import { Failure, hint, iso, LEFT, print, printJson, writtenId } from './terminal-output.ts';

export interface Watched<T> {
  /** Subscribes to every state, of others too; returns the function that unsubscribes. */
  listen(notify: (state: T) => void): () => void;
  show(state: T): void;
  isOver(state: T): boolean;
  /** Returns the error's text where the server is lost; `why` begins the sentence. */
  lost(why: string): string;
}

/** Resolves with the last state: it has ended, or Ctrl-C was pressed. @throws {Failure} the server is lost */
function untilOver<T extends { id: string }>(client: RackClient, started: T, watched: Watched<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let latest = started;
    const leave = (): void => settle(() => resolve(latest));
    const stops = [
      watched.listen((state) => {
        if (state.id === started.id) show(state);
      }),
      client.onClose((why) => settle(() => reject(new Failure(EXIT.unavailable, watched.lost(why))))),
    ];
    process.on('SIGINT', leave);
    show(started);

    function show(state: T): void {
      latest = state;
      watched.show(state);
      if (watched.isOver(state)) leave();
    }

    function settle(finish: () => void): void {
      for (const stop of stops) stop();
      process.off('SIGINT', leave);
      finish();
    }
  });
}

/** Returns the exit code of the run's end; 2 where it waits for an operator; 130 where Ctrl-C left it running. */
export async function followPlan(client: RackClient, started: PlanRun, json: boolean): Promise<number> {
  const last = await untilEnd(client, started, planPrinter(json));
  if (!goesOn(last)) {
    if (last.state !== 'ended') hint(howOn(last));
    return planExitCode(last);
  }
  hint(`run ${last.id} continues: see 'rackui plan list', abort it with 'rackui plan abort ${writtenId(last.id)}'`);
  return LEFT;
}

/** Resolves with the state of a run that has ended, waits for an operator, or was left by Ctrl-C; prints nothing. */
export function endOf(client: RackClient, run: PlanRun): Promise<PlanRun> {
  return untilEnd(client, run, () => undefined);
}

/** Returns the commands for a run that waits for an operator. */
export function howOn(run: PlanRun): string {
  const id = writtenId(run.id);
  return `resume it with 'rackui plan resume ${id}', skip a node with 'rackui plan skip ${id} NODE', abort it with 'rackui plan abort ${id}'`;
}

type PlanOutput = (run: PlanRun, changes: readonly PlanNodeRun[]) => void;

/** Makes a function that prints each state of one run: its lines, or with `json` its objects. */
export function planPrinter(json: boolean): (run: PlanRun) => void {
  const show = json ? planJsonLines() : planLines();
  const printed = new Map<number, string>();
  return (run) => {
    const changes = nodesOf(run).filter((node) => {
      const isNew = printed.get(node.addr) !== standingOf(node);
      printed.set(node.addr, standingOf(node));
      return isNew;
    });
    show(run, changes);
  };
}

function untilEnd(client: RackClient, started: PlanRun, show: (run: PlanRun) => void): Promise<PlanRun> {
  return untilOver(client, started, {
    listen: (listener) => client.on('plan', listener),
    show,
    isOver: (run) => !goesOn(run),
    lost: (why) =>
      `${why} during run ${started.id} of ${started.plan}: see 'rackui plan list', resume it with 'rackui plan resume ${writtenId(started.id)}'`,
  });
}

/** Prints a line for each node whose state changed; at the start none for waiting nodes. */
function planLines(): PlanOutput {
  let state: string | null = null;
  return (run, changes) => {
    for (const node of changes) if (state !== null || node.state !== 'waiting') print(nodeLine(node));
    if (state !== run.state) print(runLine(run));
    state = run.state;
  };
}

/** `{"type":"plan-start"|"plan-node"|"plan-end", …}`; `plan-end` also where it waits for an operator. */
function planJsonLines(): PlanOutput {
  let began = false;
  return (run, changes) => {
    if (!began) printJson({ type: 'plan-start', ...runJson(run) });
    else
      for (const node of changes)
        printJson({
          type: 'plan-node',
          id: run.id,
          plan: run.plan,
          step: stepOf(run, node.addr)?.name ?? '',
          ...planNodeJson(node),
        });
    began = true;
    if (!goesOn(run)) printJson({ type: 'plan-end', ...runJson(run) });
  };
}

export interface ProgressOutput {
  update(operation: Operation): void;
  /** Called after the last state was given to `update`. */
  end(): void;
}

/** Returns the exit code of the operation's end; 130 where Ctrl-C left it running. */
export async function follow(client: RackClient, started: Operation, output: ProgressOutput): Promise<number> {
  const last = await untilOver(client, started, {
    listen: (notify) => client.on('operation', notify),
    show: (operation) => output.update(operation),
    isOver: ({ endedAt }) => endedAt !== null,
    lost: (why) =>
      `${why} during operation ${started.id}; its outcome is unknown: see 'rackui ops ${writtenId(started.id)}' and 'rackui status'`,
  }).finally(() => output.end());
  if (last.endedAt !== null) return exitCodeOf(last);
  const id = writtenId(last.id);
  hint(`operation ${last.id} continues: see 'rackui ops ${id}', abort it with 'rackui abort ${id}'`);
  return LEFT;
}

/**
 * Makes a live view on a terminal, unless `plain`; otherwise a line for each change; with `json`, JSON lines.
 * `now`: the server's time.
 */
export async function progressOutput(json: boolean, plain: boolean, now: () => number): Promise<ProgressOutput> {
  if (json) return jsonLines();
  if (plain || !process.stdout.isTTY) return plainLines();
  const { showOperation } = await import('./live-views.tsx');
  return showOperation(now);
}

/** Prints a line for each node whose phase changed, or which has a question; none for countdowns. */
function plainLines(): ProgressOutput {
  return onChanges((operation, changes) => {
    for (const node of changes)
      for (const line of [progressLine(node, node.since), ...questionLines(operation.id, node)]) print(line);
    if (operation.endedAt !== null) print(summaryLine(operation));
  });
}

/** `{"type":"start"|"node"|"end", …}`. */
function jsonLines(): ProgressOutput {
  let began = false;
  return onChanges((operation, changes) => {
    if (!began) printJson({ type: 'start', ...operationJson(operation) });
    else for (const node of changes) printJson({ type: 'node', id: operation.id, ...nodeJson(node) });
    began = true;
    if (operation.endedAt !== null) printJson({ type: 'end', ...operationJson(operation) });
  });
}

function onChanges(show: (operation: Operation, changes: Operation['nodes']) => void): ProgressOutput {
  const printed = new Map<number, string>();
  return {
    update(operation) {
      const changes = operation.nodes.filter((node) => {
        const state = `${standing(node)}|${node.question?.text ?? ''}`;
        const isNew = printed.get(node.addr) !== state;
        printed.set(node.addr, state);
        return isNew;
      });
      show(operation, changes);
    },
    end: () => undefined,
  };
}

/** Interval of redrawing between updates, ms: ages continue. */
const REDRAW_MS = 1_000;

/** Runs until Ctrl-C (0) or the server's end (5). */
export async function watchStatus(
  client: RackClient,
  report: (snapshot: Snapshot) => StatusReport,
  { json = false, plain = false }: { json?: boolean; plain?: boolean },
): Promise<number> {
  let snapshot = await client.request('sweep', { addrs: null, interrupt: false });
  const current = (): StatusReport => report({ ...snapshot, now: client.now() });
  const out = json || plain || !process.stdout.isTTY ? lines(json, () => client.now()) : await liveTable(current);
  out.update(current());
  return new Promise((resolve) => {
    const timer = setInterval(() => out.update(current()), REDRAW_MS);
    const stops = [
      client.on('update', (update) => {
        snapshot = applied(snapshot, update);
        out.update(current());
      }),
      client.on('rack', ({ rack }) => {
        snapshot = { ...snapshot, rack };
        out.update(current());
      }),
      client.onClose(() => leave(EXIT.unavailable)),
    ];
    const interrupted = (): void => leave(EXIT.done);
    process.once('SIGINT', interrupted);
    function leave(code: number): void {
      clearInterval(timer);
      process.off('SIGINT', interrupted);
      for (const stop of stops) stop();
      out.end();
      if (code === EXIT.unavailable) hint('rackui: the connection to the server was lost');
      resolve(code);
    }
  });
}

/** Returns the snapshot after an update. */
function applied(snapshot: Snapshot, update: ServerNotes['update']): Snapshot {
  const changed = new Map((update.nodes ?? []).map((node) => [node.addr, node]));
  const kept = snapshot.nodes.map((node) => changed.get(node.addr) ?? node);
  const known = new Set(kept.map(({ addr }) => addr));
  return {
    ...snapshot,
    now: update.now,
    bus: update.bus ?? snapshot.bus,
    outage: update.outage ?? snapshot.outage,
    nodes: [...kept, ...[...changed.values()].filter(({ addr }) => !known.has(addr))],
  };
}

interface Output {
  update(report: StatusReport): void;
  end(): void;
}

async function liveTable(first: () => StatusReport): Promise<Output> {
  const { showStatus } = await import('./live-views.tsx');
  return showStatus(first());
}

/** Prints a table at first, then a line for each node (and the bus) whose state changed; none for values alone. */
function lines(json: boolean, now: () => number): Output {
  const printed = new Map<string, string>();
  let began = false;
  return {
    update(report) {
      if (!began && !json) for (const line of statusTable(report)) print(line);
      const { bus, supply, nodes } = report;
      const changes = [
        { key: 'bus', state: bus.state, line: `bus ${bus.state} ${bus.detail}`, record: { bus } },
        ...supply.map((one) => ({
          key: `supply ${one.nodes}`,
          state: [one.state, one.why ?? '', one.low, one.fits, one.phase ?? ''].join('|'),
          line: `supply: ${supplySentence(one, supply.length > 1)}`,
          record: { supply: one },
        })),
        ...nodes.map((node) => ({ key: node.addr, state: stateOf(node), line: statusLine(node), record: { node } })),
      ];
      const at = iso(now());
      for (const { key, state, line, record } of changes) {
        if (printed.get(key) === state) continue;
        printed.set(key, state);
        if (json) printJson({ at, ...record });
        else if (began) print(`${at} ${line}`);
      }
      began = true;
    },
    end: () => undefined,
  };
}

function stateOf(node: NodeReport): string {
  return [conditionOf(node), node.op ?? '', node.kubernetes ?? '', ...node.alarms].join('|');
}

function statusLine(node: NodeReport): string {
  const operation = node.op === null ? null : `operation ${node.op}`;
  const extra = [operation, clusterText(node), ...node.alarms].filter((text) => text !== null).join(', ');
  const { last, freshness, ageMs } = node;
  const old = freshness === 'stale' && last !== null ? ` (last ${last.power}, ${ageText(ageMs ?? 0)} ago)` : '';
  return `${node.name} (${node.pos}, ${node.addr}) ${conditionText(conditionOf(node))}${old}${extra === '' ? '' : `: ${extra}`}`;
}
