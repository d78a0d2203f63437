/** How a command fails: one sentence, what next, and the documented exit code. Never a stack trace for bad input. */
import { EXIT } from '../api/power.ts';
import { RPC_ERROR } from '../api/protocol.ts';

/** An error whose message is for the operator as it stands. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Wrong command line: exit code 64. */
export class UsageFailure extends Failure {
  constructor(message: string) {
    super(EXIT.usage, message);
  }
}

/**
 * What to print and with which code to leave. Classes of lazily loaded modules are told by name: importing them here
 * would load them at every start.
 */
export function explain(error: unknown): { message: string; exitCode: number } {
  if (!(error instanceof Error)) return { message: String(error), exitCode: EXIT.unavailable };
  const exitCode = (): number => {
    if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode;
    if ('code' in error && error.code === RPC_ERROR.config) return EXIT.config;
    if ('problems' in error || error.name === 'SecretError') return EXIT.config;
    if ('code' in error && error.code === RPC_ERROR.refused) return EXIT.refused;
    if ('code' in error && (error.code === RPC_ERROR.unknown || error.code === RPC_ERROR.invalid)) return EXIT.usage;
    if ('code' in error && (error.code === RPC_ERROR.held || error.code === RPC_ERROR.viewOnly)) return EXIT.refused;
    return EXIT.unavailable;
  };
  return { message: error.message, exitCode: exitCode() };
}
