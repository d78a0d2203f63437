/** `rackui events`: prints the event log, oldest first. */
import type { EventRecord } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { formatAddress } from '../../rack/address.ts';
import { type GlobalOptions, openClient } from '../server-connection.ts';
import { clock, Failure, iso, print, printJson, wallOf } from '../terminal-output.ts';

export interface EventsOptions extends GlobalOptions {
  follow?: boolean;
  json?: boolean;
}

/** Most events that a server keeps and returns at once. */
const LIMIT = 1000;

export async function eventsCommand(options: EventsOptions): Promise<number> {
  const client = await openClient(options, 'events', { autostart: true });
  try {
    const tell = options.json === true ? (event: EventRecord) => printJson(eventJson(event)) : printEvent;
    const past = await client.request('events.list', { limit: LIMIT });
    for (const event of past) tell(event);
    if (options.follow !== true) return EXIT.done;
    const last = past.at(-1)?.seq ?? -1;
    return await new Promise<number>((resolve, reject) => {
      client.on('event', (event) => {
        if (event.seq > last) tell(event);
      });
      client.onClose((why) => reject(new Failure(EXIT.unavailable, why)));
      process.once('SIGINT', () => resolve(EXIT.done));
    });
  } finally {
    client.close();
  }
}

function printEvent({ at, level, topic, text }: EventRecord): void {
  const date = new Date(wallOf(at));
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, '0'));
  print(`${day.join('-')} ${clock(at)} ${level.padEnd(7)} ${topic.padEnd(7)} ${text}`);
}

function eventJson({ addr, at, ...rest }: EventRecord): Record<string, unknown> {
  return { ...rest, at: iso(at), addr: addr === null ? null : formatAddress(addr) };
}
