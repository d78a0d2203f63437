/** The server of one rack: composes bus, sweep, consoles, power operations and sessions, and ends them in order. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ClientIdentity, EventRecord } from '../api/protocol.ts';
import type { Operation } from '../api/power.ts';
import { ExchangeLog } from '../bmc/exchange-log.ts';
import type { LineTap } from '../bmc/tap.ts';
import type { Bus } from '../bmc/types.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secret.ts';
import { Operations } from '../power/operations.ts';
import { Plans } from '../power/plans/plans.ts';
import type { PlanPorts } from '../power/plans/ports.ts';
import type { AuditEntry, JournalPort, OperationPorts, RawAuditEntry } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import type { Inventory } from '../rack/inventory.ts';
import { AlarmDesk } from './alarm-desk.ts';
import { BusMonitor } from './bus-monitor.ts';
import { Consoles } from './consoles.ts';
import { Discovery } from './discovery.ts';
import { EventLog } from './events.ts';
import { alarmHandlers } from './handlers/alarms.ts';
import { busHandlers } from './handlers/bus.ts';
import { ConsoleAlarms } from './console-alarms.ts';
import { IdleSampler } from './console-idle.ts';
import { logLimits } from './console-logs.ts';
import { consoleHandlers, consoleNotes } from './handlers/console.ts';
import { detailHandlers } from './handlers/detail.ts';
import { lookHandlers } from './handlers/look.ts';
import { planHandlers } from './handlers/plan.ts';
import { powerHandlers } from './handlers/power.ts';
import { serverHandlers } from './handlers/server.ts';
import { Durations } from './durations.ts';
import { HaltBands } from './halt-bands.ts';
import { hooksFor } from './hooks.ts';
import { HostMemory } from './host-memory.ts';
import { Linger } from './linger.ts';
import { listenAt, type Listening } from './listener.ts';
import { EventFile, type Log } from './logs.ts';
import { Network } from './network.ts';
import { runProgram } from './programs.ts';
import { RackView, type About } from './rack-view.ts';
import { Roster } from './roster.ts';
import type { Services } from './services.ts';
import { Sweeper } from './sweep.ts';
import { Telemetry } from './telemetry.ts';
import { VERSION } from './version.ts';
import { Workload } from './workload.ts';

/** How long running operations may take to end in order when the server must go, ms. */
const OPERATIONS_END_MS = 10_000;
/** A machine that is asked to shut itself down answers at once, s. */
const POWEROFF_LIMIT_S = 60;

export interface RackServerOptions extends About {
  bus: Bus;
  /** Hears what passes between bus and port. */
  tap: LineTap;
  inventory: Inventory;
  config: Config;
  /** View-only socket, beside the control socket. */
  viewSocket: string;
  /** Group of the control socket, or null: the owner's. */
  gid: number | null;
  audit: (entry: AuditEntry | RawAuditEntry) => Promise<void>;
  journal: JournalPort;
  planJournal: PlanPorts['planJournal'];
  log: Log;
  /** The server wants to go: whoever runs it calls {@link RackServer.close}. */
  leave(why: string): void;
}

