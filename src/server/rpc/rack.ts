/** Methods for viewing the rack: hello, polls, events, alarms, and the details of one node. */
import { API_VERSION } from '../../api/methods.ts';
import { steadyNow } from '../../lib/clock.ts';
import { NotFound } from '../../lib/errors.ts';
import { count } from '../../lib/words.ts';
import { dependentsOf } from '../../power/guards.ts';
import { type Address, formatAddress } from '../../rack/address.ts';
import { VERSION } from '../logs.ts';
import type { Services } from '../services.ts';
import { rpcError } from './errors.ts';
import type { Methods } from './registry.ts';

export function alarmHandlers({ alarms, events }: Services): Pick<Methods, 'alarms.list' | 'alarms.ack'> {
  return {
    'alarms.list': ({ limit }) => ({ standing: alarms.standing, past: alarms.past(limit) }),
    'alarms.ack': ({ ids }, caller) => {
      const acknowledged = alarms.acknowledge(ids, caller.name);
      if (acknowledged > 0)
        events.add('info', 'node', null, `${caller.name} acknowledged ${count(acknowledged, 'alarm')}`);
      return { acknowledged };
    },
  };
}

/** Time limit for a poll to wait for a bus that is starting, and for the first scan of a discovered rack, ms. */
const START_LIMIT_MS = 3_000;

export function queryHandlers(services: Services): Pick<Methods, 'hello' | 'sweep' | 'events.list'> {
  const { monitor, nodeStates, discovery, poller, events } = services;

  return {
    hello({ api, who, brief = false }, caller) {
      if (api !== API_VERSION)
        throw rpcError(
          'version',
          `this program has version ${api} of the API, the server (rackui ${VERSION}, pid ${process.pid}) version ${API_VERSION}: stop it with 'rackui server stop' of that version, then start a server of this version`,
        );
      if (caller.who !== null) throw rpcError('invalid', 'hello: this session has already sent it');
      if (who.program === 'interface')
        events.add('info', 'session', null, `${who.from === null ? who.user : `${who.user}@${who.from}`} joined`);
      caller.identify(who, brief);
      return {
        api: API_VERSION,
        version: VERSION,
        pid: process.pid,
        session: caller.id,
        access: caller.access,
        snapshot: services.snapshot(),
      };
    },

    async sweep({ addrs, interrupt }) {
      const limit = performance.now() + START_LIMIT_MS;
      await monitor.settled(START_LIMIT_MS);
      if (monitor.ready && discovery !== null && !monitor.paused)
        await discovery.finishedWithin(limit - performance.now());
      for (const addr of addrs ?? []) expectNode(services, addr);
      const wanted = addrs ?? nodeStates.addresses;
      if (monitor.ready && (!monitor.paused || (addrs !== null && interrupt))) await poller.fresh(wanted);
      return services.snapshot();
    },

    'events.list': ({ limit }) => events.latest(limit),
  };
}

/** @throws a refusal that names the address, where no node of this rack has it */
export function expectNode({ nodeStates }: Pick<Services, 'nodeStates'>, addr: Address): void {
  if (nodeStates.node(addr) !== null) return;
  const what = nodeStates.inventory.configured ? 'no node is configured' : 'no node was found';
  throw new NotFound(`${what} at address ${formatAddress(addr)}`);
}

export function detailHandlers(services: Services): Pick<Methods, 'node.detail' | 'rack.history'> {
  const { bus, consoles, durations, plans, nodeStates } = services;
  return {
    async 'node.detail'({ addr, stepMs, count, lines }) {
      expectNode(services, addr);
      const node = nodeStates.node(addr);
      const { inventory } = nodeStates;
      const manages =
        addr === bus.health.master
          ? ['it is the master of this bus: rackui runs on it, and no node is reachable without it']
          : [];
      const now = steadyNow();
      return {
        addr,
        now,
        stepMs,
        points: nodeStates.series(addr, now, stepMs, count),
        lines: lines === 0 ? [] : await consoles.logTail(addr, lines),
        dependents: node === null ? [] : [...manages, ...dependentsOf(node, inventory)],
        plans: plans.touching(addr),
        boots: [...durations.latest(addr, 'on')],
      };
    },

    'rack.history'({ stepMs, count }) {
      const now = steadyNow();
      const nodes = nodeStates.inventory.nodes.map(({ addr }) => ({
        addr,
        points: nodeStates.series(addr, now, stepMs, count),
      }));
      return { now, stepMs, nodes };
    },
  };
}
