/** Follows a running operation until it ends, or until the operator has seen enough. */
import { EXIT, exitCodeOf, type Operation } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { Failure } from './failure.ts';
import { nodeJson, operationJson, progressLine, questionLines, standing, summaryLine } from './operation-report.ts';
import { hint, print, printJson } from './output.ts';

/** 128 + SIGINT: the operator left, the operation did not. */
const LEFT = 130;

export interface ProgressOutput {
  update(operation: Operation): void;
  /** The last state has been given to `update`. */
  end(): void;
}

/** The exit code that the operation's end stands for; 130 where Ctrl-C left it running. */
export async function follow(client: RackClient, started: Operation, output: ProgressOutput): Promise<number> {
  const last = await untilEnd(client, started, output).finally(() => output.end());
  if (last.endedAt !== null) return exitCodeOf(last);
  hint(`operation ${last.id} goes on: look with 'rackui ops ${last.id}', end it with 'rackui abort ${last.id}'`);
  return LEFT;
}

function untilEnd(client: RackClient, started: Operation, output: ProgressOutput): Promise<Operation> {
  return new Promise((resolve, reject) => {
    let latest = started;
    const leave = (): void => settle(() => resolve(latest));
    const stops = [
      client.on('operation', (operation) => {
        if (operation.id === started.id) show(operation);
      }),
      client.onClose((why) =>
        settle(() =>
          reject(
            new Failure(
              EXIT.unavailable,
              `${why} during operation ${started.id}; nobody here knows how it went on: look with 'rackui ops ${started.id}' and 'rackui status'`,
            ),
          ),
        ),
      ),
    ];
    process.on('SIGINT', leave);
    show(started);

    function show(operation: Operation): void {
      latest = operation;
      output.update(operation);
      if (operation.endedAt !== null) leave();
    }

    function settle(finish: () => void): void {
      for (const stop of stops) stop();
      process.off('SIGINT', leave);
      finish();
    }
  });
}

/** Live on a terminal, unless `plain`; else a line for each change; with `json`, a line of JSON for each. */
export async function progressOutput(json: boolean, plain = false): Promise<ProgressOutput> {
  if (json) return jsonLines();
  if (plain || !process.stdout.isTTY) return plainLines();
  const { showOperation } = await import('./views/operation-view.tsx');
  return showOperation();
}

/** A line for each node whose phase changed, or which asks something; countdowns are no news. */
function plainLines(): ProgressOutput {
  return onNews((operation, news) => {
    for (const node of news) for (const line of [progressLine(node, node.since), ...questionLines(node)]) print(line);
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
