/** Outages: how the supply stands, what would happen, and the words of other UPS software. */
import { NotNow } from '../../power/outage/outage.ts';
import type { Services } from '../services.ts';
import { rpcError, whoIs, type Methods } from './methods.ts';

type OutageMethods = Pick<Methods, 'outage.status' | 'ups.history' | 'outage.tell' | 'outage.last' | 'outage.drill'>;

export function outageHandlers({ outages, events }: Services): OutageMethods {
  return {
    'outage.status': () => outages.status(),
    'ups.history': ({ name, stepMs, count }) => {
      const answer = outages.history(name, stepMs, count);
      if (answer === null) throw rpcError('unknown', `the configuration names no UPS '${name}'`);
      return answer;
    },
    'outage.tell': async ({ supply, runtimeS, settled }, caller) => {
      const told = outages.all.filter(({ policy }) => policy.ups.length === 0);
      if (told.length === 0)
        throw rpcError('invalid', 'the configuration names UPSes: the server asks those itself, nobody tells it');
      events.add('notice', 'power', null, `${whoIs(caller).user} tells: the supply is on ${supply}`);
      for (const outage of told) await outage.tell(supply, runtimeS, settled);
      return outages.status();
    },
    'outage.last': async ({ withinS }, caller) => {
      events.add('warning', 'power', null, `${whoIs(caller).user} tells: this machine shuts down within ${withinS} s`);
      const runs = await Promise.all(outages.all.map((outage) => outage.commit(withinS)));
      return { runs: runs.filter((run) => run !== null) };
    },
    'outage.drill': async ({ addrs }, caller) => {
      const [outage] = outages.all;
      if (outage === undefined) throw rpcError('unknown', 'no outage policy is configured');
      events.add('notice', 'power', null, `${whoIs(caller).user} begins an outage drill`);
      try {
        return await outage.drill(addrs);
      } catch (error) {
        if (error instanceof NotNow) throw rpcError('refused', error.message);
        throw error;
      }
    },
  };
}
