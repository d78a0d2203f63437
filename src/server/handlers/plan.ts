/** Plans: what there is, what one would do, runs. */
import { NoSuchOperation, PowerRefused } from '../../power/refused.ts';
import type { Services } from '../services.ts';
import { rpcError, type Methods } from './methods.ts';

type PlanMethods = Pick<
  Methods,
  'plan.list' | 'plan.show' | 'plan.run' | 'plan.pause' | 'plan.resume' | 'plan.abort' | 'plan.skip'
>;

export function planHandlers({ plans }: Services): PlanMethods {
  const notYet = (): never => {
    throw rpcError('unavailable', 'this server cannot run plans yet');
  };
  return {
    'plan.list': () => plans.list(),
    'plan.show': ({ name }, caller) => refusing(() => plans.show(name, caller.id)),
    'plan.run': notYet,
    'plan.pause': notYet,
    'plan.resume': notYet,
    'plan.abort': notYet,
    'plan.skip': notYet,
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
