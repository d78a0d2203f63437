/**
 * How the rack is looked at: the bus's health, readings, what is wrong with them, and who asks for new ones.
 *
 * Consoles, and what is learned from them: alarms, host names, and readings while they are silent.
 *
 * What is kept of what happened: events, exchanges on the bus, host names that were seen.
 *
 * Who is connected, what they see and what they may ask for; and when nobody needs the server any more.
 *
 * The parts of a running server, composed group by group.
 */
import { join } from 'node:path';
import type { EventRecord } from '../api/methods.ts';
import { ExchangeLog } from '../bmc/trace.ts';
import type { ConsoleBaud } from '../bmc/types.ts';
import type { Config } from '../config/schema.ts';
import { steadyNow } from '../lib/clock.ts';
import type { Address } from '../rack/address.ts';
import { masterMismatch } from '../rack/inventory.ts';
import { Reloading } from './active-config.ts';
import { logLimits } from './consoles/buffer.ts';
import { Consoles } from './consoles/consoles.ts';
import { ConsoleAlarms } from './consoles/line-alarms.ts';
import { EventLog } from './events.ts';
import { HostMemory } from './learned-store.ts';
import { Linger } from './lifecycle.ts';
import { EventFile } from './logs.ts';
import { outageParts, type OutageParts } from './outage-service.ts';
import { AlarmDesk } from './polling/alarms.ts';
import { Boards } from './polling/boards.ts';
import { BusMonitor } from './polling/bus-status.ts';
import { Discovery } from './polling/discovery.ts';
import { Telemetry, Workload } from './polling/node-states.ts';
import { IdleSampler, Sweeper } from './polling/poller.ts';
import { PowerReturn } from './polling/power-return.ts';
import { RackView } from './polling/snapshot.ts';
import { SystemStates } from './polling/system-states.ts';
import { powerParts, type PowerParts } from './power-services.ts';
import type { RackServerOptions } from './rack-server.ts';
import { busHandlers } from './rpc/bus.ts';
import { consoleHandlers, consoleNotes } from './rpc/console.ts';
import { outageHandlers, planHandlers, powerHandlers } from './rpc/power.ts';
import { alarmHandlers, detailHandlers, lookHandlers } from './rpc/rack.ts';
import { serverHandlers } from './rpc/server.ts';
import { SelfCheck } from './self-check.ts';
import type { Services } from './services.ts';
import { Roster } from './sessions/registry.ts';

export interface LookingParts {
  monitor: BusMonitor;
  alarms: AlarmDesk;
  selfCheck: SelfCheck;
  telemetry: Telemetry;
  systems: SystemStates;
  boards: Boards;
  /** Null where the inventory is configured. */
  discovery: Discovery | null;
  sweeper: Sweeper;
  /** Which nodes operations work on: they are looked at oftener. */
  workload: Workload;
}

export function lookingParts(parts: Parts): LookingParts {
  const { bus, port, configuration, stateDir } = parts.options;
  const { inventory } = configuration;
  const { events } = parts;
  const now = steadyNow;
  const workload = new Workload(now);
  const powerReturn: PowerReturn = new PowerReturn({
    now,
    events,
    addresses: () => telemetry.addresses,
    power: (addr) => {
      const reading = telemetry.reading(addr);
      return reading.state === 'ok' ? reading.sample.power : null;
    },
  });
  const monitor = new BusMonitor(bus, port, {
    now,
    events,
    changed: () => busChanged(parts),
    unlocked: (awayMs) => powerReturn.unlocked(awayMs),
    unlocking: () => parts.consoles.unlocking(),
    swept: () => powerReturn.swept(),
  });
  const alarms = new AlarmDesk(() => configuration.config.alarms, {
    now,
    events,
    inventory: () => parts.telemetry.inventory,
    label: (addr) => parts.telemetry.label(addr),
    changed: () => parts.roster.changed('alarms'),
    nodeChanged: (node) => parts.roster.changed({ node }),
  });
  const systems = new SystemStates({
    now,
    events,
    alarms,
    limits: () => configuration.config,
    stateDir,
    trouble: parts.warn,
    nameOf: (addr) => parts.telemetry.name(addr),
    label: (addr) => parts.telemetry.label(addr),
    operationOn: (addr) => workload.on(addr),
    nodeChanged: (node) => parts.roster.changed({ node }),
  });
  const telemetry: Telemetry = new Telemetry(inventory, configuration.config.poll.interval * 1000, {
    now,
    events,
    operationOn: (addr) => workload.on(addr),
    switchedHere: (addr) => workload.switchedHere(addr),
    read: (addr, reading) => {
      alarms.read(addr, reading);
      systems.read(addr, reading);
    },
    powerReturn,
    powerChanged: (...change) => {
      alarms.powerChanged(...change);
      if (change[2] === 'on') systems.sign(change[0], 'power-on', 'was switched on');
      parts.consoles.powerChanged(change[0]);
      parts.consoleAlarms.over(change[0]);
      parts.consoles.startedAnew(change[0]);
    },
    appeared: (addr) => boards.suspect(addr),
    alarms: (addr) => alarms.wordsFor(addr),
    system: (addr) => systems.get(addr),
    nodeChanged: (node) => parts.roster.changed({ node }),
    rackChanged: () => parts.roster.changed('rack'),
  });
  const boards = new Boards(bus, {
    stateDir,
    configured: (addr) => configuration.inventory.nodes.find((node) => node.addr === addr)?.uid ?? null,
    answers: (addr) => telemetry.reading(addr).state === 'ok',
    read: (addr, uid) => telemetry.identified(addr, uid),
    alarm: (kind, addr, text) => alarms.set(kind, addr, text),
    trouble: (text) => parts.warn(text),
  });
  const discovery = inventory.configured ? null : new Discovery(bus, telemetry);
  const sweeper = new Sweeper(bus, monitor, telemetry, discovery, {
    now,
    busyNodes: () => workload.nodes,
    between: (free) => boards.identify(free),
  });
  const selfCheck = new SelfCheck({
    ...{ stateDir, now },
    get config() {
      return configuration.config;
    },
    alarm: (kind, text) => alarms.set(kind, null, text),
  });
  return { monitor, alarms, selfCheck, telemetry, systems, boards, discovery, sweeper, workload };
}

