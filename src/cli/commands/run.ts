/** Runs a command on nodes: by ssh at once where it is configured, over the one console one node after another. */
import { RPC_ERROR } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { COMMAND_LIMIT, COMMAND_LIMIT_S, type CommandRun } from '../../api/shell.ts';
import { type RackClient, RpcFailure } from '../../client/client.ts';
import { outputLines } from '../../lib/control-chars.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { type GlobalOptions, knownRack, openClient, targetsOf } from '../server-connection.ts';
import { hint, NODE_FAILED, print, printJson, Progress, UsageFailure } from '../terminal-output.ts';

interface RunOptions extends GlobalOptions {
  /** Seconds for each node, and for all of them together. */
  timeout?: string;
  deadline?: string;
  console?: boolean;
  json?: boolean;
}

/** Default time limits, s. */
const TIMEOUT_S = 60;
const DEADLINE_S = 3_600;
/** Requests at once: ssh clients run side by side, and those for the one console wait in the server. */
const AT_ONCE = 6;

/** `ended`: it has an exit code. `cut`: it began, and its end is not known. */
type Result = 'ended' | 'cut' | 'refused' | 'deadline' | 'unreachable';

interface NodeResult {
  node: InventoryNode;
  result: Result;
  run: CommandRun | null;
  why: string;
}

export async function runCommand(words: readonly string[], options: RunOptions): Promise<number> {
  const { selectors, command } = split(words);
  const limitS = secondsOf('--timeout', options.timeout, TIMEOUT_S);
  const deadline = performance.now() + secondsOf('--deadline', options.deadline, DEADLINE_S) * 1000;
  const client = await openClient(options, 'run', { autostart: true });
  const progress = new Progress();
  try {
    const { nodes } = targetsOf(selectors, await knownRack(client));
    const results: NodeResult[] = [];
    const waiting = [...nodes];
    const work = async (): Promise<void> => {
      for (let node = waiting.shift(); node; node = waiting.shift()) {
        progress.show(`${node.name}, ${results.length} of ${nodes.length} done`);
        const late: NodeResult = { node, result: 'deadline', run: null, why: 'not begun before the deadline' };
        const result =
          performance.now() >= deadline
            ? late
            : await runOn(client, node, command, { limitS, console: options.console === true });
        progress.end();
        results.push(result);
        report(result, options.json === true);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (options.json !== true && nodes.length > 1) summarize(results);
    return exitCodeOf(results);
  } finally {
    progress.end();
    client.close();
  }
}

/** Splits `SELECTOR… -- COMMAND…`. The words of the command are joined by blanks, as ssh does. */
function split(words: readonly string[]): { selectors: string[]; command: string } {
  const at = process.argv.indexOf('--');
  const count = at < 0 ? 0 : process.argv.length - at - 1;
  const command = words.slice(words.length - count).join(' ');
  if (count === 0 || count >= words.length || command.trim() === '')
    throw new UsageFailure('give nodes and a command: rackui run SELECTOR… -- COMMAND');
  if (command.length > COMMAND_LIMIT || removeControls(command) !== command)
    throw new UsageFailure(`a command is one line of at most ${COMMAND_LIMIT} characters, without control characters`);
  return { selectors: words.slice(0, words.length - count), command };
}

function removeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '');
}

async function runOn(
  client: RackClient,
  node: InventoryNode,
  command: string,
  { limitS, console }: { limitS: number; console: boolean },
): Promise<NodeResult> {
  try {
    const by = console ? 'console' : 'configured';
    const run = await client.request('node.run', { addr: node.addr, command, by, limitS });
    return { node, result: run.code === null ? 'cut' : 'ended', run, why: run.why };
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    if (error.code === RPC_ERROR.viewOnly || error.code === RPC_ERROR.version) throw error;
    const refused = error.code === RPC_ERROR.held || error.code === RPC_ERROR.refused;
    return { node, result: refused ? 'refused' : 'unreachable', run: null, why: error.message };
  }
}

function report({ node, result, run, why }: NodeResult, json: boolean): void {
  const { addr, name } = node;
  if (json) {
    printJson({
      addr: formatAddress(addr),
      pos: formatPosition(addr),
      name,
      result,
      by: run?.by ?? null,
      exitCode: run?.code ?? null,
      output: run?.output ?? '',
      truncated: run?.truncated ?? false,
      ms: run?.ms ?? null,
      why,
    });
    return;
  }
  const end = run?.code == null ? why : `exit code ${run.code}${why === '' ? '' : `; ${why}`}`;
  print(`== ${name} (${formatPosition(addr)}, ${formatAddress(addr)}): ${end}`);
  for (const line of outputLines(run?.output ?? '')) print(line);
  if (run?.truncated === true) print('(more was printed, and left out)');
}

function summarize(results: readonly NodeResult[]): void {
  const done = results.filter(({ run }) => run?.code === 0).length;
  hint(`exit code 0 on ${done} of ${results.length} nodes`);
}

function exitCodeOf(results: readonly NodeResult[]): number {
  const done = results.filter(({ run }) => run?.code === 0).length;
  if (done === results.length) return EXIT.done;
  if (done > 0) return EXIT.partly;
  const any = (result: Result): boolean => results.some((one) => one.result === result);
  if (any('ended')) return NODE_FAILED;
  if (any('cut') || any('deadline')) return EXIT.deadline;
  return any('refused') ? EXIT.refused : EXIT.unavailable;
}

function secondsOf(option: string, text: string | undefined, otherwise: number): number {
  const seconds = text === undefined ? otherwise : Number(text);
  if (!(seconds > 0 && seconds <= COMMAND_LIMIT_S))
    throw new UsageFailure(`${option} ${text ?? ''}: seconds, at most ${COMMAND_LIMIT_S}`);
  return seconds;
}
