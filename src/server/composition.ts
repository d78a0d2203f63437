/**
 * Builds the modules of a server in order: each group from those before it; earlier modules reach later ones by
 * change events.
 */
import type { ConfigStatus } from '../api/configuration.ts';
import type { EventRecord, Session } from '../api/methods.ts';
import { ExchangeLog, type Trace } from '../bmc/trace.ts';
import type { Bus, ConsoleBaud } from '../bmc/types.ts';
import type { Config } from '../config/schema.ts';
import { steadyNow } from '../lib/clock.ts';
import type { Journal } from '../power/journal.ts';
import type { Operations } from '../power/operations.ts';
import type { OutageRecord } from '../power/outage/record.ts';
import type { Plans } from '../power/plans/plans.ts';
import type { PlanPorts } from '../power/plans/record.ts';
import type { AuditEntry, CallAuditEntry, JournalPort, RawAuditEntry } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import { masterMismatch } from '../rack/inventory.ts';
import { type ActiveConfig, Reloading } from './active-config.ts';
import { Changes } from './changes.ts';
import { logLimits } from './consoles/buffer.ts';
import { Consoles } from './consoles/consoles.ts';
import { LineAlarms } from './consoles/line-alarms.ts';
import { type ConsoleSockets, offerSockets } from './consoles/sockets.ts';
import { EventLog } from './events.ts';
import { HostMemory } from './learned-store.ts';
import { IdleTimeout } from './lifecycle.ts';
import { EventFile, type Log } from './logs.ts';
import { AlarmService } from './polling/alarms.ts';
import { Boards } from './polling/boards.ts';
import { BusStatusMonitor } from './polling/bus-status.ts';
import { Discovery } from './polling/discovery.ts';
import { readEarlierHistory } from './polling/earlier-history.ts';
import { NodeStates, BusyNodes } from './polling/node-states.ts';
import { Poller } from './polling/poller.ts';
import { QuietReader } from './polling/quiet-reader.ts';
import { PowerReturn } from './polling/power-return.ts';
import { type About, RackSnapshot } from './polling/snapshot.ts';
import { SystemStates } from './polling/system-states.ts';
import { composePower } from './power-services.ts';
import { Reporting } from './reporting.ts';
import { busHandlers } from './rpc/bus.ts';
import { consoleHandlers, consoleNotes } from './rpc/console.ts';
import { outageHandlers, planHandlers, powerHandlers } from './rpc/power.ts';
import { alarmHandlers, detailHandlers, queryHandlers } from './rpc/rack.ts';
import { serverHandlers } from './rpc/server.ts';
import { SelfCheck } from './self-check.ts';
import type { Services } from './services.ts';
import type { Commands } from './shells/commands.ts';
import type { Files } from './shells/files.ts';
import { SessionRegistry } from './sessions/registry.ts';
import { composeOutages, type Outages } from './ups/outages.ts';

export interface RackServerOptions extends About {
  bus: Bus;
  /** Records the bytes between bus and port. */
  trace: Trace;
  /** The unlock string of the bus. */
  unlock: string;
  configuration: ActiveConfig;
  /** Path of the view-only socket, beside the control socket. */
  viewSocket: string;
  consoleLogDir: string;
  /** Group of the control socket; null: the owner's. */
  gid: number | null;
  /** Group of the view-only socket; null: the owner alone, unless all users may view. */
  viewGid: number | null;
  audit: (entry: AuditEntry | CallAuditEntry | RawAuditEntry) => Promise<void>;
  journal: JournalPort;
  planJournal: PlanPorts['planJournal'];
  outageJournal: Pick<Journal<OutageRecord>, 'write' | 'unfinished' | 'ended'>;
  log: Log;
  /** Requests the end of the server; the process then calls {@link RackServer.close}. */
  leave(why: string): void;
}

/** Event log, bus log, and host names that nodes showed. */
interface Records {
  eventFile: EventFile;
  events: EventLog;
  exchanges: ExchangeLog;
  hosts: HostMemory;
  /** Adds a warning to the event log about the server's environment. */
  warn: (text: string) => void;
}

