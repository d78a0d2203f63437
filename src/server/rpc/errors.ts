/** Maps errors of the domain to errors of the protocol, here and nowhere else. */
import { ResponseError } from 'vscode-jsonrpc/node';
import { type ConsoleState, RPC_ERROR } from '../../api/methods.ts';
import { ConsoleHeld, NoSuchOperation, PowerRefused } from '../../power/ports.ts';

/** Makes an error response: the message is for people, the code for programs. */
export function rpcError(code: keyof typeof RPC_ERROR, message: string, data?: unknown): ResponseError<unknown> {
  return new ResponseError(RPC_ERROR[code], message, data);
}

/**
 * Runs an action that power operations and plans may refuse. @throws {ResponseError} the refusal in the protocol's
 * form; with the state of the console where a session holds it
 */
export async function refusing<T>(consoles: { state(): ConsoleState | null }, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PowerRefused) throw rpcError('refused', error.message, error.refusals);
    if (error instanceof NoSuchOperation) throw rpcError('unknown', error.message);
    if (error instanceof ConsoleHeld) throw rpcError('held', error.message, consoles.state());
    throw error;
  }
}
