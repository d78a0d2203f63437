/** Maps errors of the domain to errors of the protocol, here and nowhere else. */
import { ResponseError } from 'vscode-jsonrpc/node';
import { type ConsoleState, RPC_ERROR } from '../../api/methods.ts';
import { ConfigError } from '../../config/load.ts';
import { NodeFailed, NotFound, Refused, Unavailable } from '../../lib/errors.ts';
import { ConsoleHeld, PowerRefused } from '../../power/ports.ts';

/** Makes an error response: the message is for operators, the code for programs. */
export function rpcError(code: keyof typeof RPC_ERROR, message: string, data?: unknown): ResponseError<unknown> {
  return new ResponseError(RPC_ERROR[code], message, data);
}

/**
 * Returns the response for an error of the domain; null: it is none, but a fault of the server. `console`: the console
 * that is open, for a client that is refused because of it.
 */
export function responseOf(error: unknown, console: ConsoleState | null): ResponseError<unknown> | null {
  if (error instanceof ResponseError) return error;
  if (error instanceof PowerRefused) return rpcError('refused', error.message, error.refusals);
  if (error instanceof Refused) return rpcError('refused', error.message);
  if (error instanceof NodeFailed) return rpcError('node', error.message);
  if (error instanceof NotFound) return rpcError('unknown', error.message);
  if (error instanceof Unavailable) return rpcError('unavailable', error.message);
  if (error instanceof ConsoleHeld) return rpcError('held', error.message, console);
  if (error instanceof ConfigError) return rpcError('config', error.message);
  return null;
}
