/** Builds power operations and plans on the server's bus, consoles, network, disk and configured hooks. */
import type { Operation } from '../api/power.ts';
import type { Trace } from '../bmc/trace.ts';
import type { Bus } from '../bmc/types.ts';
import type { Config, HookConfig } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { planMeans } from '../config/validate.ts';
import { steadyNow } from '../lib/clock.ts';
import { type ProgramEnd, runProgram } from '../lib/subprocess.ts';
import { Operations } from '../power/operations.ts';
import { Plans } from '../power/plans/plans.ts';
import type { PlanPorts } from '../power/plans/record.ts';
import type { DurationPort, AuditEntry, Hook, HookMoment, OperationPorts, RawAuditEntry } from '../power/ports.ts';
import { type Address, formatAddress, formatPosition } from '../rack/address.ts';
import type { Inventory } from '../rack/inventory.ts';
import { select } from '../rack/selectors.ts';
import type { ActiveConfig } from './active-config.ts';
import type { Changes } from './changes.ts';
import type { Consoles } from './consoles/consoles.ts';
import type { EventLog } from './events.ts';
import { Durations, HaltBands, type HostMemory } from './learned-store.ts';
import type { BusStatusMonitor } from './polling/bus-status.ts';
import type { BusyNodes, NodeStates } from './polling/node-states.ts';
import type { SystemStates } from './polling/system-states.ts';
import type { SelfCheck } from './self-check.ts';
import { Commands } from './shells/commands.ts';
import { Files } from './shells/files.ts';
import { Network, type SshConfig } from './ssh.ts';

/** Time limit for the answer of a machine that is asked to shut itself down, s: it answers at once. */
const POWEROFF_LIMIT_S = 60;

/** The server's options that power needs. */
interface PowerOptions {
  bus: Bus;
  configuration: ActiveConfig;
  audit: (entry: AuditEntry | RawAuditEntry) => Promise<void>;
  journal: OperationPorts['journal'];
  planJournal: PlanPorts['planJournal'];
  stateDir: string;
  trace: Trace;
}

/** The server's modules that are built before power. */
interface PowerNeeds {
  nodeStates: NodeStates;
  consoles: Consoles;
  hosts: HostMemory;
  events: EventLog;
  monitor: BusStatusMonitor;
  selfCheck: SelfCheck;
  systems: SystemStates;
  workload: BusyNodes;
  /** Adds a warning to the event log about the server's environment. */
  warn: (text: string) => void;
}

export function composePower(
  options: PowerOptions,
  needs: PowerNeeds,
  changes: Changes,
): { operations: Operations; plans: Plans; commands: Commands; files: Files; durations: DurationPort } {
  const ports = operationPorts(options, needs, (operation) => publish(operation));
  const operations = new Operations(ports);
  const plans = new Plans(planPorts(options, needs, ports, changes), operations);
  const publish = (operation: Operation): void => {
    for (const node of needs.workload.published(operation)) {
      changes.emit('changed', { node });
      needs.systems.updateAlarms(node);
    }
    changes.emit('changed', { operation });
    plans.onOperation(operation);
    changes.emit('work');
  };
  const commands = new Commands(ports, {
    nodeStates: needs.nodeStates,
    events: needs.events,
    audit: options.audit,
    master: () => options.bus.health.master,
    running: () => operations.list().find(({ endedAt }) => endedAt === null)?.id ?? null,
  });
  return { operations, plans, commands, files: new Files(commands), durations: ports.durations };
}

function operationPorts(
  { bus, configuration, audit, journal, stateDir, trace }: PowerOptions,
  { nodeStates, consoles, hosts, events, selfCheck, systems, warn }: PowerNeeds,
  publish: OperationPorts['publish'],
): OperationPorts {
  const inventory = (): Inventory => nodeStates.inventory;
  const network = new Network(() => sshOf(configuration.config), inventory);
  const memory = { stateDir, nameOf: (addr: Address) => nodeStates.name(addr), warn };
  return {
    now: steadyNow,
    every: (ms, fn) => {
      // Reads pending input before each timer's decision, so that the decision counts everything that has arrived.
      const timer = setInterval(() => {
        bus.catchUp();
        fn();
      }, ms);
      return () => clearInterval(timer);
    },
    inventory,
    reading: (addr) => nodeStates.reading(addr),
    bus: nodeStates.following(bus),
    console: consoles,
    hostSeen: (addr) => hosts.get(addr),
    credentials: async () => {
      const { login } = configuration.config;
      if (!login) return null;
      const password = await readSecret(login.password);
      // Hides the password before it is typed: recordings and the bus log must not show it.
      trace.hide(password);
      return { user: login.user, password };
    },
    publish,
    event: (level, addr, text) => events.add(level, 'power', addr, text),
    audit: (entry) =>
      audit(entry).catch((error: unknown) => {
        selfCheck.suspect();
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
    systems,
  };
}

/** Read when a program starts: a reload may have removed the section meanwhile. */
function sshOf({ ssh }: Config): SshConfig {
  if (ssh === undefined) throw new Error('the configuration no longer has a section ssh');
  return ssh;
}

function planPorts(
  { configuration, planJournal }: PowerOptions,
  { monitor }: PowerNeeds,
  ports: OperationPorts,
  changes: Changes,
): PlanPorts {
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
    seenMaster: () => monitor.seenMaster,
    means: () => planMeans(configuration.config, ports.inventory(), (addr) => ports.durations.usual(addr, 'off')),
    planJournal,
    publishPlan: (run) => {
      changes.emit('changed', { plan: run });
      changes.emit('work');
    },
  };
}

function runPoweroff(command: readonly string[]): Promise<ProgramEnd> {
  return runProgram(command, POWEROFF_LIMIT_S, new AbortController().signal);
}

/** Returns the hooks of this event for this node, in the configuration's order. */
export function hooksFor(
  hooks: readonly HookConfig[],
  inventory: Inventory,
  when: HookMoment,
  addr: Address,
  about: { op: string; verb: string },
): Hook[] {
  return hooks
    .filter((hook) => hook.when === when && concerns(hook, inventory, addr))
    .map(({ run, limit, required }) => {
      const node = inventory.nodes.find((one) => one.addr === addr);
      const values: Record<string, string | null> = {
        name: node?.name ?? null,
        ip: node?.ip ?? null,
        role: node?.role ?? null,
        cluster: node?.cluster ?? null,
        addr: formatAddress(addr),
        pos: formatPosition(addr),
        ...about,
      };
      const missing = run.flatMap((argument) => fieldsOf(argument)).filter((field) => values[field] == null);
      const argv = run.map((argument) =>
        argument.replace(/\{(\w+)\}/g, (_braces, field: string) => values[field] ?? ''),
      );
      return {
        text: argv.join(' '),
        limit,
        required,
        run: (signal) =>
          missing.length === 0
            ? runProgram(argv, limit, signal)
            : Promise.resolve({
                code: null,
                why: `it was not run: the configuration names no ${missing.join(' and no ')} for this node`,
                output: [],
              }),
      };
    });
}

function concerns({ nodes }: HookConfig, inventory: Inventory, addr: Address): boolean {
  const selection = select([nodes], inventory);
  return selection.ok && selection.nodes.some((node) => node.addr === addr);
}

function fieldsOf(argument: string): string[] {
  return [...argument.matchAll(/\{(\w+)\}/g)].map(([, field]) => field ?? '');
}
