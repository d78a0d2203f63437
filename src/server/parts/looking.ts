/** How the rack is looked at: the bus's health, readings, what is wrong with them, and who asks for new ones. */
import { AlarmDesk } from '../alarm-desk.ts';
import { BusMonitor } from '../bus-monitor.ts';
import { Discovery } from '../discovery.ts';
import { Sweeper } from '../sweep.ts';
import { Telemetry } from '../telemetry.ts';
import { Workload } from '../workload.ts';
import type { Parts } from './parts.ts';
import { steadyNow } from '../../lib/clock.ts';

export interface LookingParts {
  monitor: BusMonitor;
  alarms: AlarmDesk;
  telemetry: Telemetry;
  /** Null where the inventory is configured. */
  discovery: Discovery | null;
  sweeper: Sweeper;
  /** Which nodes operations work on: they are looked at oftener. */
  workload: Workload;
}

export function lookingParts(parts: Parts): LookingParts {
  const { bus, port, inventory, config } = parts.options;
  const { events } = parts;
  const now = steadyNow;
  const workload = new Workload(now);
  const monitor = new BusMonitor(bus, port, { now, events, changed: () => busChanged(parts) });
  const alarms = new AlarmDesk(config.alarms, {
    now,
    events,
    inventory: () => parts.telemetry.inventory,
    label: (addr) => parts.telemetry.label(addr),
    changed: () => parts.roster.changed('alarms'),
    nodeChanged: (node) => parts.roster.changed({ node }),
  });
  const telemetry = new Telemetry(inventory, config.poll.interval * 1000, {
    now,
    events,
    operationOn: (addr) => workload.on(addr),
    switchedHere: (addr) => workload.switchedHere(addr),
    read: (addr, reading) => alarms.read(addr, reading),
    powerChanged: (...change) => {
      alarms.powerChanged(...change);
      parts.consoleAlarms.over(change[0]);
    },
    alarms: (addr) => alarms.wordsFor(addr),
    nodeChanged: (node) => parts.roster.changed({ node }),
    rackChanged: () => parts.roster.changed('rack'),
  });
  const discovery = inventory.configured ? null : new Discovery(bus, telemetry);
  const sweeper = new Sweeper(bus, monitor, telemetry, discovery, { now, busyNodes: () => workload.nodes });
  return { monitor, alarms, telemetry, discovery, sweeper, workload };
}

function busChanged({ monitor, alarms, roster }: Parts): void {
  const { state, detail } = monitor.status();
  const well = state === 'ready' || state === 'paused' || state === 'starting';
  alarms.bus(well ? null : `${state}: ${detail}`);
  roster.changed('bus');
}
