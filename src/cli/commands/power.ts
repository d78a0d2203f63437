/** Power verbs, and the operations that they start: list, follow, answer, abort. */
import { busUsable } from '../../api/bus.ts';
import {
  cuts,
  EXIT,
  type NodeProgress,
  type Operation,
  type PowerCheck,
  type PowerRequest,
  type Question,
  seenIn,
} from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { didYouMean } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { DEPENDENCE_RULES, type DependenceRule } from '../../rack/plan.ts';
import { confirmation, NOTHING_SENT } from '../confirm.ts';
import { follow, progressOutput } from '../follow.ts';
import {
  checkJson,
  checkLines,
  meaningLine,
  operationJson,
  operationLines,
  refuses,
  summaryLine,
} from '../format/power.ts';
import { type GlobalOptions, knownRack, openClient, targetsOf } from '../server-connection.ts';
import { Failure, hint, print, printJson, UsageFailure, writtenId } from '../terminal-output.ts';

export interface PowerOptions extends GlobalOptions {
  force?: boolean;
  confirm?: string;
  deadline?: string;
  onDeadline?: string;
  takeConsole?: boolean;
  override?: string;
  detach?: boolean;
  json?: boolean;
  dryRun?: boolean;
}

export type PowerWord = 'on' | 'off' | 'cycle';

export async function powerCommand(
  word: PowerWord,
  selectors: readonly string[],
  options: PowerOptions,
): Promise<number> {
  const asked = askedOf(word, options);
  const json = options.json === true;
  const client = await openClient(options, word, { autostart: true });
  try {
    const prepared = await preparePower(client, asked, selectors);
    const { check } = prepared;
    if (options.dryRun === true) return dryRun(check, json);
    if (!json) for (const line of [meaningLine(check), ...checkLines(check)]) hint(line);
    if (refuses(check)) return refused(check, json);
    if (cuts(check.verb))
      prepared.request.confirm = await confirmation(
        options.confirm,
        check.confirm,
        `${check.verb} ${prepared.request.label} cuts power`,
        options.plain,
      );
    return await startPower(client, prepared, options);
  } finally {
    client.close();
  }
}

/** What the command line says of every node, on whichever rack. */
export type AskedPower = Omit<PowerRequest, 'nodes' | 'label'>;

/** Reads the options. @throws UsageFailure */
export function askedOf(word: PowerWord, options: PowerOptions): AskedPower {
  return {
    verb: word !== 'on' && options.force === true ? `force-${word}` : word,
    confirm: null,
    takeConsole: options.takeConsole === true || (isUnattended(options) && 'silent'),
    ...limitsOf(options),
    overrides: overridesOf(options),
  };
}

/** A request for one rack and its check, not confirmed yet. */
export interface PreparedPower {
  request: PowerRequest;
  check: PowerCheck;
}

/** Resolves the words to nodes and checks them; sends no verb. @throws {Failure} the bus cannot be used */
export async function preparePower(
  client: RackClient,
  asked: AskedPower,
  selectors: readonly string[],
): Promise<PreparedPower> {
  const rack = await knownRack(client);
  if (!busUsable(rack.bus.state)) throw new Failure(EXIT.unavailable, rack.bus.detail);
  const { nodes, label } = targetsOf(selectors, rack);
  const request: PowerRequest = { ...asked, nodes: nodes.map(({ addr }) => addr), label };
  return { request, check: await client.request('power.check', request) };
}

/** Starts a confirmed request, and follows it to its end. */
export async function startPower(
  client: RackClient,
  { request, check }: PreparedPower,
  { json = false, detach = false, plain = false }: Pick<PowerOptions, 'json' | 'detach' | 'plain'>,
): Promise<number> {
  const starting = client.request('power.start', { ...request, seen: seenIn(check) });
  if (detach) {
    const operation = await starting;
    if (json) printJson(operationJson(operation));
    else print(operation.id);
    return EXIT.done;
  }
  // The view's code loads while the request is on its way.
  const [output, operation] = await Promise.all([progressOutput(json, plain, () => client.now()), starting]);
  return follow(client, operation, output);
}

/** Prints the effects; sends no verb and asks for no confirmation. */
function dryRun(check: PowerCheck, json: boolean): number {
  if (json) printJson({ type: 'check', ...checkJson(check) });
  else {
    for (const line of [meaningLine(check), ...checkLines(check)]) print(line);
    if (cuts(check.verb)) print(`to confirm: --confirm '${check.confirm}'`);
    print(NOTHING_SENT);
  }
  return refuses(check) ? EXIT.refused : EXIT.done;
}

/** The rule was printed with the node; programs get it as JSON. */
function refused(check: PowerCheck, json: boolean): number {
  if (json) printJson({ type: 'refused', ...checkJson(check) });
  hint(`rackui: ${check.verb} refused, nothing was sent`);
  return EXIT.refused;
}

/** Returns whether no user is there to take the console from a session whose program is silent. */
function isUnattended({ detach }: PowerOptions): boolean {
  return detach === true || !(process.stdin.isTTY && process.stderr.isTTY);
}

/** Parses the limits. @throws UsageFailure */
function limitsOf({ deadline, onDeadline = 'leave' }: PowerOptions): Pick<PowerRequest, 'deadlineS' | 'onDeadline'> {
  const deadlineS = deadline === undefined ? null : Number(deadline);
  if (deadlineS !== null && !(deadlineS > 0 && deadlineS <= 86_400))
    throw new UsageFailure(`--deadline ${deadline ?? ''}: seconds, more than 0 and at most 86400`);
  if (onDeadline !== 'leave' && onDeadline !== 'cut')
    throw new UsageFailure(
      `--on-deadline: found '${onDeadline}'; allowed: leave (the default), cut${didYouMean(onDeadline, ['leave', 'cut'])}`,
    );
  return { deadlineS, onDeadline };
}

/** Parses the overrides. @throws UsageFailure */
function overridesOf({ override = '' }: PowerOptions): DependenceRule[] {
  return override
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map((word) => {
      const rule = DEPENDENCE_RULES.find((known) => known === word);
      if (rule === undefined)
        throw new UsageFailure(
          `--override: found '${word}'; allowed: ${DEPENDENCE_RULES.join(', ')}${didYouMean(word, DEPENDENCE_RULES)}`,
        );
      return rule;
    });
}

interface OpsOptions extends GlobalOptions {
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
  return new UsageFailure(`there is no operation '${id}': 'rackui ops' lists the known ones${didYouMean(id, ids)}`);
}

interface AnswerOptions extends OpsOptions {
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
        `'${choice}' is not a choice for ${name}; choices: ${keys.join(', ')}${didYouMean(choice, keys)}`,
      );
    }
    const words = chosen.confirm;
    const confirm =
      words === null ? null : await confirmation(options.confirm, words, `${choice} cuts power`, options.plain);
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
  if (asking.length === 0) throw new UsageFailure(`operation ${id} has no prompt: see 'rackui ops ${writtenId(id)}'`);
  if (wanted === undefined && asking.length > 1)
    throw new UsageFailure(`several nodes of operation ${id} have a prompt (${names}): select one with --node`);
  const is = ({ name, addr }: Asking): boolean =>
    wanted === undefined || [name.toLowerCase(), formatAddress(addr)].includes(wanted.toLowerCase());
  const one = asking.find(is);
  if (one === undefined)
    throw new UsageFailure(
      `'${wanted ?? ''}' has no prompt in operation ${id}; nodes with a prompt: ${names}${didYouMean(
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
