/** Sends requests to the server of one rack; answers come back as events. */
import type { RackClient } from '../client/client.ts';
import { messageOf } from '../lib/errors.ts';
import type { PlanEffect, RequestError, UiEvent } from './model/events.ts';

/** Performs the emergency panel's requests. */
export function requestPlan(requests: Requests, effect: PlanEffect, dispatch: (event: UiEvent) => void): void {
  switch (effect.do) {
    case 'plans': {
      const { panel } = effect;
      requests.ask(
        requests.client.request('plan.list', {}),
        (list) => dispatch({ type: 'plans-listed', panel, list }),
        (error) => dispatch({ type: 'plans-failed', panel, error }),
      );
      return;
    }
    case 'plan-show': {
      const { panel, name } = effect;
      requests.ask(
        requests.client.request('plan.show', { name }),
        (preview) => dispatch({ type: 'plan-shown', panel, preview }),
        (error) => dispatch({ type: 'plan-show-failed', panel, name, error }),
      );
      return;
    }
    case 'plan-run': {
      const { panel, request } = effect;
      requests.ask(
        requests.client.request('plan.run', request),
        (run) => dispatch({ type: 'plan-started', panel, run }),
        (error) => dispatch({ type: 'plan-start-failed', panel, error }),
      );
      return;
    }
    case 'plan-act': {
      const { act, id } = effect;
      requests.ask(
        requests.client.request(`plan.${act}`, { id }),
        (note) => dispatch({ type: 'plan', note }),
        (error) => dispatch({ type: 'failed', what: `${act} ${id}`, error }),
      );
      return;
    }
    case 'plan-skip': {
      const { id, addr } = effect;
      requests.ask(
        requests.client.request('plan.skip', { id, step: null, addr }),
        (note) => dispatch({ type: 'plan', note }),
        (error) => dispatch({ type: 'failed', what: `skipping a node of ${id}`, error }),
      );
      return;
    }
  }
}

export class Requests {
  readonly #dispatch: (event: UiEvent) => void;
  /** Replaced after the connection was lost. */
  client: RackClient;

  constructor(client: RackClient, dispatch: (event: UiEvent) => void) {
    this.client = client;
    this.#dispatch = dispatch;
  }

  ask<T>(request: Promise<T>, done: (answer: T) => void, failed: (error: RequestError) => void): void {
    request.then(done, (error: unknown) => failed(describe(error)));
  }

  /** Sends a request of which only a failure is reported. */
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
  return { code: code ?? 0, message: messageOf(error), data };
}
