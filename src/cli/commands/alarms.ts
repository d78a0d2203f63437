/** Lists and acknowledges alarms; lists and follows events. */
import type { EventRecord } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { formatAddress } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { type Inventory, nodeLabel } from '../../rack/inventory.ts';
import { type GlobalOptions, openClient } from '../server-connection.ts';
import { clock, Failure, iso, print, printJson, UsageFailure, wallOf } from '../terminal-output.ts';

interface AlarmsOptions extends GlobalOptions {
  ack?: string;
  past?: boolean;
  json?: boolean;
}

export async function alarmsCommand(options: AlarmsOptions): Promise<number> {
  const ids = options.ack === undefined ? undefined : idsOf(options.ack);
  if (ids !== undefined && ids !== null && options.opened !== undefined)
    throw new UsageFailure(
      `--ack ${options.ack ?? ''}: each rack numbers its own alarms: add --rack NAME, or write all`,
    );
  const client = await openClient(options, 'alarms', { autostart: true });
  try {
    if (ids !== undefined) {
      const { acknowledged } = await client.request('alarms.ack', { ids });
      if (options.json === true) printJson({ acknowledged });
      else print(`${acknowledged} acknowledged`);
      return EXIT.done;
    }
    const { standing, past } = await client.request('alarms.list', { limit: options.past === true ? 500 : 0 });
    if (options.json === true) printJson({ standing: standing.map(json), past: past.map(json) });
    else if (standing.length + past.length === 0) print('no alarms');
    else for (const alarm of [...past, ...standing]) print(line(alarm, client.welcome.snapshot.rack));
    return EXIT.done;
  } finally {
    client.close();
  }
}

/** Parses alarm ids; null: all. @throws UsageFailure */
function idsOf(text: string): number[] | null {
  if (text === 'all') return null;
  const ids = text.split(',').map(Number);
  if (ids.every((id) => Number.isInteger(id) && id > 0)) return ids;
  throw new UsageFailure(`--ack ${text}: the numbers that 'rackui alarms' shows, with commas between, or all`);
}

function json({ addr, since, clearedAt, acknowledged, ...alarm }: Alarm): object {
  return {
    ...alarm,
    since: iso(since),
    clearedAt: clearedAt === null ? null : iso(clearedAt),
    acknowledged: acknowledged === null ? null : { ...acknowledged, at: iso(acknowledged.at) },
    addr: addr === null ? null : formatAddress(addr),
  };
}

function line({ id, kind, addr, text, since, clearedAt, acknowledged }: Alarm, rack: Inventory): string {
  const node = rack.nodes.find((one) => one.addr === addr);
  const who = addr === null ? alarmOwner(kind) : nodeLabel({ name: node?.name ?? '?', addr });
  const over = clearedAt === null ? '' : `; over at ${iso(clearedAt)}`;
  const seen = acknowledged === null ? '' : `; seen by ${acknowledged.by}`;
  return `${String(id).padStart(4)}  ${iso(since)}  ${who} ${text}${over}${seen}`;
}

interface EventsOptions extends GlobalOptions {
  follow?: boolean;
  json?: boolean;
}

/** Most events that a server keeps and returns at once. */
const LIMIT = 1000;

export async function eventsCommand(options: EventsOptions): Promise<number> {
  const client = await openClient(options, 'events', { autostart: true });
  try {
    const printOne = options.json === true ? (event: EventRecord) => printJson(eventJson(event)) : printEvent;
    const past = await client.request('events.list', { limit: LIMIT });
    for (const event of past) printOne(event);
    if (options.follow !== true) return EXIT.done;
    const last = past.at(-1)?.seq ?? -1;
    return await new Promise<number>((resolve, reject) => {
      client.on('event', (event) => {
        if (event.seq > last) printOne(event);
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
