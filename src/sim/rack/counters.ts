/** The simulator's counters, by which tests assert that something never happened. Plain data: sent as JSON. */

export interface NodeCounters {
  /** `/` and `\` that this node's BIOS executed. */
  on: number;
  off: number;
  /** `\` that took the power of a system that ran, booted, or shut down. */
  cutAlive: number;
  /** Number of voltage drops of its blade that reset it; and of losses of all power while it ran. */
  brownOuts: number;
  lostPower: number;
  status: number;
  /** Bytes that reached this BMC's BIOS although the driver had sent `~` in the same pipe. */
  biosForConsole: { printable: number; control: number };
  /** Console bytes that the bridge lost on their way to the node. */
  lost: number;
  consoleIn: number;
  consoleOut: number;
}

export interface BusCounters {
  /** 0x07 by what was open when it came; `node`: one in a node's own output that closed its pipe. */
  bells: { idle: number; pipe: number; console: number; node: number };
  /**
   * Bytes executed by the master's BIOS that are no part of an exchange (`[hh]|`, `=`, `#`, the unlock string), since
   * the last console was open: keystrokes that were meant for a node.
   */
  masterForConsole: { printable: number; control: number };
  /** `|` that a slave's BIOS received: it leads nowhere. */
  nestedPipes: number;
  /** Bytes sent into a pipe to an address without a BMC. */
  toNobody: number;
  /** `\` that reached the master's BIOS, or its own address through a pipe. */
  masterCuts: number;
  /** The master's power was cut: the bus and the operator's machine have no power. */
  catastrophe: boolean;
  /** Bytes received after the master's power was cut. */
  afterCatastrophe: number;
  bytesIn: number;
  bytesOut: number;
  /** Bytes not read in time at the host's end. */
  overruns: number;
}

export interface Counters {
  bus: BusCounters;
  /** By address, two lower-case hex digits. */
  nodes: Record<string, NodeCounters>;
}

export function emptyNodeCounters(): NodeCounters {
  return {
    on: 0,
    off: 0,
    cutAlive: 0,
    brownOuts: 0,
    lostPower: 0,
    status: 0,
    biosForConsole: { printable: 0, control: 0 },
    lost: 0,
    consoleIn: 0,
    consoleOut: 0,
  };
}

export function emptyBusCounters(): BusCounters {
  return {
    bells: { idle: 0, pipe: 0, console: 0, node: 0 },
    masterForConsole: { printable: 0, control: 0 },
    nestedPipes: 0,
    toNobody: 0,
    masterCuts: 0,
    catastrophe: false,
    afterCatastrophe: 0,
    bytesIn: 0,
    bytesOut: 0,
    overruns: 0,
  };
}

/** Adds one byte to a pair of counters. */
export function countByte(pair: { printable: number; control: number }, byte: number): void {
  if (byte >= 0x20 && byte !== 0x7f) pair.printable += 1;
  else pair.control += 1;
}
