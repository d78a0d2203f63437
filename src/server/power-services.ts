/** Power operations and plans, and what the server gives them of bus, consoles, network and disk. */
import type { Operation } from '../api/power.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { planMeans } from '../config/validate.ts';
import { steadyNow } from '../lib/clock.ts';
import { runProgram } from '../lib/subprocess.ts';
import { Operations } from '../power/operations.ts';
import { Plans } from '../power/plans/plans.ts';
import type { PlanPorts } from '../power/plans/record.ts';
import type { ProgramEnd } from '../lib/subprocess.ts';
import type { OperationPorts } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import type { Inventory } from '../rack/inventory.ts';
import type { Parts } from './composition.ts';
import { hooksFor } from './hooks.ts';
import { Durations, HaltBands } from './learned-store.ts';
import { Network, type SshConfig } from './ssh.ts';

/** A machine that is asked to shut itself down answers at once, s. */
const POWEROFF_LIMIT_S = 60;

export interface PowerParts {
  operations: Operations;
  plans: Plans;
}

export function powerParts(parts: Parts): PowerParts {
  const ports = operationPorts(parts);
  const operations = new Operations(ports);
  return { operations, plans: new Plans(planPorts(parts, ports), operations) };
}

function operationPorts(parts: Parts): OperationPorts {
  const { bus, configuration, audit, journal, stateDir, tap } = parts.options;
  const { telemetry, consoles, hosts, events, warn } = parts;
  const inventory = (): Inventory => telemetry.inventory;
  const network = new Network(() => sshOf(configuration.config), inventory);
  const memory = { stateDir, nameOf: (addr: Address) => telemetry.name(addr), trouble: warn };
  return {
    now: steadyNow,
    every: (ms, fn) => {
      // Whatever is judged when time has passed is judged by all that has come by then.
      const timer = setInterval(() => {
        bus.catchUp();
        fn();
      }, ms);
      return () => clearInterval(timer);
    },
    inventory,
    reading: (addr) => telemetry.reading(addr),
    bus: telemetry.following(bus),
    console: consoles,
    hostSeen: (addr) => hosts.get(addr),
    credentials: async () => {
      const { login } = configuration.config;
      if (!login) return null;
      const password = await readSecret(login.password);
      // Before it is typed: recordings and the exchange log are to show nothing of it.
      tap.hide(password);
      return { user: login.user, password };
    },
    publish: (operation) => published(parts, operation),
    event: (level, addr, text) => events.add(level, 'power', addr, text),
    audit: (entry) =>
      audit(entry).catch((error: unknown) => {
        parts.selfCheck.suspect();
        throw error;
      }),
    journal,
    get limits() {
      return configuration.config.shutdown;
    },
    get boot() {
      return configuration.config.boot;
    },
    get network() {
      return configuration.config.ssh === undefined ? null : network;
    },
    hooks: (when, addr, about) => hooksFor(configuration.config.hooks, inventory(), when, addr, about),
    haltBands: new HaltBands(memory),
    durations: new Durations(memory),
    systems: parts.systems,
  };
}

/** Read where a program begins: a reload in between may have taken the section away. */
function sshOf({ ssh }: Config): SshConfig {
  if (ssh === undefined) throw new Error('the configuration has no section ssh any more');
  return ssh;
}

function planPorts(parts: Parts, ports: OperationPorts): PlanPorts {
  const { configuration, planJournal } = parts.options;
  return {
    ...ports,
    get limits() {
      return ports.limits;
    },
    get network() {
      return ports.network;
    },
    get plans() {
      return configuration.config.plans;
    },
    get poweroff() {
      const { poweroff } = configuration.config;
      return poweroff === undefined ? null : { text: poweroff.join(' '), run: () => runPoweroff(poweroff) };
    },
    seenMaster: () => parts.monitor.seenMaster,
    means: () => planMeans(configuration.config, ports.inventory(), (addr) => ports.durations.usual(addr, 'off')),
    planJournal,
    publishPlan: (run) => {
      parts.roster.changed({ plan: run });
      parts.linger?.look();
    },
  };
}

function runPoweroff(command: readonly string[]): Promise<ProgramEnd> {
  return runProgram(command, POWEROFF_LIMIT_S, new AbortController().signal);
}

function published({ workload, systems, roster, plans, linger }: Parts, operation: Operation): void {
  for (const node of workload.published(operation)) {
    roster.changed({ node });
    systems.judge(node);
  }
  roster.changed({ operation });
  plans.heard(operation);
  linger?.look();
}