function composeRecords({ stateDir, trace, log }: RackServerOptions, changes: Changes): Records {
  const exchanges = new ExchangeLog(() => trace.catchUp());
  trace.onLate((event) => exchanges.feed(event));
  const warn = (text: string): void => events.add('warning', 'server', null, text);
  const eventFile = new EventFile(stateDir, (text) => {
    log.warn(text);
    warn(text);
    changes.emit('disk-failed');
  });
  const events = new EventLog({
    now: steadyNow,
    write: (line) => eventFile.write(line),
    publish: (event) => void changes.emit('event', event),
  });
  return { eventFile, events, exchanges, hosts: new HostMemory(stateDir, warn), warn };
}

/** Bus status, readings, their alarms, and the poller. */
interface Polling {
  monitor: BusStatusMonitor;
  alarms: AlarmService;
  selfCheck: SelfCheck;
  nodeStates: NodeStates;
  systems: SystemStates;
  boards: Boards;
  /** Null where the inventory is configured. */
  discovery: Discovery | null;
  poller: Poller;
  /** Nodes in operations, which are polled more often. */
  workload: BusyNodes;
}

function composePolling(options: RackServerOptions, { events, warn }: Records, changes: Changes): Polling {
  const { bus, port, configuration, stateDir } = options;
  const { inventory } = configuration;
  const now = steadyNow;
  const workload = new BusyNodes(now);
  const powerReturn: PowerReturn = new PowerReturn({
    now,
    events,
    addresses: () => nodeStates.addresses,
    power: (addr) => {
      const reading = nodeStates.reading(addr);
      return reading.state === 'ok' ? reading.sample.power : null;
    },
  });
  const monitor: BusStatusMonitor = new BusStatusMonitor(bus, port, {
    now,
    events,
    changed: () => {
      updateBusAlarms(options, monitor, alarms);
      changes.emit('changed', 'bus');
    },
    unlocked: (awayMs) => powerReturn.unlocked(awayMs),
    unlocking: () => void changes.emit('unlocking'),
    swept: () => powerReturn.swept(),
  });
  const alarms: AlarmService = new AlarmService(() => configuration.config.alarms, {
    now,
    events,
    inventory: () => nodeStates.inventory,
    label: (addr) => nodeStates.label(addr),
    turned: (alarm) => void changes.emit('alarm', alarm),
    changed: () => void changes.emit('changed', 'alarms'),
    nodeChanged: (node) => void changes.emit('changed', { node }),
  });
  const systems: SystemStates = new SystemStates({
    now,
    events,
    alarms,
    limits: () => configuration.config,
    stateDir,
    warn,
    nameOf: (addr) => nodeStates.name(addr),
    label: (addr) => nodeStates.label(addr),
    operationOn: (addr) => workload.on(addr),
    nodeChanged: (node) => void changes.emit('changed', { node }),
  });
  const nodeStates: NodeStates = new NodeStates(inventory, configuration.config.poll.interval * 1000, {
    now,
    events,
    operationOn: (addr) => workload.on(addr),
    switchedHere: (addr) => workload.switchedHere(addr),
    read: (addr, reading) => {
      alarms.read(addr, reading);
      systems.read(addr, reading);
      changes.emit('read', addr, reading);
    },
    powerReturn,
    powerChanged: (...change) => {
      alarms.powerChanged(...change);
      if (change[2] === 'on') systems.sign(change[0], 'power-on', 'was switched on');
      changes.emit('power', change[0]);
    },
    appeared: (addr) => boards.suspect(addr),
    alarms: (addr) => alarms.wordsFor(addr),
    system: (addr) => systems.get(addr),
    nodeChanged: (node, sampled) => void changes.emit('changed', { node, sampled }),
    rackChanged: () => void changes.emit('changed', 'rack'),
  });
  readEarlierHistory(stateDir, warn, (...sample) => nodeStates.recordEarlier(...sample));
  const boards: Boards = new Boards(bus, {
    stateDir,
    configured: (addr) => configuration.inventory.nodes.find((node) => node.addr === addr)?.uid ?? null,
    answers: (addr) => nodeStates.reading(addr).state === 'ok',
    read: (addr, uid) => nodeStates.identified(addr, uid),
    alarm: (kind, addr, text) => alarms.set(kind, addr, text),
    warn,
  });
  const discovery = inventory.configured ? null : new Discovery(bus, nodeStates);
  const poller = new Poller(bus, monitor, nodeStates, discovery, {
    now,
    busyNodes: () => workload.nodes,
    between: (free) => boards.identify(free),
  });
  const selfCheck = new SelfCheck({
    stateDir,
    consoleLogDir: options.consoleLogDir,
    now,
    get config() {
      return configuration.config;
    },
    alarm: (kind, text) => alarms.set(kind, null, text),
  });
  changes.on('disk-failed', () => selfCheck.suspect()).on('work', () => poller.pollBusy());
  return { monitor, alarms, selfCheck, nodeStates, systems, boards, discovery, poller, workload };
}

