/** Types of all handlers: one function for each method, called with checked parameters and the session that asks. */
import type { CancellationToken } from 'vscode-jsonrpc/node';
import type { ClientIdentity, ClientNotes, Requests } from '../../api/methods.ts';
import type { ConsoleUser } from '../consoles/participants.ts';
import { rpcError } from './errors.ts';

/** The calling session, as far as handlers need it. */
export interface Caller extends ConsoleUser {
  /** Null before hello. */
  readonly who: ClientIdentity | null;
  /** Aborts when the session has ended; its reason follows the node's name or a colon. */
  readonly gone: AbortSignal;
  /** `brief`: it takes samples of nodes that changed in nothing else. */
  identify(who: ClientIdentity, brief: boolean): void;
  /** Returns a number for one confirmation. */
  beginConfirmation(): string;
}

export type Methods = {
  /** `cancellation`: set by the client's `$/cancelRequest`; most methods do not read it. */
  [M in keyof Requests]: (
    params: Requests[M][0],
    caller: Caller,
    cancellation: CancellationToken,
  ) => Requests[M][1] | Promise<Requests[M][1]>;
};

export type NoteHandlers = { [M in keyof ClientNotes]: (params: ClientNotes[M], caller: Caller) => void };

/** Returns the caller's identity. @throws {ResponseError} before hello */
export function whoIs(caller: Caller): ClientIdentity {
  if (caller.who === null) throw rpcError('version', 'send hello first');
  return caller.who;
}
