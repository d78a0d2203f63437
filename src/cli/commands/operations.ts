/** `rackui ops` and `rackui abort`. */
import { EXIT } from '../../api/power.ts';
import { openClient, type GlobalOptions } from '../context.ts';
import { UsageFailure } from '../failure.ts';
import { operationJson, operationLines, summaryLine } from '../operation-report.ts';
import { print, printJson } from '../output.ts';

export interface OpsOptions extends GlobalOptions {
  json?: boolean;
}

/** All that the server remembers, or one with its evidence. */
export async function opsCommand(id: string | undefined, options: OpsOptions): Promise<number> {
  const client = await openClient(options, 'ops', { autostart: true });
  try {
    const operations = await client.request('ops.list', {});
    if (id === undefined) {
      if (options.json === true) printJson(operations.map(operationJson));
      else if (operations.length === 0) print('no operations');
      else for (const operation of operations) print(summaryLine(operation));
      return EXIT.done;
    }
    const found = operations.find((operation) => operation.id === id);
    if (found === undefined)
      throw new UsageFailure(`there is no operation ${id}: 'rackui ops' lists those that the server remembers`);
    if (options.json === true) printJson(operationJson(found));
    else for (const line of operationLines(found)) print(line);
    return EXIT.done;
  } finally {
    client.close();
  }
}

export async function abortCommand(id: string, options: OpsOptions): Promise<number> {
  const client = await openClient(options, 'abort', { autostart: false });
  try {
    const operation = await client.request('ops.abort', { id });
    if (options.json === true) printJson(operationJson(operation));
    else for (const line of operationLines(operation)) print(line);
    return EXIT.done;
  } finally {
    client.close();
  }
}
