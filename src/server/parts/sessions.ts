/** Who is connected, what they see and what they may ask for; and when nobody needs the server any more. */
import { alarmHandlers } from '../handlers/alarms.ts';
import { busHandlers } from '../handlers/bus.ts';
import { consoleHandlers, consoleNotes } from '../handlers/console.ts';
import { detailHandlers } from '../handlers/detail.ts';
import { lookHandlers } from '../handlers/look.ts';
import { outageHandlers } from '../handlers/outage.ts';
import { planHandlers } from '../handlers/plan.ts';
import { powerHandlers } from '../handlers/power.ts';
import { serverHandlers } from '../handlers/server.ts';
import { Linger } from '../linger.ts';
import { RackView } from '../rack-view.ts';
import { Roster } from '../roster.ts';
import type { Services } from '../services.ts';
import type { Parts } from './parts.ts';
import { steadyNow } from '../../lib/clock.ts';

export interface SessionParts {
  roster: Roster;
  /** Null where the server was started to stay. */
  linger: Linger | null;
}

export function sessionParts(parts: Parts): SessionParts {
  const { options, events, consoles } = parts;
  const view = new RackView(
    { ...parts, sessions: () => parts.roster.describe(), configStatus: () => options.configuration.status() },
    options,
  );
  const services: Services = {
    ...parts,
    bus: options.bus,
    audit: options.audit,
    snapshot: () => view.snapshot(),
    info: () => view.info(),
    // The answer goes first.
    leave: (why) => void setImmediate(() => options.leave(why)),
  };
  const roster = new Roster({
    now: steadyNow,
    picture: view,
    methods: {
      ...lookHandlers(services),
      ...detailHandlers(services),
      ...busHandlers(services),
      ...consoleHandlers(services),
      ...powerHandlers(services),
      ...planHandlers(services),
      ...outageHandlers(services),
      ...alarmHandlers(services),
      ...serverHandlers(services),
    },
    notes: consoleNotes(services),
    consoleText: () => options.configuration.config.server.viewOnly.consoleText,
    event: (level, text) => events.add(level, 'session', null, text),
    changed: () => parts.linger?.look(),
    left: (session) => consoles.detach(session),
    log: (level, text) => options.log[level](text),
  });
  return { roster, linger: options.autostarted ? lingerFor(parts, roster) : null };
}

function lingerFor({ options, workload, plans, outages }: Parts, roster: Roster): Linger {
  const { linger } = options.configuration.config.server;
  return new Linger(
    linger * 1000,
    () => roster.size > 0 || workload.busy || plans.underWay().length > 0 || outages.underWay,
    () => options.leave(`nobody was here for ${linger} s`),
  );
}
