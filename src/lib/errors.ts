/**
 * Errors of the domain, each with the whole sentence for the caller. `server/rpc/errors.ts` maps them to the codes of
 * the API.
 */

/** The node, console, operation, plan or UPS that was named does not exist, or not any more. */
export class NotFound extends Error {
  override readonly name: string = 'NotFound';
}

/** It may not be done at present; nothing was done. */
export class Refused extends Error {
  override readonly name: string = 'Refused';
}

/** The node itself refused it, or could not do it. */
export class NodeFailed extends Error {
  override readonly name: string = 'NodeFailed';
}

/** The bus, a console or a file that it needs cannot be used now. */
export class Unavailable extends Error {
  override readonly name: string = 'Unavailable';
}

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
