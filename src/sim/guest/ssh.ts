/** A Linux as the network sees it: what answers at its ssh port, and a shutdown that is asked for there. */
import type { GuestFaults } from './faults.ts';
import type { GuestPhase, NetworkState, SshResult } from './guest.ts';
import type { Machine } from './machine.ts';
import { INHIBITED } from './power-commands.ts';

/** When the network's link is up, ms of uptime: as the boot log has it. */
const LINK_UP_MS = 4_400;

export interface OnNetwork {
  readonly phase: GuestPhase;
  readonly faults: GuestFaults;
  /** Whether a shutdown was asked for. */
  readonly ending: boolean;
  uptimeMs(): number;
}

export function networkOf(machine: OnNetwork): NetworkState {
  const { phase, ending } = machine;
  const { hung, network } = machine.faults;
  if (phase === 'dead') return 'gone';
  // It is a kernel that refuses, and a halted machine runs none; what answers all the same is another machine.
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
      // Until the kernel ends, it refuses for the servers that have ended.
      return 'refused';
    default:
      return 'gone';
  }
}

/** `cat /proc/uptime; sudo -n systemctl poweroff`, as somebody who is logged in there runs it. */
export function powerOffBySsh(machine: OnNetwork & Machine): SshResult {
  if (networkOf(machine) !== 'up' || machine.ending)
    return { code: 255, says: 'no system runs there that could be asked\n' };
  const up = machine.uptimeMs() / 1000;
  const uptime = `${up.toFixed(2)} ${(up * 3.6).toFixed(2)}\n`;
  const { sudoPassword, inhibited } = machine.faults;
  if (machine.account.sudoAsks || sudoPassword) return { code: 1, says: `${uptime}sudo: a password is required\n` };
  if (inhibited) return { code: 1, says: uptime + INHIBITED };
  machine.end('poweroff', 'pts/0');
  return { code: 0, says: uptime };
}
