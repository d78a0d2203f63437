/** Opens a node's console. */
import { busUsable } from '../../api/bus.ts';
import { type ConsoleBaudRate, RPC_ERROR } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import type { ConsoleKeyTable } from '../console/keys.ts';
import type { ConsoleStep } from '../console/script.ts';
import { type GlobalOptions, knownRack, openClient, targetOf } from '../server-connection.ts';
import { explain, Failure, UsageFailure } from '../terminal-output.ts';
import { configuredSettings } from './tui.ts';

/** A step as written on the command line; its parser is loaded when it is needed. */
export interface StepText {
  do: ConsoleStep['do'];
  text: string;
}

interface ConsoleOptions extends GlobalOptions {
  /** Takes the keyboard, and the console from another node where another session types. */
  force?: boolean;
  /** Both are the same list: their order is the command line's. */
  send?: StepText[];
  expect?: StepText[];
  /** Seconds. */
  timeout?: string;
  rawOutput?: boolean;
  baud?: string;
  prefix?: string;
  /** Path at which the console is offered as a pseudo-terminal. */
  pty?: string;
}

/** Default time limit of an expectation, s. */
const TIMEOUT_S = 10;

export async function consoleCommand(word: string, options: ConsoleOptions): Promise<number> {
  const script = {
    take: options.force === true,
    steps: await parseSteps(options.send ?? options.expect ?? []),
    timeoutMs: readTimeout(options.timeout) * 1000,
    rawOutput: options.rawOutput === true,
    baud: readBaud(options.baud),
  };
  const others = script.steps.length > 0 || script.rawOutput || (options.prefix ?? options.baud) !== undefined;
  if (options.pty !== undefined && others)
    throw new UsageFailure(
      '--pty offers the console to another program: not with --send, --expect, --raw-output, --baud or --prefix',
    );
  const client = await openClient(options, 'console', { autostart: true });
  try {
    const rack = await knownRack(client);
    if (!busUsable(rack.bus.state)) throw new Failure(EXIT.unavailable, rack.bus.detail);
    const node = targetOf(word, rack);
    if (options.pty !== undefined) {
      const { offerConsole } = await import('../console/offer.ts');
      return await offerConsole(client, node, {
        path: options.pty,
        take: script.take,
        watch: options.viewOnly === true,
      });
    }
    const { stdin, stdout } = process;
    if (script.steps.length === 0 && stdin.isTTY && stdout.isTTY) {
      if (process.env.TERM === 'dumb')
        throw new UsageFailure(
          'TERM=dumb cannot show a console: pipe lines in instead (echo uptime | rackui console …)',
        );
      const { liveConsole } = await import('../console/live.ts');
      const live = { ...script, keys: await keysOf(options) };
      return await liveConsole(client, node, live, stdin, stdout);
    }
    const { scriptConsole } = await import('../console/script.ts');
    return await scriptConsole(client, node, script);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === RPC_ERROR.held)
      throw new Failure(explain(error).exitCode, `${error.message}; take it with --force`);
    throw error;
  } finally {
    client.close();
  }
}

/** @throws {UsageFailure} for a text that cannot be sent, and a pattern that cannot be compiled */
async function parseSteps(steps: readonly StepText[]): Promise<ConsoleStep[]> {
  if (steps.length === 0) return [];
  const { expectStep, sendStep } = await import('../console/script.ts');
  return steps.map(({ do: kind, text }) => (kind === 'send' ? sendStep(text) : expectStep(text)));
}

/** Returns the interface's keys at a console, with the prefix of `--prefix`. @throws {UsageFailure} {ConfigError} */
async function keysOf({ prefix: given, config }: ConsoleOptions): Promise<ConsoleKeyTable> {
  const [settings, { CONSOLE_BINDINGS }, { keyLabel }] = await Promise.all([
    configuredSettings(config),
    import('../../tui/console/console-keys.ts'),
    import('../../tui/keymap/key-names.ts'),
  ]);
  let all = settings?.keys.bindings ?? CONSOLE_BINDINGS;
  const bindings = all.filter(({ context }) => context === 'prefix');
  if (given !== undefined) {
    const { resolveKeys } = await import('../../tui/keymap/key-table.ts');
    const { keys, problems } = resolveKeys({ console: { prefix: given } });
    if (problems[0] !== undefined) throw new UsageFailure(`--prefix: ${problems[0].message}`);
    all = keys.bindings;
  }
  const prefix = all.find(({ command }) => command === 'prefix')?.keys[0] ?? '';
  return { prefix, bindings, label: keyLabel };
}

function readTimeout(text: string | undefined): number {
  const seconds = text === undefined ? TIMEOUT_S : Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) throw new UsageFailure(`--timeout ${text ?? ''}: seconds, at most 86400`);
  return seconds;
}

function readBaud(text: string | undefined): ConsoleBaudRate | null {
  const rate = ([115200, 57600, 19200, 9600] as const).find((one) => String(one) === text);
  if (text !== undefined && rate === undefined)
    throw new UsageFailure(`--baud ${text}: a BMC listens at 115200, 57600, 19200 or 9600`);
  return rate ?? null;
}
