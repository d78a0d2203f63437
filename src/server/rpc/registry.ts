/**
 * The shape of all handlers together: one function a method, given checked parameters and who asks.
 *
 * What power operations and plans refuse, in the protocol's words.
 */
import { ResponseError } from 'vscode-jsonrpc/node';
import { type ClientIdentity, type ClientNotes, type Requests, RPC_ERROR } from '../../api/methods.ts';
import { ConsoleHeld, NoSuchOperation, PowerRefused } from '../../power/ports.ts';
import type { Services } from '../services.ts';
import type { ClientSession } from '../sessions/session.ts';

export type Methods = {
  [M in keyof Requests]: (params: Requests[M][0], caller: ClientSession) => Requests[M][1] | Promise<Requests[M][1]>;
};

export type NoteHandlers = { [M in keyof ClientNotes]: (params: ClientNotes[M], caller: ClientSession) => void };

/** An answer that says why not, for people; the code says it to programs. */
export function rpcError(code: keyof typeof RPC_ERROR, message: string, data?: unknown): ResponseError<unknown> {
  return new ResponseError(RPC_ERROR[code], message, data);
}

export function whoIs(caller: ClientSession): ClientIdentity {
  // A session is asked for nothing before its hello.
  if (caller.who === null) throw rpcError('version', 'say hello first');
  return caller.who;
}

/** @throws {ResponseError} */
export async function refusing<T>({ consoles }: Pick<Services, 'consoles'>, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PowerRefused) throw rpcError('refused', error.message, error.refusals);
    if (error instanceof NoSuchOperation) throw rpcError('unknown', error.message);
    if (error instanceof ConsoleHeld) throw rpcError('held', error.message, consoles.state());
    throw error;
  }
}
