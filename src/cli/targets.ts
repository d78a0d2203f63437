/** From an operator's words to nodes of the rack that the server knows. */
import type { RackClient } from '../client/client.ts';
import { EXIT } from '../api/power.ts';
import type { Snapshot } from '../api/protocol.ts';
import type { InventoryNode } from '../rack/inventory.ts';
import { select } from '../rack/selectors.ts';
import { Failure, UsageFailure } from './failure.ts';

export interface Targets {
  nodes: InventoryNode[];
  /** The selector in one spelling. */
  label: string;
}

/** @throws UsageFailure that names the word and what would be right */
export function targetsOf(words: readonly string[], { rack }: Pick<Snapshot, 'rack'>): Targets {
  const selection = select(words, rack);
  if (!selection.ok) throw new UsageFailure(selection.problem);
  return selection;
}

/** The rack as it is known now; one that nobody configured, or a bus that is only starting, is waited for. */
export async function knownRack(client: RackClient): Promise<Snapshot> {
  const { snapshot } = client.welcome;
  if (snapshot.rack.configured && snapshot.bus.state !== 'starting') return snapshot;
  return client.request('sweep', { addrs: null, interrupt: false });
}

/** For what only a rack with names can be asked for; `so`: what cannot be done. */
export function noNames(so: string): Failure {
  return new Failure(
    EXIT.config,
    `the server's configuration names no nodes, so ${so}: 'rackui discover --write FILE' makes one; where there is one, 'rackui server stop', and the next command starts a server that reads it`,
  );
}