/** Raises and clears the alarms about the bus and its master. */
function updateBusAlarms({ configuration }: RackServerOptions, monitor: BusStatusMonitor, alarms: AlarmService): void {
  const { state, detail } = monitor.status();
  alarms.set('master', null, masterMismatch(configuration.inventory.nodes, monitor.seenMaster));
  const well = state === 'ready' || state === 'paused' || state === 'starting';
  alarms.bus(well ? null : `${state}: ${detail}`);
}

/** Consoles, the alarms raised by their lines, and the reader of other nodes while they are silent. */
interface OpenConsoles {
  consoles: Consoles;
  consoleAlarms: LineAlarms;
  quietReader: QuietReader;
}

function composeConsoles(options: RackServerOptions, earlier: Records & Polling, changes: Changes): OpenConsoles {
  const { bus, configuration, consoleLogDir, unlock } = options;
  const { config } = configuration;
  const { nodeStates, alarms, hosts, events, monitor, poller, systems } = earlier;
  const now = steadyNow;
  const event = (level: EventRecord['level'], addr: Address, text: string): void =>
    events.add(level, 'console', addr, text);
  const consoleAlarms = new LineAlarms(() => configuration.config.console.triggers, {
    now,
    inventory: () => nodeStates.inventory,
    label: (addr) => nodeStates.label(addr),
    event,
    set: (addr, text) => alarms.set('console', addr, text, 'quiet'),
  });
  const consoles: Consoles = new Consoles({
    bus,
    unlock,
    baud: (addr) => baudOf(configuration.config, addr),
    limits: logLimits(config),
    scrollback: config.console.scrollback,
    transcriptDir: consoleLogDir,
    now,
    label: (addr) => nodeStates.label(addr),
    name: (addr) => nodeStates.name(addr),
    event,
    hostSeen: (addr, host) => hosts.saw(addr, host, now()),
    systems,
    lineSeen: (addr, text) => consoleAlarms.line(addr, text),
    tally: (addr, bytes) => {
      if (bytes === null) changes.emit('gap', addr);
      else changes.emit('output', addr, bytes);
    },
    changed: () => {
      lendWire(consoles, earlier);
      changes.emit('changed', 'console');
    },
  });
  const quietReader = new QuietReader(config.console.idle * 1000, {
    bus,
    nodeCount: () => nodeStates.addresses.length,
    begin: () => consoles.beginRead(),
    readNext: () => poller.readNext(),
  });
  quietReader.on = monitor.quietReads = config.console.telemetry === 'idle';
  changes.on('unlocking', () => consoles.unlocking());
  changes.on('power', (addr) => {
    consoles.powerChanged(addr);
    consoleAlarms.over(addr);
    consoles.startedAnew(addr, 'after a change of its power');
  });
  // A node's log gets the events about its power, whether its console was open or not.
  changes.on('event', ({ addr, topic, text, at }) => {
    if (addr !== null && (topic === 'power' || topic === 'node')) consoles.mark(addr, text, at);
  });
  return { consoles, consoleAlarms, quietReader };
}

function baudOf({ nodes, console }: Config, addr: Address): ConsoleBaud {
  return nodes.find((node) => node.addr === addr)?.baud ?? console.baud;
}

