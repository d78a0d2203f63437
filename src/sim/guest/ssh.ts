/** A Linux on the network: the state of its ssh port, and the commands that run there. */
import type { GuestFaults, NetworkState } from './faults.ts';
import type { GuestPhase, SshResult } from './guest.ts';
import type { Machine } from './machine.ts';
import { INHIBITED } from './power-commands.ts';

/** The command line that requests a shutdown there. */
export const ASK_TO_SHUT_DOWN = 'cat /proc/uptime; sudo -n systemctl poweroff';
/** Uptime at which the network's link is up, ms: as in the boot log. */
const LINK_UP_MS = 4_400;

export interface OnNetwork {
  readonly phase: GuestPhase;
  readonly faults: GuestFaults;
  /** Whether a shutdown was requested. */
  readonly ending: boolean;
  uptimeMs(): number;
}

export function networkOf(machine: OnNetwork): NetworkState {
  const { phase, ending } = machine;
  const { hung, network } = machine.faults;
  if (phase === 'dead') return 'gone';
  // A kernel refuses connections, and a halted machine runs none; an answer would come from another machine.
  if (network === 'refused' && phase === 'halted') return 'gone';
  if (network !== null) return network;
  if (hung) return 'gone';
  switch (phase) {
    case 'login':
    case 'shell':
      return ending ? 'refused' : 'up';
    case 'booting':
      return machine.uptimeMs() >= LINK_UP_MS ? 'refused' : 'gone';
    case 'stopping':
      // Until the kernel ends, it refuses connections for servers that have ended.
      return 'refused';
    default:
      return 'gone';
  }
}

/** The shutdown commands that an ssh session may run, each part of a command line on its own. */
const POWER_OFF = /^(?:sudo -n )?systemctl poweroff$/;

/** Runs a command line of an ssh session: few commands, one after another. */
export function runCommands(machine: OnNetwork & Machine, line: string): SshResult {
  if (networkOf(machine) !== 'up' || machine.ending)
    return { code: 255, output: 'no system runs there that could be asked\n' };
  const result: SshResult = { code: 0, output: '' };
  for (const command of line.split(';').map((part) => part.trim())) {
    const { code, output } = run(machine, command);
    result.code = code;
    result.output += output;
  }
  return result;
}

function run(machine: OnNetwork & Machine, command: string): SshResult {
  if (POWER_OFF.test(command)) return powerOff(machine);
  if (command.startsWith('echo ')) return { code: 0, output: `${command.slice(5)}\n` };
  if (command === 'cat /proc/sys/kernel/random/boot_id') return { code: 0, output: `${machine.bootId()}\n` };
  if (command !== 'cat /proc/uptime') return { code: 127, output: `${command}: command not found\n` };
  const up = machine.uptimeMs() / 1000;
  return { code: 0, output: `${up.toFixed(2)} ${(up * 3.6).toFixed(2)}\n` };
}

function powerOff(machine: OnNetwork & Machine): SshResult {
  const { sudoPassword, inhibited } = machine.faults;
  if (machine.account.sudoAsks || sudoPassword) return { code: 1, output: 'sudo: a password is required\n' };
  if (inhibited) return { code: 1, output: INHIBITED };
  machine.end('poweroff', 'pts/0');
  return { code: 0, output: '' };
}
