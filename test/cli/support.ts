/** Commands as an operator or a script runs them: the built program, its streams and its exit code. */
import { spawn } from 'node:child_process';
import { COMMON_EXITS, EXITS } from '../../src/cli/exit-codes.ts';
import { PROGRAM } from '../support/stand.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What it reads; nothing by default. It is never a terminal. */
  input?: string;
  env?: Record<string, string | undefined>;
}

/** Runs to the end. */
export function rackui(args: readonly string[], { input = '', env = {} }: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (isDeclared(args, code)) resolve({ code, stdout, stderr });
      else reject(new Error(`docs/json.md does not name exit code ${code ?? '?'} of ${args.join(' ')}: ${stderr}`));
    });
    // A program that does not read has ended before the input arrives.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
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