/** There is one wire: while a console has it, the poller waits. */
function lendWire(consoles: Consoles, { monitor, poller }: Polling): void {
  const open = consoles.state() !== null;
  const wasOpen = monitor.paused;
  if (open !== wasOpen) monitor.paused = open;
  if (wasOpen && !open) poller.wake();
}

/** Sessions, and the idle timeout of a server that a client started. */
interface Sessions {
  sessionRegistry: SessionRegistry;
  consoleSockets: ConsoleSockets | null;
  view: RackSnapshot;
  /** Null where the server runs as a service. */
  idleTimeout: IdleTimeout | null;
}

function composeSessions(
  options: RackServerOptions,
  earlier: Working & { reloading: Reloading },
  changes: Changes,
): Sessions {
  const { events, consoles } = earlier;
  const sessions = (): Session[] => [...sessionRegistry.describe(), ...(consoleSockets?.describe() ?? [])];
  const configStatus = (): ConfigStatus => options.configuration.status();
  const view: RackSnapshot = new RackSnapshot({ ...earlier, sessions, configStatus }, options);
  const services: Services = {
    ...earlier,
    bus: options.bus,
    audit: options.audit,
    snapshot: () => view.snapshot(),
    info: () => view.info(),
    // Sends the answer first.
    leave: (why) => void setImmediate(() => options.leave(why)),
  };
  const sessionRegistry: SessionRegistry = new SessionRegistry({
    now: steadyNow,
    picture: view,
    methods: {
      ...queryHandlers(services),
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
    openConsole: () => consoles.state(),
    event: (level, text) => events.add(level, 'session', null, text),
    changed: () => void changes.emit('work'),
    left: (session) => consoles.detach(session),
    log: (level, text) => options.log[level](text),
  });
  const consoleSockets = offerSockets(options, earlier, () => sessionRegistry.newId(), changes);
  const clients = (): boolean => sessionRegistry.size > 0 || consoleSockets?.busy === true;
  const idleTimeout = options.autostarted ? createIdleTimeout(options, earlier, clients) : null;
  changes.on('changed', (change) => sessionRegistry.changed(change));
  changes.on('event', (event) => sessionRegistry.note('event', event));
  changes.on('work', () => idleTimeout?.look());
  return { sessionRegistry, consoleSockets, view, idleTimeout };
}

function createIdleTimeout(options: RackServerOptions, work: Working, clients: () => boolean): IdleTimeout {
  const { linger } = options.configuration.config.server;
  return new IdleTimeout(
    linger * 1000,
    () => clients() || work.workload.busy || work.plans.underWay().length > 0 || work.outages.underWay,
    () => options.leave(`no client for ${linger} s`),
  );
}

/** Everything that works without a client. */
interface Working extends Records, Polling, OpenConsoles {
  operations: Operations;
  plans: Plans;
  commands: Commands;
  files: Files;
  durations: Services['durations'];
  outages: Outages;
}

export interface ServerParts extends Working, Sessions {
  reloading: Reloading;
  reporting: Reporting;
}

export function composeServer(given: RackServerOptions): ServerParts {
  const { configuration } = given;
  const changes = new Changes();
  const audit: RackServerOptions['audit'] = (entry) => {
    changes.emit('audit', entry);
    return given.audit(entry);
  };
  const options = { ...given, audit };
  const records = composeRecords(options, changes);
  const polling = composePolling(options, records, changes);
  const consoles = composeConsoles(options, { ...records, ...polling }, changes);
  const power = composePower(options, { ...records, ...polling, ...consoles }, changes);
  // Takes part in a reload first: outages are watched on the new rack.
  const reloading = new Reloading(configuration, { ...records, ...polling, ...consoles, ...power }, changes);
  const outages = composeOutages(options, { ...records, ...polling, ...power }, changes);
  const working = { ...records, ...polling, ...consoles, ...power, outages };
  const sessions = composeSessions(options, { ...working, reloading }, changes);
  const reporting = new Reporting(options, { ...working, snapshot: () => sessions.view.snapshot() }, changes);
  return { ...working, reloading, ...sessions, reporting };
}
