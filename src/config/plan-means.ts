/** What a configuration gives its plans to work with, and the programs that this machine lacks. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Inventory } from '../rack/inventory.ts';
import type { MissingProgram, PlanMeans } from '../rack/plan-warnings.ts';
import { select } from '../rack/selectors.ts';
import type { Config } from './schema.ts';

export function planMeans(config: Config, rack: Inventory, usualMs: PlanMeans['usualMs'] = () => null): PlanMeans {
  return {
    ...{ login: config.login !== undefined, settle: config.shutdown.settle, usualMs },
    ssh: config.ssh === undefined ? 'none' : rack.configured ? 'name' : 'ip',
    poweroff: config.poweroff?.[0] !== undefined && isProgram(config.poweroff[0]),
    missing: config.hooks.flatMap((hook): MissingProgram[] => {
      const [program = ''] = hook.run;
      if (program.includes('{') || isProgram(program)) return [];
      const selection = select([hook.nodes], rack);
      return selection.ok
        ? [{ program, when: hook.when, nodes: new Set(selection.nodes.map(({ addr }) => addr)) }]
        : [];
    }),
  };
}

/** Whether the system would find it and let this user run it. */
export function isProgram(name: string): boolean {
  const places = name.includes('/') ? [name] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
  return places.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return isAbsolute(path) && statSync(path).isFile();
    } catch {
      return false;
    }
  });
}
