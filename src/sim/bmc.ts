/** A BMC at work: its commands executed, and what a wrong rate makes of its console. */
import type { BiosCommand } from './bios.ts';
import type { BusVoice } from './bus-voice.ts';
import type { SimNode } from './node.ts';
import { statusLine, uidLine } from './reply.ts';

/** What any BMC does for a command; `|`, and `\` at the master, are the rack's business. */
export function execute(node: SimNode, command: BiosCommand, at: number, master: boolean, voice: BusVoice): void {
  switch (command.kind) {
    case 'status': {
      node.counters.status += 1;
      const addr = node.faults.wrongId ?? node.addr;
      voice.reply(node, statusLine({ addr, master, ...node.status(at, voice.dialect.fan) }, voice.dialect), at);
      break;
    }
    case 'uid':
      voice.reply(node, uidLine(node.addr, node.uid, voice.dialect), at);
      break;
    case 'on':
      node.counters.on += 1;
      if (!node.faults.onIgnored && node.power === 'off') node.switchPower('on', at);
      break;
    case 'off':
      node.cut(at);
      break;
    case 'console':
      // The master's own UART is the bus: there is nothing to open a console to.
      if (master || node.faults.consoleIgnored) break;
      node.advance(at);
      node.console = command.baudCode;
      break;
    case 'entry':
    case 'none':
    case 'pipe':
      break;
  }
}

/** What a UART makes of a byte at another rate: garbage, but always the same. */
export function wrongBaud(byte: number): number {
  return ((byte << 3) ^ 0xe5 ^ (byte >> 2)) & 0xff;
}
