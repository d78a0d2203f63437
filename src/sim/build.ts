/**
 * Builds a simulated rack from its options: nodes from the same file that a rack's owner writes, guests, simulator.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { ExecGuest } from './guest/exec.ts';
import { type Guest, hostGuest } from './guest/guest.ts';
import { LinuxGuest } from './guest/linux.ts';
import type { SimOptions } from './options.ts';
import { hexAddress, Rack, TURNAROUND_MS } from './rack/bus.ts';
import { SimNode } from './rack/node.ts';
import { noiseAt, seededRandom } from './random.ts';
import { Simulator, type Surroundings, SYSTEM } from './simulator.ts';

export interface RackPlan {
  name: string;
  /** Address of the BMC at the host's end of the line. */
  master: number;
  nodes: { addr: number; name: string }[];
}

/** Reads a rack file. Throws an Error with a message for operators where the file describes no rack. */
export function readRackPlan(path: string): RackPlan {
  const file = record(parse(readFileSync(path, 'utf8')));
  const list = file['nodes'];
  if (!Array.isArray(list) || list.length === 0)
    throw new Error(`${path} describes no nodes: a list 'nodes' with addr or pos, and name`);
  const nodes = list.map((entry: unknown) => {
    const node = record(entry);
    const name = text(node['name']);
    const addr = text(node['addr']) === null ? fromPosition(text(node['pos'])) : fromHex(text(node['addr']));
    if (addr === null) throw new Error(`${path}: node '${name ?? '?'}' has neither an addr (00 to 7f) nor a pos (A-0)`);
    return { addr, name: name ?? numberedName(addr), role: text(node['role']) };
  });
  nodes.sort((a, b) => a.addr - b.addr);
  if (new Set(nodes.map((node) => node.addr)).size !== nodes.length)
    throw new Error(`${path}: an address occurs twice`);
  const master = nodes.find((node) => node.role === 'master') ?? nodes[0];
  return {
    name: text(file['name']) ?? 'rack',
    master: master?.addr ?? 0,
    nodes: nodes.map(({ addr, name }) => ({ addr, name })),
  };
}

/** Returns a rack of `count` nodes with numbered names. */
function numberedRack(count: number): RackPlan {
  const nodes = Array.from({ length: count }, (_, addr) => ({ addr, name: numberedName(addr) }));
  return { name: `sim${count}`, master: 0, nodes };
}

/**
 * Returns the path of the reference rack that comes with the program, from the sources and the installed package alike;
 * null: there is none.
 */
export function referenceRackPath(): string | null {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'src/config/racks/er24a.yaml');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return null;
  }
}

function numberedName(addr: number): string {
  return `node-${addr.toString(16).padStart(2, '0')}`;
}

/** Parses `B-2`: rows from A at the top, four slots each (bus-protocol section 1). Null: no position. */
function fromPosition(pos: string | null): number | null {
  const match = /^([A-Z])-([0-3])$/i.exec(pos ?? '');
  if (!match?.[1] || !match[2]) return null;
  return 4 * (match[1].toUpperCase().charCodeAt(0) - 65) + Number(match[2]);
}

function fromHex(addr: string | null): number | null {
  return /^[0-7]?[0-9a-f]$/i.test(addr ?? '') ? Number.parseInt(addr ?? '', 16) : null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Returns text, also for an unquoted address 03, which YAML reads as a number; null: neither. */
function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

const DAY_MS = 86_400_000;

/**
 * Builds the simulator. Throws an Error with a message for operators where the rack file or an `exec` node is wrong.
 */
export function buildSimulator(
  options: SimOptions,
  surroundings: Surroundings = SYSTEM,
): { simulator: Simulator; plan: RackPlan } {
  const plan = planFor(options);
  checkExec(options, plan);
  const at = surroundings.clock();
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
    ...surroundings,
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

/** Builds the guest of a node: a real program, or a Linux that has been up for some days, or is off. */
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

/** Throws an Error for a program of no node, or of the master, whose UART is the bus. */
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
