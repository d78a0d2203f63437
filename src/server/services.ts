/** The modules of the running server that handlers use. */
import type { ServerInfo, Snapshot } from '../api/methods.ts';
import type { ExchangeLog } from '../bmc/trace.ts';
import type { Bus } from '../bmc/types.ts';
import type { Operations } from '../power/operations.ts';
import type { Plans } from '../power/plans/plans.ts';
import type { DurationPort, RawAuditEntry } from '../power/ports.ts';
import type { Reloading } from './active-config.ts';
import type { Consoles } from './consoles/consoles.ts';
import type { EventLog } from './events.ts';
import type { AlarmService } from './polling/alarms.ts';
import type { BusStatusMonitor } from './polling/bus-status.ts';
import type { Discovery } from './polling/discovery.ts';
import type { NodeStates } from './polling/node-states.ts';
import type { Poller } from './polling/poller.ts';
import type { QuietReader } from './polling/quiet-reader.ts';
import type { Commands } from './shells/commands.ts';
import type { Files } from './shells/files.ts';
import type { SelfCheck } from './self-check.ts';
import type { Outages } from './ups/outages.ts';

export interface Services {
  bus: Pick<Bus, 'retry' | 'health' | 'status' | 'uid' | 'diagnose' | 'raw'>;
  exchanges: ExchangeLog;
  monitor: BusStatusMonitor;
  nodeStates: NodeStates;
  /** Null where the inventory is configured. */
  discovery: Discovery | null;
  poller: Poller;
  consoles: Consoles;
  quietReader: QuietReader;
  commands: Commands;
  files: Files;
  operations: Operations;
  plans: Plans;
  durations: Pick<DurationPort, 'latest'>;
  outages: Outages;
  events: EventLog;
  alarms: AlarmService;
  reloading: Reloading;
  selfCheck: SelfCheck;
  audit(entry: RawAuditEntry): Promise<void>;
  snapshot(): Snapshot;
  info(): ServerInfo;
  /** Starts the end of the server, after the present message. */
  leave(why: string): void;
}
