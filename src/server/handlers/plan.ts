/** Plans: what there is, what one would do, runs. */
import type { Services } from '../services.ts';
import { whoIs, type Methods } from './methods.ts';
import { refusing } from './refusing.ts';

type PlanMethods = Pick<
  Methods,
  'plan.list' | 'plan.show' | 'plan.run' | 'plan.pause' | 'plan.resume' | 'plan.abort' | 'plan.skip'
>;

export function planHandlers(services: Services): PlanMethods {
  const { plans } = services;
  return {
    'plan.list': () => plans.list(),
    'plan.show': ({ name }, caller) => refusing(services, () => plans.show(name, caller.id)),
    'plan.run': (request, caller) => refusing(services, () => plans.start(request, whoIs(caller))),
    'plan.pause': ({ id }, caller) => refusing(services, () => plans.pause(id, whoIs(caller))),
    'plan.resume': ({ id }, caller) => refusing(services, () => plans.resume(id, whoIs(caller))),
    'plan.abort': ({ id }, caller) => refusing(services, () => plans.abort(id, whoIs(caller))),
    'plan.skip': ({ id, step, addr }, caller) => refusing(services, () => plans.skip(id, step, addr, whoIs(caller))),
  };
}
