/** How the rack is looked at: the bus's health, readings, what is wrong with them, and who asks for new ones. */
import { AlarmDesk } from '../alarm-desk.ts';
import { Boards } from '../boards.ts';
import { BusMonitor } from '../bus-monitor.ts';
import { Discovery } from '../discovery.ts';
import { SelfCheck } from '../self-check.ts';
import { PowerReturn } from '../power-return.ts';
import { Sweeper } from '../sweep.ts';
import { SystemStates } from '../system-states.ts';
import { masterMismatch } from '../../rack/inventory.ts';
import { Telemetry } from '../telemetry.ts';
import { Workload } from '../workload.ts';
import type { Parts } from './parts.ts';
import { steadyNow } from '../../lib/clock.ts';

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
