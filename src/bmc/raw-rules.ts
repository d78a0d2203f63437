/**
 * What may be given to a BIOS by hand. There are modules whose bytes nobody published (bus-protocol section 3): they stay
 * reachable, but what is known to switch, connect or close must be confirmed, and what could cut blindly is refused. Pure.
 */
import type { Address } from '../rack/address.ts';

/** `confirm`: each known dangerous character in it, as people call it. `refused`: why it cannot be sent at all. */
export type RawVerdict = { refused: string } | { refused: null; confirm: string[] };

export const RAW_LIMIT = 64;
const DANGEROUS = ['/', '\\', '~', '|', ']', '[', '\x07'];

/** @param target the address, or null: the master's own BIOS */
export function judgeRaw(text: string, target: Address | null, master: Address | null): RawVerdict {
  if (text === '' || text.length > RAW_LIMIT) return { refused: `give 1 to ${RAW_LIMIT} characters` };
  if (/[^\x20-\x7e\x07]/.test(text))
    return { refused: 'only printable ASCII and ^G can be sent by hand; a BIOS knows nothing else' };
  const atMaster = target === null || target === master;
  if (atMaster && text.includes('\\'))
    return {
      refused:
        'a backslash at the master cuts the power of the node that runs this bus, or of whoever a pipe leads to without proof of who that is: it is never sent there; name the node to cut instead',
    };
  if (/[|\x07].*[/\\]/.test(text))
    return {
      refused:
        'a power verb behind | or ^G would reach a BMC that has not proven who it is: name that node as the target instead',
    };
  if (/~[^\x07]/.test(text))
    return {
      refused: 'what follows ~ is for a console, and would reach the BIOS where none came up: use rackui console',
    };
  if (!atMaster && /\x07./.test(text))
    return { refused: 'what follows ^G would reach the master’s BIOS, not this node’s: ^G can only be the last' };
  const confirm = DANGEROUS.filter((char) => text.includes(char));
  return { refused: null, confirm: confirm.map((char) => (char === '\x07' ? '^G' : char)) };
}
