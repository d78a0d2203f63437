/** The parts of a running server, composed group by group. */
import type { RackServerOptions } from '../rack-server.ts';
import { consoleParts, type ConsoleParts } from './consoles.ts';
import { lookingParts, type LookingParts } from './looking.ts';
import { Reloading } from '../reloading.ts';
import { outageParts, type OutageParts } from './outage.ts';
import { powerParts, type PowerParts } from './power.ts';
import { recordParts, type RecordParts } from './record.ts';
import { sessionParts, type SessionParts } from './sessions.ts';

export interface Parts extends RecordParts, LookingParts, ConsoleParts, PowerParts, OutageParts, SessionParts {
  options: RackServerOptions;
  reloading: Reloading;
}

/**
 * Each group is built from those before it. What happens in one may concern a later one too: for that, functions given
 * to a part reach through `parts` when they are called, and nothing calls them before all of it stands.
 */
export function composeParts(options: RackServerOptions): Parts {
  const parts = { options } as Parts;
  parts.reloading = new Reloading(parts);
  Object.assign(parts, recordParts(parts));
  Object.assign(parts, lookingParts(parts));
  Object.assign(parts, consoleParts(parts));
  Object.assign(parts, powerParts(parts));
  Object.assign(parts, outageParts(parts));
  Object.assign(parts, sessionParts(parts));
  return parts;
}
