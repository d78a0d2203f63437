/** `rackui ops`, `rackui answer` and `rackui abort`. */
import { EXIT, type NodeProgress, type Operation, type Question } from '../../api/power.ts';
import { didYouMean } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { confirmation } from '../confirm.ts';
import { operationJson, operationLines, summaryLine } from '../format/power.ts';
import { type GlobalOptions, openClient } from '../server-connection.ts';
import { print, printJson, UsageFailure } from '../terminal-output.ts';

export interface OpsOptions extends GlobalOptions {
  json?: boolean;
}

/** Lists all operations that the server keeps, or prints one with its evidence. */
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
    if (found === undefined) throw noOperation(id, operations);
    if (options.json === true) printJson(operationJson(found));
    else for (const line of operationLines(found)) print(line);
    return EXIT.done;
  } finally {
    client.close();
  }
}

function noOperation(id: string, operations: readonly Operation[]): UsageFailure {
  const ids = operations.map((operation) => operation.id);
  return new UsageFailure(
    `there is no operation '${id}': 'rackui ops' lists those that the server remembers${didYouMean(id, ids)}`,
  );
}

export interface AnswerOptions extends OpsOptions {
  node?: string;
  confirm?: string;
}

/** Answers the question of a running operation's node; `choice`: one of its keys. */
export async function answerCommand(id: string, choice: string, options: AnswerOptions): Promise<number> {
  const client = await openClient(options, 'answer', { autostart: false });
  try {
    const operations = await client.request('ops.list', {});
    const found = operations.find((operation) => operation.id === id);
    if (found === undefined) throw noOperation(id, operations);
    const { addr, name, question } = askingNode(found, options.node);
    const chosen = question.choices.find(({ key }) => key === choice);
    if (chosen === undefined) {
      const keys = question.choices.map(({ key }) => key);
      throw new UsageFailure(
        `'${choice}' is no answer to the question of ${name}; answers: ${keys.join(', ')}${didYouMean(choice, keys)}`,
      );
    }
    const words = chosen.confirm;
    const confirm = words === null ? null : await confirmation(options.confirm, words, choice, options.plain);
    const answer = { id, addr, question: question.id, choice, confirm };
    const operation = await client.request('ops.answer', answer);
    if (options.json === true) printJson(operationJson(operation));
    else for (const line of operationLines(operation)) print(line);
    return EXIT.done;
  } finally {
    client.close();
  }
}

type Asking = Pick<NodeProgress, 'addr' | 'name'> & { question: Question };

/** Returns the only node with a question, or the named one. @throws {UsageFailure} there is none, or it is ambiguous */
function askingNode({ id, nodes }: Operation, wanted: string | undefined): Asking {
  const asking = nodes.flatMap(({ addr, name, question }): Asking[] =>
    question === null ? [] : [{ addr, name, question }],
  );
  const names = asking.map(({ name }) => name).join(', ');
  if (asking.length === 0)
    throw new UsageFailure(`operation ${id} asks nothing now: 'rackui ops ${id}' tells how it stands`);
  if (wanted === undefined && asking.length > 1)
    throw new UsageFailure(`several nodes of operation ${id} ask (${names}): say which with --node`);
  const is = ({ name, addr }: Asking): boolean =>
    wanted === undefined || [name.toLowerCase(), formatAddress(addr)].includes(wanted.toLowerCase());
  const one = asking.find(is);
  if (one === undefined)
    throw new UsageFailure(
      `'${wanted ?? ''}' asks nothing in operation ${id}; who asks: ${names}${didYouMean(
        wanted ?? '',
        asking.map(({ name }) => name),
      )}`,
    );
  return one;
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
