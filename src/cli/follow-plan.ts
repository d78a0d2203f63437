/** Follows a run until it ends, or waits for somebody: lines for people, or JSON lines. */
import { planExitCode, type PlanNodeRun, type PlanRun } from '../api/plan.ts';
import type { RackClient } from '../client/client.ts';
import { hint, print, printJson } from './output.ts';
import { nodeLine, nodesOf, planNodeJson, runJson, runLine, standingOf, stepOf } from './plan-report.ts';
import { LEFT, untilOver } from './until-over.ts';

/** The exit code that the run's end stands for; 2 where it waits for somebody; 130 where Ctrl-C left it running. */
export async function followPlan(client: RackClient, started: PlanRun, json: boolean): Promise<number> {
  const tell = json ? planJsonLines() : planLines();
  const last = await untilEnd(client, started, tell);
  if (!goesOn(last)) {
    if (last.state !== 'ended') hint(howOn(last));
    return planExitCode(last);
  }
  hint(`run ${last.id} goes on: look with 'rackui plan list', end it with 'rackui plan abort ${last.id}'`);
  return LEFT;
}

/** Its state when it has ended, waits for somebody, or Ctrl-C left it; nothing is printed meanwhile. */
export function endOf(client: RackClient, run: PlanRun): Promise<PlanRun> {
  return untilEnd(client, run, () => undefined);
}

/** What can be done about a run that waits for somebody. */
export function howOn({ id }: PlanRun): string {
  return `go on with 'rackui plan resume ${id}', leave a node out with 'rackui plan skip ${id} NODE', end it with 'rackui plan abort ${id}'`;
}

function goesOn({ state }: PlanRun): boolean {
  return state === 'running' || state === 'pausing' || state === 'aborting';
}

type PlanOutput = (run: PlanRun, news: readonly PlanNodeRun[]) => void;

function untilEnd(client: RackClient, started: PlanRun, tell: PlanOutput): Promise<PlanRun> {
  const said = new Map<number, string>();
  return untilOver(client, started, {
    listen: (heard) => client.on('plan', heard),
    show: (run) => {
      const news = nodesOf(run).filter((node) => {
        const isNew = said.get(node.addr) !== standingOf(node);
        said.set(node.addr, standingOf(node));
        return isNew;
      });
      tell(run, news);
    },
    isOver: (run) => !goesOn(run),
    lost: (why) =>
      `${why} during run ${started.id} of ${started.plan}: look with 'rackui plan list', go on with 'rackui plan resume ${started.id}'`,
  });
}

/** A line for each node that stands differently; what waits is no news at the start. */
function planLines(): PlanOutput {
  let state: string | null = null;
  return (run, news) => {
    for (const node of news) if (state !== null || node.state !== 'waiting') print(nodeLine(node));
    if (state !== run.state) print(runLine(run));
    state = run.state;
  };
}

/** `{"type":"plan-start"|"plan-node"|"plan-end", …}`; `plan-end` also where it waits for somebody. */
function planJsonLines(): PlanOutput {
  let began = false;
  return (run, news) => {
    if (!began) printJson({ type: 'plan-start', ...runJson(run) });
    else
      for (const node of news)
        printJson({
          ...{ type: 'plan-node', id: run.id, plan: run.plan, step: stepOf(run, node.addr)?.name ?? '' },
          ...planNodeJson(node),
        });
    began = true;
    if (!goesOn(run)) printJson({ type: 'plan-end', ...runJson(run) });
  };
}
