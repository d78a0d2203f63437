/**
 * Exchanges that read what comes as it comes, because its form is not known: a UID, a survey of this bus's replies,
 * bytes given by hand. Silence ends them; each closes its pipe.
 */
import type { Address } from '../rack/address.ts';
import { endsInUuid, openPipe, parseUid, STATUS_REQUEST } from './codec.ts';
import type { Wire } from './wire.ts';

/** A reply has begun within a few milliseconds; so long without a byte, and it is over. */
const OVER_MS = 40;
/** Where nothing may come at all, and after a close. */
const NOTHING_MS = 25;
const UID_REQUEST = '#';

/** What comes back for `text`; 0x07 in it closes the pipe, as the pipe discipline does. Rejects LineLost. */
export async function saidTo(wire: Wire, text: string): Promise<string> {
  let heard = '';
  for (const piece of text.split(/(\x07)/).filter((part) => part !== '')) {
    wire.listen();
    if (piece === '\x07') wire.closePipe();
    else wire.send(piece);
    await wire.receive(() => null, piece === '\x07' ? NOTHING_MS : OVER_MS);
    heard += wire.ignore();
  }
  return heard;
}

/** The reply to `#` in an open pipe (or of the master without one); null: none. A UUID's line ends it, else silence. */
export async function readUid(wire: Wire): Promise<string | null> {
  wire.listen();
  wire.send(UID_REQUEST);
  await wire.receive((text) => (endsInUuid(text) ? text : null), OVER_MS);
  return parseUid(wire.ignore());
}

export interface Forms {
  /** The port's settings while it was asked, see {@link Wire.settings}. */
  tty: string | null;
  idleClose: string;
  master: string;
  node: Address | null;
  pipe: string;
  status: string;
  uid: string;
  pipeClose: string;
}

/** One slow round through everything that bus-protocol leaves open and that changes nothing: ^G, `=`, `[hh]|`, `=`, `#`, ^G. */
export async function surveyForms(wire: Wire, node: Address | null): Promise<Forms> {
  // What the last exchange's ^G still brings back is not this one's.
  await wire.quiet(NOTHING_MS, 10 * NOTHING_MS);
  const idleClose = await saidTo(wire, '\x07');
  const master = await saidTo(wire, STATUS_REQUEST);
  const tty = await wire.settings();
  const forms: Forms = { tty, idleClose, master, node, pipe: '', status: '', uid: '', pipeClose: '' };
  if (node === null) return forms;
  try {
    forms.pipe = await saidTo(wire, openPipe(node));
    forms.status = await saidTo(wire, STATUS_REQUEST);
    forms.uid = await saidTo(wire, UID_REQUEST);
  } finally {
    wire.listen();
    wire.closePipe();
    await wire.receive(() => null, NOTHING_MS);
    forms.pipeClose = wire.ignore();
  }
  return forms;
}
