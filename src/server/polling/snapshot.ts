/** The rack as clients see it: whole in a snapshot, in parts in updates. */
import type { ConfigStatus } from '../../api/configuration.ts';
import type { ServerInfo, Session, Snapshot } from '../../api/methods.ts';
import { steadyNow } from '../../lib/clock.ts';
import { userName } from '../../lib/users.ts';
import type { Operations } from '../../power/operations.ts';
import type { Consoles } from '../consoles/consoles.ts';
import type { EventLog } from '../events.ts';
import { VERSION } from '../logs.ts';
import type { Picture } from '../sessions/outbox.ts';
import type { Outages } from '../ups/outages.ts';
import type { AlarmService } from './alarms.ts';
import type { BusStatusMonitor } from './bus-status.ts';
import type { NodeStates } from './node-states.ts';

/** Events in a snapshot. */
const SNAPSHOT_EVENTS = 200;

export interface ViewedParts {
  nodeStates: NodeStates;
  monitor: BusStatusMonitor;
  consoles: Consoles;
  operations: Operations;
  events: EventLog;
  alarms: AlarmService;
  outages: Outages;
  sessions(): Session[];
  /** Returns the state of the configuration file beside the configuration in force. */
  configStatus(): ConfigStatus;
}

/** The answer to `server.info`, without the parts that change. */
export interface About {
  port: string;
  socket: string;
  stateDir: string;
  autostarted: boolean;
}

export class RackSnapshot implements Picture {
  readonly #parts: ViewedParts;
  readonly #about: About;
  readonly #startedAt = steadyNow();

  constructor(parts: ViewedParts, about: About) {
    this.#parts = parts;
    this.#about = about;
  }

  now(): number {
    return steadyNow();
  }

  inventory(): Snapshot['rack'] {
    return this.#parts.nodeStates.inventory;
  }

  bus(): Snapshot['bus'] {
    return this.#parts.monitor.status();
  }

  node(addr: number): Snapshot['nodes'][number] {
    return this.#parts.nodeStates.nodeState(addr);
  }

  console(): Snapshot['console'] {
    return this.#parts.consoles.state();
  }

  sessions(): Session[] {
    return this.#parts.sessions();
  }

  alarms(): Snapshot['alarms'] {
    return this.#parts.alarms.standing;
  }

  outage(): Snapshot['outage'] {
    return this.#parts.outages.status();
  }

  config(): ConfigStatus {
    return this.#parts.configStatus();
  }

  snapshot(): Snapshot {
    const { nodeStates, operations, events } = this.#parts;
    return {
      now: this.now(),
      rack: this.inventory(),
      intervalMs: nodeStates.intervalMs,
      bus: this.bus(),
      nodes: nodeStates.addresses.map((addr) => nodeStates.nodeState(addr)),
      console: this.console(),
      sessions: this.sessions(),
      operations: operations.list(),
      outage: this.outage(),
      config: this.config(),
      alarms: this.alarms(),
      events: events.latest(SNAPSHOT_EVENTS),
    };
  }

  info(): ServerInfo {
    const { port, socket, stateDir, autostarted } = this.#about;
    return {
      version: VERSION,
      pid: process.pid,
      startedAt: this.#startedAt,
      user: userName(),
      port,
      socket,
      stateDir,
      config: this.config().path,
      configuration: this.config(),
      autostarted,
      sessions: this.sessions(),
    };
  }
}
