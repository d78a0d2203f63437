/** Alarms: looking at them, and having seen them. */
import type { Services } from '../services.ts';
import type { Methods } from './methods.ts';
import { count } from '../../lib/words.ts';

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
