/** What is wrong with a request before any node is asked anything. Pure. */
import { ANYWAY, confirmationText, cuts, type PowerRequest, type Refusal } from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import { nodeLabel, type Inventory } from '../rack/inventory.ts';
import type { SystemState } from '../rack/system.ts';
import type { GuardFacts } from './guards.ts';

/** Names as the confirmation wants them; an address that the inventory lacks is refused by the guards, by this name. */
export function namesOf(inventory: Inventory, addrs: readonly Address[]): string[] {
  return addrs.map(
    (addr) => inventory.nodes.find((node) => node.addr === addr)?.name ?? `node-${addr.toString(16).padStart(2, '0')}`,
  );
}

/**
 * Refuses a cut of a node that is not as its preview showed it. What was not known then may be known now: that changes
 * nothing that was read.
 */
export function changedSince(
  { verb, seen = [] }: PowerRequest,
  { addr, node, status }: Pick<GuardFacts, 'addr' | 'node' | 'status'>,
  { system }: Pick<SystemState, 'system'>,
): Refusal[] {
  const before = seen.find((one) => one.addr === addr);
  if (before === undefined || !cuts(verb) || !status.ok) return [];
  const { power } = status.sample;
  const otherSystem = power === 'on' && before.system !== 'unknown' && before.system !== system;
  const change =
    before.power !== null && before.power !== power
      ? `was ${before.power} and is ${power}`
      : otherSystem
        ? `was ${before.system} and is ${system}`
        : null;
  if (change === null) return [];
  const name = nodeLabel({ name: node?.name ?? 'the node', addr });
  const message = `nothing was sent: since you looked ${name} has changed: it ${change} now`;
  return [{ rule: 'changed', message, override: 'look again, then confirm anew' }];
}

/** Refusals of the request itself; empty: the nodes may be asked. */
export function requestRefusals(request: PowerRequest, names: readonly string[]): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (rule: string, message: string, override: string | null): void => {
    refusals.push({ rule, message, override });
  };
  const { verb, nodes, label, confirm, deadlineS, onDeadline } = request;
  if (nodes.length === 0) refuse('nodes', 'no node was named', 'name at least one');
  if (deadlineS !== null && !(Number.isFinite(deadlineS) && deadlineS > 0))
    refuse('deadline', `a deadline of ${deadlineS} s makes no sense`, 'name seconds above 0, or none');
  if (onDeadline === 'cut' && deadlineS === null)
    refuse('deadline', 'cutting at the deadline needs a deadline', 'name the deadline in seconds');
  if (!cuts(verb) || nodes.length === 0) return refusals;
  if (nodes.length > 1 && label.trim() === '')
    refuse('confirm', 'several nodes need a name for the group, which is a part of the confirmation', 'name the group');
  const wanted = confirmationText(names, label);
  if (confirm !== wanted && confirm !== wanted + ANYWAY) {
    const given = confirm === null ? 'it was not confirmed' : 'the confirmation does not match';
    refuse('confirm', `nothing was sent: ${given}`, `type '${wanted}'`);
  }
  return refusals;
}

/** It was confirmed by somebody who was told that a node's console showed another name. */
export function isAnyway({ confirm }: Pick<PowerRequest, 'confirm'>): boolean {
  return confirm?.endsWith(ANYWAY) === true;
}
