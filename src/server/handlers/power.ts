/** Power: checks, operations, answers. Guards and confirmations are the operations' own; this passes them on. */
import type { PowerRequest } from '../../api/power.ts';
import { NoSuchOperation, PowerRefused } from '../../power/operations.ts';
import { ConsoleHeld } from '../../power/ports.ts';
import type { Services } from '../services.ts';
import { expectNode } from './look.ts';
import { rpcError, whoIs, type Methods } from './methods.ts';

type PowerMethods = Pick<Methods, 'power.check' | 'power.start' | 'ops.list' | 'ops.abort' | 'ops.answer'>;

export function powerHandlers(services: Services): PowerMethods {
  const { operations, consoles } = services;
  const known = (request: PowerRequest): void => {
    for (const addr of request.nodes) expectNode(services, addr);
  };
  return {
    'power.check': (request, caller) => {
      known(request);
      return refusing(() => operations.check(request, caller.id));
    },
    'power.start': (request, caller) => {
      known(request);
      return refusing(async () => {
        const operation = await operations.start(request, whoIs(caller), caller.id);
        // Whoever has its id is told how it ended, also where this server dies now.
        await operations.written(operation.id);
        return operation;
      });
    },
    'ops.list': () => operations.list(),
    'ops.abort': ({ id }, caller) => refusing(() => operations.abort(id, whoIs(caller))),
    'ops.answer': ({ id, addr, choice, confirm }, caller) =>
      refusing(() => operations.answer(id, addr, choice, confirm, whoIs(caller))),
  };

  /** The operations' refusals in the protocol's words. */
  async function refusing<T>(act: () => T | Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof PowerRefused) throw rpcError('refused', error.message, error.refusals);
      if (error instanceof NoSuchOperation) throw rpcError('unknown', error.message);
      if (error instanceof ConsoleHeld) throw rpcError('held', error.message, consoles.state());
      throw error;
    }
  }
}
