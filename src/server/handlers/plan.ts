/** Plans: what there is, what one would do, runs. */
import { NoSuchOperation, PowerRefused } from '../../power/refused.ts';
import type { Services } from '../services.ts';
import { rpcError, whoIs, type Methods } from './methods.ts';

type PlanMethods = Pick<
  Methods,
  'plan.list' | 'plan.show' | 'plan.run' | 'plan.pause' | 'plan.resume' | 'plan.abort' | 'plan.skip'
>;

export function planHandlers({ plans }: Services): PlanMethods {
  return {
    'plan.list': () => plans.list(),
    'plan.show': ({ name }, caller) => refusing(() => plans.show(name, caller.id)),
    'plan.run': (request, caller) => refusing(() => plans.start(request, whoIs(caller))),
    'plan.pause': ({ id }, caller) => refusing(() => plans.pause(id, whoIs(caller))),
    'plan.resume': ({ id }, caller) => refusing(() => plans.resume(id, whoIs(caller))),
    'plan.abort': ({ id }, caller) => refusing(() => plans.abort(id, whoIs(caller))),
    'plan.skip': ({ id, step, addr }, caller) => refusing(() => plans.skip(id, step, addr, whoIs(caller))),
  };
}

async function refusing<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PowerRefused) throw rpcError('refused', error.message, error.refusals);
    if (error instanceof NoSuchOperation) throw rpcError('unknown', error.message);
    throw error;
  }
}
