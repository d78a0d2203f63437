/** Power: checks, operations, answers. Guards and confirmations are the operations' own; this passes them on. */
import type { PowerRequest } from '../../api/power.ts';
import type { Services } from '../services.ts';
import { expectNode } from './look.ts';
import { whoIs, type Methods } from './methods.ts';
import { refusing } from './refusing.ts';

type PowerMethods = Pick<Methods, 'power.check' | 'power.start' | 'ops.list' | 'ops.abort' | 'ops.answer'>;

export function powerHandlers(services: Services): PowerMethods {
  const { operations } = services;
  const known = (request: PowerRequest): void => {
    for (const addr of request.nodes) expectNode(services, addr);
  };
  return {
    'power.check': (request, caller) => {
      known(request);
      return refusing(services, () => operations.check(request, caller.id));
    },
    'power.start': (request, caller) => {
      known(request);
      return refusing(services, async () => {
        const operation = await operations.start(request, whoIs(caller), caller.id);
        // Whoever has its id is told how it ended, also where this server dies now.
        await operations.written(operation.id);
        return operation;
      });
    },
    'ops.list': () => operations.list(),
    'ops.abort': ({ id }, caller) => refusing(services, () => operations.abort(id, whoIs(caller))),
    'ops.answer': ({ id, ...answer }, caller) => refusing(services, () => operations.answer(id, answer, whoIs(caller))),
  };
}
