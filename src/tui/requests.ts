/** Requests to the server of one rack; what comes of them comes back as events. */
import type { RackClient } from '../client/client.ts';
import type { RequestError, UiEvent } from './events.ts';

export class Requests {
  readonly #dispatch: (event: UiEvent) => void;
  /** Another one after the connection was lost. */
  client: RackClient;

  constructor(client: RackClient, dispatch: (event: UiEvent) => void) {
    this.client = client;
    this.#dispatch = dispatch;
  }

  ask<T>(request: Promise<T>, done: (answer: T) => void, failed: (error: RequestError) => void): void {
    request.then(done, (error: unknown) => failed(describe(error)));
  }

  /** Only a failure is news. */
  attempt(what: string, request: Promise<unknown>): void {
    this.ask(
      request,
      () => undefined,
      (error) => this.#dispatch({ type: 'failed', what, error }),
    );
  }
}

function describe(error: unknown): RequestError {
  const { code, data } = error as Partial<RequestError>;
  return { code: code ?? 0, message: error instanceof Error ? error.message : String(error), data };
}
