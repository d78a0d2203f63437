/** Consoles, and what is learned from them: alarms, host names, and readings while they are silent. */
import { join } from 'node:path';
import type { EventRecord } from '../../api/protocol.ts';
import type { ConsoleBaud } from '../../bmc/types.ts';
import type { Config } from '../../config/schema.ts';
import { steadyNow } from '../../lib/clock.ts';
import type { Address } from '../../rack/address.ts';
import { ConsoleAlarms } from '../console-alarms.ts';
import { IdleSampler } from '../console-idle.ts';
import { logLimits } from '../console-logs.ts';
import { Consoles } from '../consoles.ts';
import type { Parts } from './parts.ts';

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
