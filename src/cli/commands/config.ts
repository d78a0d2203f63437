/** `rackui config check|show|schema`. */
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { toJSONSchema } from 'zod';
import { configSentences } from '../../api/configuration.ts';
import { EXIT } from '../../api/power.ts';
import { findConfig, loadConfig, placedProblems } from '../../config/load.ts';
import { serviceUser } from '../../config/paths.ts';
import { settingsIn } from '../../config/quick-look.ts';
import type { RackList } from '../../config/rack-list.ts';
import { exposures } from '../../config/reporting-schema.ts';
import { configSchema } from '../../config/schema.ts';
import { unreadableSecrets } from '../../config/secrets.ts';
import { checkPlans, messageWarnings, planMeans } from '../../config/validate.ts';
import { messageOf } from '../../lib/errors.ts';
import { ownUserId, userName } from '../../lib/users.ts';
import { count } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { findDoubles } from '../../rack/doubles.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { planWarnings, resolvePlan } from '../../rack/plan.ts';
import { compressNames } from '../../rack/selectors.ts';
import {
  type GlobalOptions,
  openClient,
  optionsFor,
  rackListOf,
  refuseRemote,
  withOneRack,
} from '../server-connection.ts';
import { print } from '../terminal-output.ts';
import { settingsOf } from './tui.ts';

export async function configCommand(what: 'check' | 'show' | 'schema', options: GlobalOptions): Promise<number> {
  if (what === 'schema') return schema();
  const list = what === 'check' && options.rack === undefined ? await rackListOf(options) : null;
  if (list !== null) return checkList(list, options);
  const one = await withOneRack(options);
  refuseRemote(one, `config ${what}`);
  return what === 'check' ? check(one) : show(one);
}

/** Checks a list of several racks, each with its own file; problems of any of them were thrown before. */
async function checkList({ path, all, racks }: RackList, options: GlobalOptions): Promise<number> {
  await settingsOf(options.config);
  print(`${path}: good, ${count(all.length, 'rack')}`);
  for (const rack of all)
    if ('remote' in rack)
      print(`${rack.name}: on another machine, reached by ssh ${rack.remote.ssh}: its configuration is there`);
  for (const sentence of findDoubles(await inventoriesOf(all, options))) print(`warning: ${sentence}`);
  const codes: number[] = [];
  for (const rack of racks) {
    codes.push(await check({ ...options, config: rack.path }));
    if (settingsIn([rack])) print(`${rack.path}: its settings interface, keys and commands are not used with ${path}`);
  }
  return Math.max(EXIT.done, ...codes);
}

/** Returns the nodes of all racks; of those on other machines as their servers know them, if they can be reached. */
async function inventoriesOf(
  all: RackList['all'],
  options: GlobalOptions,
): Promise<{ rack: string; inventory: Inventory }[]> {
  const found = await Promise.all(
    all.map(async (rack) => {
      if ('local' in rack) return { rack: rack.name, inventory: rack.local.inventory };
      try {
        const client = await openClient(optionsFor(options, rack), 'config check', { autostart: false });
        client.close();
        return { rack: rack.name, inventory: client.welcome.snapshot.rack };
      } catch (error) {
        print(`${rack.name}: not compared with the other racks: ${messageOf(error)}`);
        return null;
      }
    }),
  );
  return found.filter((one) => one !== null);
}

/** Prints the path and a summary of the file; problems end with exit code 78. */
async function check(options: GlobalOptions): Promise<number> {
  const { path, config, inventory } = loadConfig(options.config);
  await settingsOf(options.config);
  // A plan that cannot run keeps no server from serving the rack; but it must be reported before it is needed.
  const unreadable = await unreadableSecrets(config, 'run');
  // Only the service's user can read the service's secrets: doctor asks it.
  const service = serviceUser();
  const others =
    service === null || service === ownUserId() ? [] : unreadable.filter(({ message }) => /: EACCES$/.test(message));
  const problems = [...checkPlans(config.plans, inventory), ...unreadable.filter((one) => !others.includes(one))];
  const found = findConfig(options.config);
  if (problems.length > 0 && found !== null) throw placedProblems(found, problems);
  for (const { path: at, message } of others)
    print(
      `${at.join('.')}: ${message}; not checked, because the service runs as ${userName(service ?? 0)}: run rackui doctor`,
    );
  print(path === null ? 'no configuration file: defaults are used' : `${path}: good`);
  const names = compressNames(inventory.nodes.map(({ name }) => name));
  print(
    inventory.configured
      ? `rack ${inventory.name} on ${options.port ?? config.port}, ${count(inventory.nodes.length, 'node')}: ${names}`
      : `rack ${inventory.name} on ${options.port ?? config.port}, nodes: those that answer on the bus`,
  );
  const means = planMeans(config, inventory);
  for (const [name, plan] of Object.entries(config.plans)) {
    const resolved = resolvePlan(plan, inventory);
    for (const text of resolved.ok ? planWarnings(resolved.steps, means) : [])
      print(`warning: plan ${name} will not work: ${text}`);
  }
  for (const sentence of [...exposures(config), ...messageWarnings(config)]) print(sentence);
  for (const sentence of await inForce(path, options)) print(sentence);
  return EXIT.done;
}

/**
 * Compares the file with the configuration in force in this rack's server; empty where none runs, or none that this
 * user may ask.
 */
async function inForce(path: string | null, options: GlobalOptions): Promise<string[]> {
  const client = await openClient(options, 'config check', { autostart: false }).catch(() => null);
  if (client === null) return [];
  try {
    const { pid, configuration } = await client.request('server.info', {});
    if (configuration.path === path || (path !== null && configuration.path === resolve(path)))
      return configSentences(configuration);
    return [`the running server (pid ${pid}) uses ${configuration.path ?? 'no configuration file'}, not this one`];
  } finally {
    client.close();
  }
}

/**
 * Prints the configuration with every default filled in, as YAML that can be loaded again. Secrets are sources, not
 * texts.
 */
function show(options: GlobalOptions): number {
  const { config } = loadConfig(options.config);
  const nodes = config.nodes.map(({ addr, ...node }) => ({ addr: formatAddress(addr), ...node }));
  const text = stringify({ ...config, nodes });
  for (const line of text.trimEnd().split('\n')) print(line);
  return EXIT.done;
}

/** Prints the JSON schema, for editors. */
function schema(): number {
  const text = JSON.stringify(toJSONSchema(configSchema, { io: 'input' }), null, 2);
  for (const line of text.split('\n')) print(line);
  return EXIT.done;
}
