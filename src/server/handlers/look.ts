/** Looking: hello, fresh values, past events. */
import { API_VERSION } from '../../api/protocol.ts';
import { formatAddress, type Address } from '../../rack/address.ts';
import type { Services } from '../services.ts';
import { VERSION } from '../version.ts';
import { rpcError, type Methods } from './methods.ts';

/** A sweep waits this long for a bus that is starting, and for the first scan where nobody configured the nodes, ms. */
const START_LIMIT_MS = 3_000;

export function lookHandlers(services: Services): Pick<Methods, 'hello' | 'sweep' | 'events.list'> {
  const { monitor, telemetry, discovery, sweeper, events } = services;

  return {
    hello({ api, who }, caller) {
      if (api !== API_VERSION)
        throw rpcError(
          'version',
          `this program speaks version ${api} of the protocol, the server (rackui ${VERSION}, pid ${process.pid}) version ${API_VERSION}: stop it with 'rackui server stop' of its own version and start this one's`,
        );
      if (caller.who !== null) throw rpcError('invalid', 'hello: this session has said it already');
      if (who.program === 'interface')
        events.add('info', 'session', null, `${who.from === null ? who.user : `${who.user}@${who.from}`} joined`);
      caller.introduce(who);
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
      const wanted = addrs ?? telemetry.addresses;
      if (monitor.ready && (!monitor.paused || (addrs !== null && interrupt))) await sweeper.fresh(wanted);
      return services.snapshot();
    },

    'events.list': ({ limit }) => events.latest(limit),
  };
}

/** @throws a refusal that names the address, where no node of this rack has it */
export function expectNode({ telemetry }: Pick<Services, 'telemetry'>, addr: Address): void {
  if (telemetry.node(addr) !== null) return;
  const what = telemetry.inventory.configured ? 'the configuration names no node' : 'no node was found';
  throw rpcError('unknown', `${what} at address ${formatAddress(addr)}`);
}