export class RackServer {
  readonly #options: RackServerOptions;
  readonly #eventFile: EventFile;
  readonly #events: EventLog;
  readonly #exchanges = new ExchangeLog();
  readonly #monitor: BusMonitor;
  readonly #alarms: AlarmDesk;
  readonly #telemetry: Telemetry;
  readonly #discovery: Discovery | null;
  readonly #sweeper: Sweeper;
  readonly #consoles: Consoles;
  readonly #consoleAlarms: ConsoleAlarms;
  readonly #idleSampler: IdleSampler | null;
  readonly #operations: Operations;
  readonly #plans: Plans;
  readonly #view: RackView;
  readonly #workload = new Workload(Date.now);
  readonly #hosts: HostMemory;
  readonly #roster: Roster;
  readonly #linger: Linger | null;
  #listening: Listening[] = [];
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: RackServerOptions) {
    const { bus, port, inventory, config, stateDir, log } = options;
    const now = Date.now;
    this.#options = options;
    options.tap.on((event) => this.#exchanges.feed(event));
    this.#eventFile = new EventFile(stateDir, (text) => {
      log.warn(text);
      this.#events.add('warning', 'server', null, text);
    });
    this.#events = new EventLog({
      now,
      write: (line) => this.#eventFile.write(line),
      publish: (event) => {
        // A node's log tells why it fell silent, whether its console was open or not.
        if (event.addr !== null && (event.topic === 'power' || event.topic === 'node'))
          this.#consoles.mark(event.addr, event.text, event.at);
        this.#roster.note('event', event);
      },
    });
    this.#hosts = new HostMemory(stateDir, (text) => this.#events.add('warning', 'server', null, text));
    this.#monitor = new BusMonitor(bus, port, {
      now,
      events: this.#events,
      changed: () => this.#busChanged(),
    });
    this.#alarms = new AlarmDesk(config.alarms, {
      now,
      events: this.#events,
      inventory: () => this.#telemetry.inventory,
      label: (addr) => this.#telemetry.label(addr),
      changed: () => this.#roster.changed('alarms'),
      nodeChanged: (node) => this.#roster.changed({ node }),
    });
    this.#telemetry = new Telemetry(inventory, config.poll.interval * 1000, {
      now,
      events: this.#events,
      operationOn: (addr) => this.#workload.on(addr),
      switchedHere: (addr) => this.#workload.switchedHere(addr),
      read: (addr, reading) => this.#alarms.read(addr, reading),
      powerChanged: (...change) => {
        this.#alarms.powerChanged(...change);
        this.#consoleAlarms.over(change[0]);
      },
      alarms: (addr) => this.#alarms.wordsFor(addr),
      nodeChanged: (node) => this.#roster.changed({ node }),
      rackChanged: () => this.#roster.changed('rack'),
    });
    this.#discovery = inventory.configured ? null : new Discovery(bus, this.#telemetry);
    this.#sweeper = new Sweeper(bus, this.#monitor, this.#telemetry, this.#discovery, {
      now,
      busyNodes: () => this.#workload.nodes,
    });
    const event = (level: EventRecord['level'], addr: Address, text: string): void =>
      this.#events.add(level, 'console', addr, text);
    this.#consoleAlarms = new ConsoleAlarms(config.console.triggers, {
      now,
      inventory: () => this.#telemetry.inventory,
      label: (addr) => this.#telemetry.label(addr),
      event,
      set: (addr, text) => this.#alarms.set('console', addr, text, 'quiet'),
    });
    this.#consoles = new Consoles({
      bus,
      baud: (addr) => config.nodes.find((node) => node.addr === addr)?.baud ?? config.console.baud,
      limits: logLimits(config),
      scrollback: config.console.scrollback,
      transcriptDir: join(stateDir, 'consoles'),
      now,
      label: (addr) => this.#telemetry.label(addr),
      name: (addr) => this.#telemetry.name(addr),
      event,
      hostSeen: (addr, host) => this.#hosts.saw(addr, host, now()),
      lineSeen: (addr, text) => this.#consoleAlarms.line(addr, text),
      changed: () => this.#consoleChanged(),
    });
    this.#idleSampler =
      config.console.telemetry === 'idle'
        ? new IdleSampler(config.console.idle * 1000, {
            bus,
            addresses: () => this.#telemetry.addresses,
            silentMs: () => this.#consoles.silentMs(),
            ask: (addrs) => this.#sweeper.fresh(addrs, 'pause'),
          })
        : null;
    const ports = this.#powerPorts();
    this.#operations = new Operations(ports);
    const { plans, poweroff } = config;
    this.#plans = new Plans(
      {
        ...ports,
        plans,
        calibration: (addr) =>
          config.nodes.find((node) => node.addr === addr)?.calibration ?? config.calibration ?? null,
        poweroff:
          poweroff === undefined
            ? null
            : {
                text: poweroff.join(' '),
                run: () => runProgram(poweroff, POWEROFF_LIMIT_S, new AbortController().signal),
              },
        operationsLeft: () => options.journal.unfinished(),
        planJournal: options.planJournal,
        publishPlan: (run) => {
          this.#roster.changed({ plan: run });
          this.#linger?.look();
        },
      },
      this.#operations,
    );
    this.#view = new RackView(
      {
        telemetry: this.#telemetry,
        monitor: this.#monitor,
        consoles: this.#consoles,
        operations: this.#operations,
        events: this.#events,
        alarms: this.#alarms,
        sessions: () => this.#roster.describe(),
      },
      options,
    );
    const services = this.#services();
    this.#roster = new Roster({
      now,
      picture: this.#view,
      methods: {
        ...lookHandlers(services),
        ...detailHandlers(services),
        ...busHandlers(services),
        ...consoleHandlers(services),
        ...powerHandlers(services),
        ...planHandlers(services),
        ...alarmHandlers(services),
        ...serverHandlers(services),
      },
      notes: consoleNotes(services),
      event: (level, text) => this.#events.add(level, 'session', null, text),
      changed: () => this.#linger?.look(),
      left: (session) => this.#consoles.detach(session),
      log: (level, text) => log[level](text),
    });
    this.#linger = options.autostarted
      ? new Linger(
          config.server.linger * 1000,
          () => this.#roster.size > 0 || this.#workload.busy || this.#plans.underWay().length > 0,
          () => options.leave(`nobody was here for ${config.server.linger} s`),
        )
      : null;
  }

  /** Listens, then begins with the bus, where it has not begun yet. @throws {SocketUnavailable} */
  async start(): Promise<void> {
    const { bus, socket, viewSocket, gid, log } = this.#options;
    this.#plans.recover();
    this.#operations.recover();
    this.#listening.push(await listenAt(socket, 0o660, gid, (client) => this.#roster.admit(client, 'control')));
    this.#listening.push(await listenAt(viewSocket, 0o666, gid, (client) => this.#roster.admit(client, 'view')));
    this.#events.add('info', 'server', null, `Server started (rackui ${VERSION}, pid ${process.pid})`);
    bus.onHealth(({ phase, detail }) => {
      log.info({ phase, detail }, 'bus');
      if (phase === 'ready') this.#sweeper.wake();
    });
    this.#monitor.start();
    bus.start();
    this.#sweeping = this.#sweeper.run();
  }

  /** An event for everybody: something around the server went wrong. */
  warn(text: string): void {
    this.#events.add('warning', 'server', null, text);
  }

  /**
   * Ends everything in order: nobody new; operations to their end, or to a state that can be left; consoles; the pipe
   * (^G) before the port; everybody is told why. Never rejects. `hurry` cuts the wait for operations short.
   */
  async close(why: string, hurry: AbortSignal): Promise<void> {
    const { bus, log } = this.#options;
    this.#linger?.stop();
    this.#events.add('notice', 'server', null, `The server leaves: ${why}`);
    for (const listening of this.#listening) listening.stopListening();
    this.#plans.leave();
    await this.#endOperations(hurry);
    this.#idleSampler?.stop();
    this.#sweeper.stop();
    this.#monitor.stop();
    this.#alarms.close();
    await this.#consoles.close(`the server leaves: ${why}`);
    const farewell = this.#roster.close(`the server leaves: ${why}`);
    await bus.close().catch((error: unknown) => log.error({ error }, 'closing the bus'));
    await farewell;
    await this.#sweeping.catch((error: unknown) => log.error({ error }, 'the sweep failed'));
    this.#eventFile.close();
  }

  #powerPorts(): OperationPorts {
    const { bus, config, audit, journal, stateDir, tap } = this.#options;
    const { login, ssh } = config;
    const inventory = (): Inventory => this.#telemetry.inventory;
    return {
      now: Date.now,
      every: (ms, fn) => {
        const timer = setInterval(fn, ms);
        return () => clearInterval(timer);
      },
      inventory,
      reading: (addr) => this.#telemetry.reading(addr),
      bus: this.#telemetry.following(bus),
      console: this.#consoles,
      hostSeen: (addr) => this.#hosts.get(addr),
      credentials: async () => {
        if (!login) return null;
        const password = await readSecret(login.password);
        // Before it is typed: recordings and the exchange log are to show nothing of it.
        tap.hide(password);
        return { user: login.user, password };
      },
      publish: (operation) => this.#published(operation),
      event: (level, addr, text) => this.#events.add(level, 'power', addr, text),
      audit,
      journal,
      limits: config.shutdown,
      boot: config.boot,
      network: ssh === undefined ? null : new Network(ssh, inventory),
      hooks: (when, addr, about) => hooksFor(config.hooks, inventory(), when, addr, about),
      haltBands: new HaltBands(
        stateDir,
        (addr) => this.#telemetry.name(addr),
        (text) => this.#events.add('warning', 'server', null, text),
      ),
      durations: new Durations(
        stateDir,
        (addr) => this.#telemetry.name(addr),
        (text) => this.#events.add('warning', 'server', null, text),
      ),
    };
  }

  #services(): Services {
    return {
      bus: this.#options.bus,
      exchanges: this.#exchanges,
      audit: this.#options.audit,
      monitor: this.#monitor,
      telemetry: this.#telemetry,
      discovery: this.#discovery,
      sweeper: this.#sweeper,
      consoles: this.#consoles,
      operations: this.#operations,
      plans: this.#plans,
      events: this.#events,
      alarms: this.#alarms,
      snapshot: () => this.#view.snapshot(),
      info: () => this.#view.info(),
      // The answer goes first.
      leave: (why) => void setImmediate(() => this.#options.leave(why)),
    };
  }

  #busChanged(): void {
    const { state, detail } = this.#monitor.status();
    const well = state === 'ready' || state === 'paused' || state === 'starting';
    this.#alarms.bus(well ? null : `${state}: ${detail}`);
    this.#roster.changed('bus');
  }

  #consoleChanged(): void {
    const open = this.#consoles.state() !== null;
    const wasOpen = this.#monitor.paused;
    if (open !== wasOpen) this.#monitor.paused = open;
    if (wasOpen && !open) this.#sweeper.wake();
    this.#roster.changed('console');
  }

  #published(operation: Operation): void {
    for (const node of this.#workload.published(operation)) this.#roster.changed({ node });
    this.#roster.changed({ operation });
    this.#plans.heard(operation);
    this.#linger?.look();
  }

  /** A node that is off in the middle of a cycle must come on again: operations end themselves before the bus goes. */
  async #endOperations(hurry: AbortSignal): Promise<void> {
    for (const { id, endedAt } of this.#operations.list()) if (endedAt === null) this.#operations.abort(id, SELF);
    const limit = performance.now() + OPERATIONS_END_MS;
    while (this.#operations.busy() && !hurry.aborted && performance.now() < limit)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Who aborts operations when the server leaves. */
const SELF: ClientIdentity = { user: userInfo().username, from: null, tty: null, program: 'serve', pid: process.pid };
