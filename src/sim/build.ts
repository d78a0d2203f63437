/** From options to a rack that stands: nodes, guests, simulator. */
import type { Guest } from './guest/guest.ts';
import { ExecGuest } from './guest/exec.ts';
import { hostGuest } from './guest/guest.ts';
import { LinuxGuest } from './guest/linux.ts';
import { numberedRack, readRackPlan, referenceRackPath, type RackPlan } from './inventory.ts';
import { SimNode } from './node.ts';
import type { SimOptions } from './options.ts';
import { hexAddress, Rack, TURNAROUND_MS } from './rack.ts';
import { noiseAt, seededRandom } from './random.ts';
import { Simulator } from './simulator.ts';

const DAY_MS = 86_400_000;

/** Throws an Error in words where the rack file or an `exec` node is wrong. */
export function buildSimulator(options: SimOptions, clock: () => number): { simulator: Simulator; plan: RackPlan } {
  const plan = planFor(options);
  checkExec(options, plan);
  const at = clock();
  const wake = (): void => simulator.wake();
  const nodes = plan.nodes.map(({ addr, name }) => {
    const isMaster = addr === plan.master;
    return new SimNode({
      addr,
      name,
      seed: options.seed * 1000 + addr,
      timeScale: options.timeScale,
      guest: isMaster ? hostGuest() : guestFor(addr, name, options, at * options.timeScale, wake),
      power: isMaster || options.state === 'booted' ? 'on' : 'off',
      at,
    });
  });
  const simulator = new Simulator({
    lineRate: options.lineRate,
    flowControl: options.flowControl,
    clock,
    rack: (send) =>
      new Rack({
        nodes,
        master: plan.master,
        at,
        unlock: options.unlock,
        locked: !options.unlocked,
        dialect: options.dialect,
        random: seededRandom(options.seed),
        lossy: options.loss,
        turnaroundMs: options.turnaround ?? TURNAROUND_MS,
        send,
      }),
  });
  return { simulator, plan };
}

/** A Linux that has been up for some days already, or is off. */
function guestFor(addr: number, name: string, options: SimOptions, at: number, wake: () => void): Guest {
  const program = options.exec.find(({ node }) => node === name || node === hexAddress(addr));
  if (program) {
    const guest = new ExecGuest(program.command, at, wake);
    if (options.state === 'booted') guest.powerOn(at);
    return guest;
  }
  const chance = (salt: number): number => noiseAt(options.seed, addr, salt);
  return new LinuxGuest({
    hostname: name,
    user: options.user,
    password: options.password,
    sudoPassword: options.sudoPassword,
    load: 0.03 + 0.3 * chance(11) ** 2,
    at,
    upSince: options.state === 'booted' ? at - (1 + 9 * chance(12)) * DAY_MS : null,
  });
}

/** A program that belongs to no node, or to the master, whose UART is the bus, is a mistake. */
function checkExec(options: SimOptions, plan: RackPlan): void {
  for (const { node } of options.exec) {
    const found = plan.nodes.find(({ addr, name }) => node === name || node === hexAddress(addr));
    if (!found) throw new Error(`--exec ${node}: no node of this rack has this name or address`);
    if (found.addr === plan.master) throw new Error(`--exec ${node}: the master has no console on the bus`);
  }
}

function planFor(options: SimOptions): RackPlan {
  if (options.nodes !== null) return numberedRack(options.nodes);
  const path = options.rack ?? referenceRackPath();
  return path === null ? numberedRack(24) : readRackPlan(path);
}
