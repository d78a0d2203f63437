/** What handlers work with: the parts of the running server. */
import type { ServerInfo, Snapshot } from '../api/protocol.ts';
import type { Bus } from '../bmc/types.ts';
import type { ExchangeLog } from '../bmc/exchange-log.ts';
import type { Operations } from '../power/operations.ts';
import type { RawAuditEntry } from '../power/ports.ts';
import type { Plans } from '../power/plans/plans.ts';
import type { AlarmDesk } from './alarm-desk.ts';
import type { BusMonitor } from './bus-monitor.ts';
import type { Consoles } from './consoles.ts';
import type { Discovery } from './discovery.ts';
import type { EventLog } from './events.ts';
import type { Reloading } from './reloading.ts';
import type { SelfCheck } from './self-check.ts';
import type { Outages } from './parts/outage.ts';
import type { Sweeper } from './sweep.ts';
import type { Telemetry } from './telemetry.ts';

export interface Services {
  bus: Pick<Bus, 'retry' | 'health' | 'status' | 'uid' | 'survey' | 'raw'>;
  exchanges: ExchangeLog;
  monitor: BusMonitor;
  telemetry: Telemetry;
  /** Null where the inventory is configured. */
  discovery: Discovery | null;
  sweeper: Sweeper;
  consoles: Consoles;
  operations: Operations;
  plans: Plans;
  outages: Outages;
  events: EventLog;
  alarms: AlarmDesk;
  reloading: Reloading;
  selfCheck: SelfCheck;
  audit(entry: RawAuditEntry): Promise<void>;
  snapshot(): Snapshot;
  info(): ServerInfo;
  /** The server begins to leave, after the present message. */
  leave(why: string): void;
}
