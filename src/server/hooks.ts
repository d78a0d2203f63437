/**
 * Resolves the configured programs that run around off and on: replaces the braces in each argument by the node's
 * values.
 */
import type { HookConfig } from '../config/schema.ts';
import { runProgram } from '../lib/subprocess.ts';
import type { Hook, HookMoment } from '../power/ports.ts';
import { type Address, formatAddress, formatPosition } from '../rack/address.ts';
import type { Inventory } from '../rack/inventory.ts';
import { select } from '../rack/selectors.ts';

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
