/** What the parts of a server tell each other: emitted by those that are built first, heard by those that are built later. */
import { EventEmitter } from 'node:events';
import type { EventRecord } from '../api/methods.ts';
import type { Address } from '../rack/address.ts';
import type { Change } from './sessions/outbox.ts';

export interface ChangeEvents {
  /** Something that sessions show differs. */
  changed: [change: Change];
  /** An event was added to the log. */
  event: [event: EventRecord];
  /** Operations, plans or outages began, went on or ended: the server may be needed, or not any more. */
  work: [];
  /** A node's power was switched, by somebody here or elsewhere. */
  power: [addr: Address];
  /** The unlock string is about to be sent. */
  unlocking: [];
  /** A file in the state directory could not be written. */
  'disk-failed': [];
}

/** Events emitted while the parts are built reach no session: none is connected, and a client finds them in the log. */
export class Changes extends EventEmitter<ChangeEvents> {}
