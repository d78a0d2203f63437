/** Follows a running operation until it ends, or until the operator has seen enough. */
import { exitCodeOf, type Operation } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { nodeJson, operationJson, progressLine, questionLines, standing, summaryLine } from './operation-report.ts';
import { hint, print, printJson } from './output.ts';
import { LEFT, untilOver } from './until-over.ts';

export interface ProgressOutput {
  update(operation: Operation): void;
  /** The last state has been given to `update`. */
  end(): void;
}

/** The exit code that the operation's end stands for; 130 where Ctrl-C left it running. */
export async function follow(client: RackClient, started: Operation, output: ProgressOutput): Promise<number> {
  const last = await untilOver(client, started, {
    listen: (tell) => client.on('operation', tell),
    show: (operation) => output.update(operation),
    isOver: ({ endedAt }) => endedAt !== null,
    lost: (why) =>
      `${why} during operation ${started.id}; nobody here knows how it went on: look with 'rackui ops ${started.id}' and 'rackui status'`,
  }).finally(() => output.end());
  if (last.endedAt !== null) return exitCodeOf(last);
  hint(`operation ${last.id} goes on: look with 'rackui ops ${last.id}', end it with 'rackui abort ${last.id}'`);
  return LEFT;
}

/** Live on a terminal, unless `plain`; else a line for each change; with `json`, a line of JSON for each. `now`: the server's time. */
export async function progressOutput(json: boolean, plain: boolean, now: () => number): Promise<ProgressOutput> {
  if (json) return jsonLines();
  if (plain || !process.stdout.isTTY) return plainLines();
  const { showOperation } = await import('./views/operation-view.tsx');
  return showOperation(now);
}

/** A line for each node whose phase changed, or which asks something; countdowns are no news. */
function plainLines(): ProgressOutput {
  return onNews((operation, news) => {
    for (const node of news)
      for (const line of [progressLine(node, node.since), ...questionLines(operation.id, node)]) print(line);
    if (operation.endedAt !== null) print(summaryLine(operation));
  });
}

/** `{"type":"start"|"node"|"end", …}`. */
function jsonLines(): ProgressOutput {
  let began = false;
  return onNews((operation, news) => {
    if (!began) printJson({ type: 'start', ...operationJson(operation) });
    else for (const node of news) printJson({ type: 'node', id: operation.id, ...nodeJson(node) });
    began = true;
    if (operation.endedAt !== null) printJson({ type: 'end', ...operationJson(operation) });
  });
}

function onNews(tell: (operation: Operation, news: Operation['nodes']) => void): ProgressOutput {
  const said = new Map<number, string>();
  return {
    update(operation) {
      const news = operation.nodes.filter((node) => {
        const state = `${standing(node)}|${node.question?.text ?? ''}`;
        const isNew = said.get(node.addr) !== state;
        said.set(node.addr, state);
        return isNew;
      });
      tell(operation, news);
    },
    end: () => undefined,
  };
}
