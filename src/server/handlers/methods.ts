/** The shape of all handlers together: one function a method, given checked parameters and who asks. */
import { ResponseError } from 'vscode-jsonrpc/node';
import { RPC_ERROR, type ClientIdentity, type ClientNotes, type Requests } from '../../api/protocol.ts';
import type { ClientSession } from '../session.ts';

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
