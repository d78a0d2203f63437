/** Performs what the emergency panel wants of the server; answers come back as events. */
import type { PlanEffect, UiEvent } from './events.ts';
import type { Requests } from './requests.ts';

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
        (error) => dispatch({ type: 'failed', what: `leaving out a node of ${id}`, error }),
      );
      return;
    }
  }
}
