/** What is kept of what happened: events, exchanges on the bus, host names that were seen. */
import { ExchangeLog } from '../../bmc/exchange-log.ts';
import { EventLog } from '../events.ts';
import { HostMemory } from '../host-memory.ts';
import { EventFile } from '../logs.ts';
import type { Parts } from './parts.ts';
import { steadyNow } from '../../lib/clock.ts';

export interface RecordParts {
  eventFile: EventFile;
  events: EventLog;
  exchanges: ExchangeLog;
  hosts: HostMemory;
  /** Something around the server went wrong: an event for everybody. */
  warn: (text: string) => void;
}

export function recordParts(parts: Parts): RecordParts {
  const { stateDir, tap, log } = parts.options;
  const exchanges = new ExchangeLog();
  tap.on((event) => exchanges.feed(event));
  const warn = (text: string): void => events.add('warning', 'server', null, text);
  const eventFile = new EventFile(stateDir, (text) => {
    log.warn(text);
    warn(text);
    if ('selfCheck' in parts) parts.selfCheck.suspect();
  });
  const events = new EventLog({
    now: steadyNow,
    write: (line) => eventFile.write(line),
    publish: (event) => {
      // Files in the state directory are read, and complained of, while the parts are put together: nobody is here yet,
      // and who comes finds it in the log.
      if (!('roster' in parts)) return;
      // A node's log tells why it fell silent, whether its console was open or not.
      if (event.addr !== null && (event.topic === 'power' || event.topic === 'node'))
        parts.consoles.mark(event.addr, event.text, event.at);
      parts.roster.note('event', event);
    },
  });
  return { eventFile, events, exchanges, hosts: new HostMemory(stateDir, warn), warn };
}
