/**
 * Starts what reports the rack to other programs, or a cluster's report of its nodes, where the configuration has a
 * section for it, and restarts it when a reload changes that section. What is not configured is not even loaded.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../api/methods.ts';
import type { Bus } from '../bmc/types.ts';
import { type Config, isMessageHook, type MessageHook } from '../config/schema.ts';
import { steadyNow } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Operations } from '../power/operations.ts';
import type { Plans } from '../power/plans/plans.ts';
import type { CallAuditEntry } from '../power/ports.ts';
import type { ActiveConfig } from './active-config.ts';
import type { Changes } from './changes.ts';
import type { EventLog } from './events.ts';
import type { Log } from './logs.ts';
import type { AlarmService } from './polling/alarms.ts';
import type { BusStatusMonitor } from './polling/bus-status.ts';
import type { NodeStates } from './polling/node-states.ts';
import type { Poller } from './polling/poller.ts';

/** The server's modules that reports are made from. */
export interface ReportingNeeds {
  snapshot: () => Snapshot;
  nodeStates: NodeStates;
  alarms: AlarmService;
  operations: Operations;
  plans: Plans;
  monitor: Pick<BusStatusMonitor, 'ready'>;
  poller: Pick<Poller, 'fresh'>;
  events: EventLog;
  /** Adds a warning to the event log about the server's environment. */
  warn: (text: string) => void;
}

interface ReportingOptions {
  bus: Bus;
  configuration: ActiveConfig;
  /** Group of the view-only socket; null: the owner's. */
  viewGid: number | null;
  /** Group of the control socket; null: the owner's. */
  gid: number | null;
  stateDir: string;
  audit: (entry: CallAuditEntry) => Promise<void>;
  log: Log;
}

interface Reporter {
  close(): Promise<void>;
}

/** Events of the server's start that the system's log gets although it begins later: their number, and age, ms. */
const EARLIER_EVENTS = 100;
const EARLIER_MS = 10_000;

/** One kind of report: restarted whenever what `section` returns has changed; null: it is not configured. */
interface Kind<S> {
  name: string;
  section: (config: Partial<Config>) => S | null;
  start: (section: S) => Promise<Reporter>;
}

export class Reporting {
  readonly #options: ReportingOptions;
  readonly #needs: ReportingNeeds;
  readonly #changes: Changes;
  readonly #startedAt = steadyNow();
  readonly #running = new Map<string, Reporter>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: ReportingOptions, needs: ReportingNeeds, changes: Changes) {
    this.#options = options;
    this.#needs = needs;
    this.#changes = changes;
    options.configuration.onReload((next, _rack, before) => () => this.#apply(before, next));
  }

  start(): void {
    this.#apply({}, this.#options.configuration.config);
  }

  async close(): Promise<void> {
    await this.#work;
    await Promise.all([...this.#running.values()].map((reporter) => reporter.close()));
  }

  #apply(before: Partial<Config>, next: Config): void {
    this.#renew(this.#metrics, before, next);
    this.#renew(this.#messages, before, next);
    this.#renew(this.#mqtt, before, next);
    this.#renew(this.#http, before, next);
    this.#renew(this.#systemLog, before, next);
    this.#renew(this.#kubernetes, before, next);
  }

  #renew<S>({ name, section, start }: Kind<S>, before: Partial<Config>, next: Config): void {
    const wanted = section(next);
    if (isDeepStrictEqual(section(before), wanted)) return;
    this.#work = this.#work
      .then(async () => {
        await this.#running.get(name)?.close();
        this.#running.delete(name);
        if (wanted !== null) this.#running.set(name, await start(wanted));
      })
      .catch((error: unknown) => this.#needs.warn(`${name}: cannot be started: ${messageOf(error)}`));
  }

  readonly #metrics: Kind<NonNullable<Config['metrics']>> = {
    name: 'metrics',
    section: ({ metrics }) => metrics ?? null,
    start: async (section) => {
      const { snapshot, alarms } = this.#needs;
      const { Metrics } = await import('./metrics/metrics.ts');
      return new Metrics(section, {
        snapshot,
        counters: this.#options.bus.counters,
        startedAt: this.#startedAt,
        changes: this.#changes,
        gid: this.#options.viewGid,
        alarm: (text) => alarms.set('metrics', null, text),
      });
    },
  };

  readonly #messages: Kind<MessageHook[]> = {
    name: 'messages',
    section: ({ hooks = [] }) => {
      const own = hooks.filter((hook) => isMessageHook(hook));
      return own.length === 0 ? null : own;
    },
    start: async (hooks) => {
      const { nodeStates, alarms } = this.#needs;
      const { Messages } = await import('./messages/messages.ts');
      return new Messages(hooks, {
        inventory: () => nodeStates.inventory,
        changes: this.#changes,
        alarm: (text) => alarms.set('message', null, text),
      });
    },
  };

  readonly #mqtt: Kind<NonNullable<Config['mqtt']>> = {
    name: 'mqtt',
    section: ({ mqtt }) => mqtt ?? null,
    start: async (section) => {
      const { snapshot, operations, events, alarms } = this.#needs;
      const { Mqtt } = await import('./mqtt/mqtt.ts');
      return new Mqtt(section, {
        snapshot,
        operations,
        event: (level, addr, text) => events.add(level, 'power', addr, text),
        alarm: (text) => alarms.set('mqtt', null, text),
      });
    },
  };

  readonly #http: Kind<NonNullable<Config['http']>> = {
    name: 'http',
    section: ({ http }) => http ?? null,
    start: async (section) => {
      const { Http } = await import('./http/http.ts');
      const { alarms, warn, monitor, poller } = this.#needs;
      const { gid, stateDir, audit, log } = this.#options;
      return new Http(section, {
        ...this.#needs,
        changes: this.#changes,
        gid,
        stateDir,
        fresh: async (addr) => monitor.ready && poller.fresh([addr], 'pause'),
        consoleText: () => this.#options.configuration.config.server.viewOnly.consoleText,
        audit,
        warn,
        failed: (text) => log.error(text),
        alarm: (text) => alarms.set('http', null, text),
      });
    },
  };

  readonly #systemLog: Kind<NonNullable<Config['systemLog']>> = {
    name: 'systemLog',
    section: ({ systemLog }) => systemLog ?? null,
    start: async (section) => {
      const { nodeStates, alarms, events } = this.#needs;
      const { SystemLog } = await import('./system-log/system-log.ts');
      return new SystemLog(section, {
        inventory: () => nodeStates.inventory,
        changes: this.#changes,
        earlier: events.latest(EARLIER_EVENTS).filter(({ at }) => steadyNow() - at < EARLIER_MS),
        alarm: (text) => alarms.set('system-log', null, text),
      });
    },
  };

  readonly #kubernetes: Kind<NonNullable<Config['kubernetes']>> = {
    name: 'kubernetes',
    section: ({ kubernetes }) => kubernetes ?? null,
    start: async (section) => {
      const { nodeStates, alarms } = this.#needs;
      const { Kubernetes } = await import('./kubernetes/kubernetes.ts');
      return new Kubernetes(section, {
        inventory: () => nodeStates.inventory,
        report: (report) => nodeStates.clusterReported(report),
        alarm: (text) => alarms.set('kubernetes', null, text),
      });
    },
  };
}