function busChanged({ monitor, alarms, roster, options }: Parts): void {
  const { state, detail } = monitor.status();
  alarms.set('master', null, masterMismatch(options.configuration.inventory.nodes, monitor.seenMaster));
  const well = state === 'ready' || state === 'paused' || state === 'starting';
  alarms.bus(well ? null : `${state}: ${detail}`);
  roster.changed('bus');
}

export interface ConsoleParts {
  consoles: Consoles;
  consoleAlarms: ConsoleAlarms;
  /** Null where nothing is asked for while a console is open. */
  idleSampler: IdleSampler | null;
}

export function consoleParts(parts: Parts): ConsoleParts {
  const { bus, configuration, stateDir, unlock } = parts.options;
  const { config } = configuration;
  const { telemetry, alarms, hosts, events, sweeper } = parts;
  const now = steadyNow;
  const event = (level: EventRecord['level'], addr: Address, text: string): void =>
    events.add(level, 'console', addr, text);
  const consoleAlarms = new ConsoleAlarms(() => configuration.config.console.triggers, {
    now,
    inventory: () => telemetry.inventory,
    label: (addr) => telemetry.label(addr),
    event,
    set: (addr, text) => alarms.set('console', addr, text, 'quiet'),
  });
  const consoles = new Consoles({
    bus,
    unlock,
    baud: (addr) => baudOf(configuration.config, addr),
    limits: logLimits(config),
    scrollback: config.console.scrollback,
    transcriptDir: join(stateDir, 'consoles'),
    now,
    label: (addr) => telemetry.label(addr),
    name: (addr) => telemetry.name(addr),
    event,
    hostSeen: (addr, host) => hosts.saw(addr, host, now()),
    systems: parts.systems,
    lineSeen: (addr, text) => consoleAlarms.line(addr, text),
    changed: () => consoleChanged(parts),
  });
  const idleSampler =
    config.console.telemetry === 'idle'
      ? new IdleSampler(config.console.idle * 1000, {
          bus,
          addresses: () => telemetry.addresses,
          silentMs: () => consoles.silentMs(),
          ask: (addrs) => sweeper.fresh(addrs, 'pause'),
        })
      : null;
  return { consoles, consoleAlarms, idleSampler };
}

function baudOf({ nodes, console }: Config, addr: Address): ConsoleBaud {
  return nodes.find((node) => node.addr === addr)?.baud ?? console.baud;
}

/** There is one wire: while a console has it, nobody sweeps. */
function consoleChanged({ consoles, monitor, sweeper, roster }: Parts): void {
  const open = consoles.state() !== null;
  const wasOpen = monitor.paused;
  if (open !== wasOpen) monitor.paused = open;
  if (wasOpen && !open) sweeper.wake();
  roster.changed('console');
}

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

export interface SessionParts {
  roster: Roster;
  /** Null where the server was started to stay. */
  linger: Linger | null;
}

export function sessionParts(parts: Parts): SessionParts {
  const { options, events, consoles } = parts;
  const view = new RackView(
    { ...parts, sessions: () => parts.roster.describe(), configStatus: () => options.configuration.status() },
    options,
  );
  const services: Services = {
    ...parts,
    bus: options.bus,
    audit: options.audit,
    snapshot: () => view.snapshot(),
    info: () => view.info(),
    // The answer goes first.
    leave: (why) => void setImmediate(() => options.leave(why)),
  };
  const roster = new Roster({
    now: steadyNow,
    picture: view,
    methods: {
      ...lookHandlers(services),
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
    event: (level, text) => events.add(level, 'session', null, text),
    changed: () => parts.linger?.look(),
    left: (session) => consoles.detach(session),
    log: (level, text) => options.log[level](text),
  });
  return { roster, linger: options.autostarted ? lingerFor(parts, roster) : null };
}

function lingerFor({ options, workload, plans, outages }: Parts, roster: Roster): Linger {
  const { linger } = options.configuration.config.server;
  return new Linger(
    linger * 1000,
    () => roster.size > 0 || workload.busy || plans.underWay().length > 0 || outages.underWay,
    () => options.leave(`nobody was here for ${linger} s`),
  );
}

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
