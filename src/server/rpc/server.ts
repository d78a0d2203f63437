/** Methods of the server itself. */
import type { Operation } from '../../api/power.ts';
import { steadyNow } from '../../lib/clock.ts';
import { PowerRefused } from '../../power/ports.ts';
import type { Services } from '../services.ts';
import type { Methods } from './registry.ts';

export function serverHandlers(
  services: Services,
): Pick<
  Methods,
  'bus.retry' | 'server.info' | 'server.ping' | 'confirm.begin' | 'server.reload' | 'server.stop' | 'server.check'
> {
  const { bus, operations, plans } = services;
  return {
    'bus.retry': () => {
      bus.retry();
      return { ok: true };
    },
    'server.info': async () => {
      // Reads the file first: a change written a moment ago counts.
      await services.reloading.checkFile();
      return services.info();
    },
    'server.reload': (_none, caller) => services.reloading.reload(caller.name),
    'server.check': () => services.selfCheck.check(),
    'server.ping': () => ({ now: steadyNow() }),
    'confirm.begin': (_none, caller) => ({ nonce: caller.beginConfirmation() }),
    'server.stop': (_none, caller) => {
      const running = [
        ...operations
          .list()
          .filter(({ endedAt }) => endedAt === null)
          .map(describe),
        ...plans.underWay().map(({ id, plan }) => `plan ${plan} runs (run ${id})`),
      ];
      if (running.length > 0) {
        const message = `the server does not stop while ${running.join(' and ')}: wait, or abort first`;
        throw new PowerRefused([{ rule: 'operation running', message, override: 'rackui abort ID, then stop again' }]);
      }
      services.leave(`${caller.name} stopped the server`);
      return { ok: true };
    },
  };
}

function describe({ id, verb, label }: Operation): string {
  return `operation ${id} runs (${verb} ${label})`;
}
