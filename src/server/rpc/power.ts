/**
 * Methods of power, plans and outages. Guards and confirmations belong to the operations; these methods pass them
 * on.
 */
import type { PowerRequest } from '../../api/power.ts';
import { NotFound } from '../../lib/errors.ts';
import type { Services } from '../services.ts';
import { rpcError } from './errors.ts';
import { expectNode } from './rack.ts';
import { type Methods, whoIs } from './registry.ts';

type PlanMethods = Pick<
  Methods,
  'plan.list' | 'plan.show' | 'plan.run' | 'plan.pause' | 'plan.resume' | 'plan.abort' | 'plan.skip'
>;

export function planHandlers(services: Services): PlanMethods {
  const { plans } = services;
  return {
    'plan.list': () => plans.list(),
    'plan.show': ({ name }, caller) => plans.show(name, caller.id),
    'plan.run': (request, caller) => plans.start(request, whoIs(caller)),
    'plan.pause': ({ id }, caller) => plans.pause(id, whoIs(caller)),
    'plan.resume': ({ id }, caller) => plans.resume(id, whoIs(caller)),
    'plan.abort': ({ id }, caller) => plans.abort(id, whoIs(caller)),
    'plan.skip': ({ id, step, addr }, caller) => plans.skip(id, step, addr, whoIs(caller)),
  };
}

type PowerMethods = Pick<Methods, 'power.check' | 'power.start' | 'ops.list' | 'ops.abort' | 'ops.answer'>;

export function powerHandlers(services: Services): PowerMethods {
  const { operations } = services;
  const known = (request: PowerRequest): void => {
    for (const addr of request.nodes) expectNode(services, addr);
  };
  return {
    'power.check': (request, caller) => {
      known(request);
      return operations.check(request, caller.id);
    },
    'power.start': async (request, caller) => {
      known(request);
      const operation = await operations.start(request, whoIs(caller), caller.id);
      // Writes the operation first: a client that has its id can learn its end even if this server dies now.
      await operations.written(operation.id);
      return operation;
    },
    'ops.list': () => operations.list(),
    'ops.abort': ({ id }, caller) => operations.abort(id, whoIs(caller)),
    'ops.answer': ({ id, ...answer }, caller) => operations.answer(id, answer, whoIs(caller)),
  };
}

type OutageMethods = Pick<Methods, 'outage.status' | 'ups.history' | 'outage.tell' | 'outage.last' | 'outage.drill'>;

export function outageHandlers({ outages, events }: Services): OutageMethods {
  return {
    'outage.status': () => outages.status(),
    'ups.history': ({ name, stepMs, count }) => {
      const answer = outages.history(name, stepMs, count);
      if (answer === null) throw new NotFound(`no UPS '${name}' is configured`);
      return answer;
    },
    'outage.tell': async ({ supply, runtimeS, settled }, caller) => {
      const byCommand = outages.all.filter(({ policy }) => policy.ups.length === 0);
      if (byCommand.length === 0)
        throw rpcError('invalid', 'UPSes are configured: the server queries them itself and accepts no reports');
      events.add('notice', 'power', null, `${whoIs(caller).user} reports: the supply is on ${supply}`);
      for (const outage of byCommand) await outage.setSupply(supply, runtimeS, settled);
      return outages.status();
    },
    'outage.last': async ({ withinS }, caller) => {
      events.add(
        'warning',
        'power',
        null,
        `${whoIs(caller).user} reports: this machine shuts down within ${withinS} s`,
      );
      const runs = await Promise.all(outages.all.map((outage) => outage.commit(withinS)));
      return { runs: runs.filter((run) => run !== null) };
    },
    'outage.drill': async ({ addrs }, caller) => {
      const [outage] = outages.all;
      if (outage === undefined) throw new NotFound('no outage policy is configured');
      events.add('notice', 'power', null, `${whoIs(caller).user} starts an outage drill`);
      return outage.drill(addrs);
    },
  };
}
