/**
 * Exchanges that read replies of unknown form: a UID, the forms of this bus's replies, raw commands. Silence ends
 * them; each closes its pipe.
 *
 * Judges raw commands. Some modules' commands are unpublished (bus-protocol section 3) and stay reachable, but what
 * is known to switch, connect or close must be confirmed, and what could cut power without an identity proof is
 * refused. Pure.
 */
import type { Address } from '../rack/address.ts';
import { endsInUuid, openPipe, parseUid, STATUS_REQUEST } from './codec.ts';
import type { Transport } from './transport.ts';
import type { Forms } from './types.ts';

/** Silence that ends a reply, ms; a reply begins within a few milliseconds. */
const OVER_MS = 40;
/** The same where there may be no reply, and after a close, ms. */
const NOTHING_MS = 25;
const UID_REQUEST = '#';

/** Sends `text` and resolves the reply; 0x07 in it closes the pipe through the transport. Rejects LineLost. */
export async function replyTo(wire: Transport, text: string): Promise<string> {
  let reply = '';
  for (const piece of text.split(/(\x07)/).filter((part) => part !== '')) {
    wire.listen();
    if (piece === '\x07') wire.closePipe();
    else wire.send(piece);
    await wire.receive(() => null, piece === '\x07' ? NOTHING_MS : OVER_MS);
    reply += wire.ignore();
  }
  return reply;
}

/**
 * Resolves the reply to `#` in an open pipe (or of the master without one); null: none. A UUID's line end completes
 * it, else silence. Rejects LineLost.
 */
export async function readUid(wire: Transport): Promise<string | null> {
  wire.listen();
  wire.send(UID_REQUEST);
  await wire.receive((text) => (endsInUuid(text) ? text : null), OVER_MS);
  return parseUid(wire.ignore());
}

/**
 * Asks once for every form that bus-protocol leaves open and that changes nothing: ^G, `=`, `[hh]|`, `=`, `#`, ^G.
 * Rejects LineLost.
 */
export async function surveyForms(wire: Transport, node: Address | null): Promise<Forms> {
  // The reply to the last exchange's ^G must not become part of this one.
  await wire.quiet(NOTHING_MS, 10 * NOTHING_MS);
  const idleClose = await replyTo(wire, '\x07');
  const master = await replyTo(wire, STATUS_REQUEST);
  const tty = await wire.settings();
  const forms: Forms = { tty, idleClose, master, node, pipe: '', status: '', uid: '', pipeClose: '' };
  if (node === null) return forms;
  try {
    forms.pipe = await replyTo(wire, openPipe(node));
    forms.status = await replyTo(wire, STATUS_REQUEST);
    forms.uid = await replyTo(wire, UID_REQUEST);
  } finally {
    wire.listen();
    wire.closePipe();
    await wire.receive(() => null, NOTHING_MS);
    forms.pipeClose = wire.ignore();
  }
  return forms;
}

/** `confirm`: each dangerous character in the text, by its usual name. `refused`: the reason why it cannot be sent. */
export type RawVerdict = { refused: string } | { refused: null; confirm: string[] };

export const RAW_LIMIT = 64;
const DANGEROUS = ['/', '\\', '~', '|', ']', '[', '\x07'];

/** Checks a raw command. @param target the address; null: the master's own BIOS */
export function checkRawCommand(text: string, target: Address | null, master: Address | null): RawVerdict {
  if (text === '' || text.length > RAW_LIMIT) return { refused: `give 1 to ${RAW_LIMIT} characters` };
  if (/[^\x20-\x7e\x07]/.test(text))
    return { refused: 'only printable ASCII and ^G can be sent; a BIOS accepts nothing else' };
  const atMaster = target === null || target === master;
  if (atMaster && text.includes('\\'))
    return {
      refused:
        'a backslash at the master cuts the power of the master, or of the unproven BMC at the end of a pipe: it is never sent there; give the node to cut as the target',
    };
  if (/[|\x07].*[/\\]/.test(text))
    return {
      refused:
        'a power verb behind | or ^G would reach a BMC without proof of its address: give that node as the target',
    };
  if (/~[^\x07]/.test(text))
    return {
      refused: 'text after ~ is for a console, and reaches the BIOS if none comes up: use rackui console',
    };
  if (!atMaster && /\x07./.test(text))
    return { refused: 'text after ^G would reach the master’s BIOS, not this node’s: ^G can only be last' };
  const confirm = DANGEROUS.filter((char) => text.includes(char));
  return { refused: null, confirm: confirm.map((char) => (char === '\x07' ? '^G' : char)) };
}
