/**
 * Loads a configuration of several racks: a file that lists the racks' own files, each a whole configuration with
 * port, nodes and plans, and racks on other machines; with the settings of the interface that shows them all.
 */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { type FleetPlanDefinition, fleetPlanProblems, type RackPlans } from '../rack/fleet-plan.ts';
import { rackNameProblem } from '../rack/fleet-selectors.ts';
import { isManager, resolvePlan } from '../rack/plan.ts';
import { ConfigError, type ConfigProblem, findConfig, loadConfig, type LoadedConfig, parseAs } from './load.ts';
import { environment, type Environment } from './paths.ts';
import { isRackList } from './quick-look.ts';
import { interfaceWishes, keyWishes, planName, sshOption } from './schema.ts';
import { findDistrust } from './trust.ts';
import { ownCommands } from './value-types.ts';

/** Maximum of racks: beyond, other engines are for looking. */
const MOST_RACKS = 64;
const RACK_FILES = 'a list of racks, e.g. [north.yaml, { name: south, ssh: pi@mcp-south }]';
const RACK_ENTRY = 'the path of a rack’s configuration file, or { name: …, ssh: user@host }';
/** As ssh takes a destination, without what it would take for an option or a URI. */
const DESTINATION = /^(?:[A-Za-z_][\w.-]{0,31}@)?[A-Za-z0-9_[][\w.:[\]-]{0,252}$/;

/** A rack on another machine, whose server is reached by ssh. */
const remoteRack = z.strictObject({
  name: z.string().min(1).max(64),
  ssh: z.string().regex(DESTINATION, 'user@host or a host of your ssh configuration'),
  port: z.number().int().min(1).max(65_535).optional(),
  /** Private key file; default: the one that the system's ssh finds. */
  identity: z.string().min(1).optional(),
  options: z.array(sshOption).max(32).default([]),
  viewOnly: z.boolean().default(false),
});

/** A plan of several racks; `rack/fleet-plan.ts` checks it against them. */
const fleetPlan = z.strictObject({
  description: z.string().max(200).optional(),
  steps: z
    .array(
      z.strictObject({
        name: planName,
        /** Plans of racks that run at the same time: `north/shed-dev`. */
        plans: z.array(z.string().min(1).max(128)).min(1).max(MOST_RACKS),
        onFail: z.enum(['pause', 'skip']).default('pause'),
      }),
    )
    .min(1)
    .max(32),
});

/** A file that lists several racks, with the settings of the interface that shows them all. */
const rackListSchema = z.strictObject(
  {
    racks: z
      .array(z.union([z.string(), remoteRack], RACK_ENTRY), RACK_FILES)
      .min(1, RACK_FILES)
      .max(MOST_RACKS, `${MOST_RACKS} at most`),
    /** Plans of several racks by name: `rackui plan run NAME`. */
    plans: z.record(planName, fleetPlan).default({}),
    interface: interfaceWishes,
    keys: keyWishes,
    commands: ownCommands,
  },
  'a file with racks: may only have plans, interface, keys and commands beside it; settings of one rack belong into its own file',
);
type RackListConfig = z.infer<typeof rackListSchema>;

/** A rack on this machine, with its file. */
type LocalRack = LoadedConfig & { path: string };
/** A rack on another machine. */
type RemoteRack = Exclude<RackListConfig['racks'][number], string>;

export interface RackList {
  /** The file that lists the others. */
  path: string;
  /** In the order of the file; all names differ, and all ports. */
  all: ({ name: string; local: LocalRack } | { name: string; remote: RemoteRack })[];
  /** Those on this machine. */
  racks: LocalRack[];
  /** Plans of several racks. */
  plans: Readonly<Record<string, FleetPlanDefinition>>;
}

/**
 * Loads the racks of the configuration that {@link loadConfig} would find; null where it describes one rack. @throws
 * ConfigError
 */
export function loadRackList(explicitPath?: string, around: Environment = environment()): RackList | null {
  const found = findConfig(explicitPath, around);
  if (found === null || !isRackList(found.text)) return null;
  const { path } = found;
  const { data, problem } = parseAs(rackListSchema, found.text, path);
  const problems: ConfigProblem[] = [];
  const racks: LocalRack[] = [];
  const all: RackList['all'] = [];
  data.racks.forEach((entry, index) => {
    const local = typeof entry === 'string' ? loadConfig(resolve(dirname(path), entry), around) : null;
    const name = typeof entry === 'string' ? (local?.config.name ?? '') : entry.name;
    const where = typeof entry === 'string' ? entry : entry.ssh;
    const same = all.find((other) => other.name.toLowerCase() === name.toLowerCase());
    const samePort = local && racks.find(({ config }) => config.port === local.config.port);
    const wrong = (message: string): unknown => problems.push(problem(['racks', index], `${where}: ${message}`));
    const unusable = rackNameProblem(name);
    if (unusable !== null) wrong(unusable);
    else if (same) wrong(`the name ${name} is already used by ${'local' in same ? same.local.path : same.remote.ssh}`);
    else if (samePort) wrong(`the port ${samePort.config.port} is already used by ${samePort.config.name}`);
    if (typeof entry !== 'string') all.push({ name, remote: entry });
    else if (local !== null) {
      const rack = { ...local, path: local.path ?? entry };
      racks.push(rack);
      all.push({ name, local: rack });
    }
  });
  const names = all.map(({ name }) => name);
  for (const [name, plan] of Object.entries(data.plans))
    for (const { step, plan: index, message } of fleetPlanProblems(plan, names, plansOn(racks)))
      problems.push(
        problem(['plans', name, 'steps', step, ...(index === null ? ['name'] : ['plans', index])], message),
      );
  if (problems.length > 0) throw new ConfigError(problems);
  return { path, all, racks, plans: data.plans };
}

/** What is known of the plans of racks on this machine. */
function plansOn(racks: readonly LocalRack[]): RackPlans {
  const rackOf = (name: string): LocalRack | undefined => racks.find(({ config }) => config.name === name);
  return {
    plansOf: (name) => {
      const rack = rackOf(name);
      return rack === undefined ? null : Object.keys(rack.config.plans);
    },
    endsHere: (name, plan) => {
      const rack = rackOf(name);
      const definition = rack?.config.plans[plan];
      if (rack?.config.poweroff === undefined || definition === undefined) return false;
      const resolved = resolvePlan(definition, rack.inventory);
      return resolved.ok && resolved.steps.some(({ action, nodes }) => action === 'off' && nodes.some(isManager));
    },
  };
}

/**
 * Loads the settings of the operator's terminal: of one rack from its own file, of several from the file that lists
 * them. @throws ConfigError
 */
export function loadWishes(explicitPath?: string): Pick<RackListConfig, 'interface' | 'keys' | 'commands'> {
  const found = findConfig(explicitPath);
  if (found === null || !isRackList(found.text)) return loadConfig(explicitPath).config;
  const { data } = parseAs(rackListSchema, found.text, found.path);
  const distrust = data.commands.length === 0 ? null : findDistrust(found, environment().uid);
  if (distrust !== null) throw new ConfigError([{ file: found.path, line: 0, col: 0, message: distrust }]);
  return data;
}
