/** From options to a rack that stands: nodes, guests, simulator. */
import type { Guest } from './guest/guest.ts';
import { hostGuest } from './guest/guest.ts';
import { numberedRack, readRackPlan, referenceRackPath, type RackPlan } from './inventory.ts';
import { SimNode } from './node.ts';
import type { SimOptions } from './options.ts';
import { Rack, TURNAROUND_MS } from './rack.ts';
import { seededRandom } from './random.ts';
import { Simulator } from './simulator.ts';

/** Throws an Error in words where the rack file or an `exec` node is wrong. */
export function buildSimulator(options: SimOptions, clock: () => number): { simulator: Simulator; plan: RackPlan } {
  const plan = planFor(options);
  const at = clock();
  const nodes = plan.nodes.map(({ addr, name }) => {
    const isMaster = addr === plan.master;
    return new SimNode({
      addr,
      name,
      seed: options.seed * 1000 + addr,
      timeScale: options.timeScale,
      guest: isMaster ? hostGuest() : guestFor(name),
      power: isMaster || options.state === 'booted' ? 'on' : 'off',
      at,
    });
  });
  const simulator = new Simulator({
    lineRate: options.lineRate,
    clock,
    rack: (send) =>
      new Rack({
        nodes,
        master: plan.master,
        unlock: options.unlock,
        locked: options.locked,
        dialect: options.dialect,
        random: seededRandom(options.seed),
        lossy: options.lossy,
        turnaroundMs: options.turnaroundMs ?? TURNAROUND_MS,
        send,
      }),
  });
  return { simulator, plan };
}

function guestFor(_name: string): Guest {
  return hostGuest();
}

function planFor(options: SimOptions): RackPlan {
  if (options.nodes !== null) return numberedRack(options.nodes);
  const path = options.rack ?? referenceRackPath();
  return path === null ? numberedRack(24) : readRackPlan(path);
}
