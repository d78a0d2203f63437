/** Programs of other projects that run beside a test, on ports of their own: Prometheus, a broker. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Those of `programs` (paths) that are not installed here; tests that need one are skipped and say so. */
export function missing(...programs: string[]): string[] {
  return programs.filter((program) => !existsSync(program));
}

export interface Daemon extends AsyncDisposable {
  /** Everything that it printed. */
  said(): string;
}

/** Starts a program that runs until it is disposed of. */
export function startDaemon(program: string, args: readonly string[]): Daemon {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    said: () => said,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
