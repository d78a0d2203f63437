/** Commands as an operator or a script runs them: their streams and their exit code. */
import { COMMON_EXITS, EXITS } from '../../src/cli/exit-codes.ts';
import { type Ran, type RunOptions, startCommand, startProcess } from '../support/command.ts';

export type { Ran, RunOptions };

/** Runs to the end. */
export async function rackui(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return declared(args, await startCommand(args, options).ended);
}

/** Runs to the end as a process of its own, for what is about the process. */
export async function rackuiProcess(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return declared(args, await startProcess(args, options).ended);
}

/** Expects the exit code to be one that the command's help names. */
function declared(args: readonly string[], ran: Ran): Ran {
  if (!isDeclared(args, ran.code))
    throw new Error(`docs/json.md does not name exit code ${ran.code ?? '?'} of ${args.join(' ')}: ${ran.stderr}`);
  return ran;
}

/** Whether the exit code is one that the command's help tells of; a signal has none. */
function isDeclared(args: readonly string[], code: number | null): boolean {
  if (code === null) return true;
  const words = args.join(' ');
  const named = Object.keys(EXITS)
    .filter((command) => ` ${words} `.includes(` ${command} `))
    .sort((a, b) => b.length - a.length);
  return [COMMON_EXITS, ...named.map((command) => EXITS[command])].some((codes) =>
    Object.keys(codes ?? {}).includes(String(code)),
  );
}

/** Each line of output as JSON. */
export function jsonLines({ stdout }: Ran): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
