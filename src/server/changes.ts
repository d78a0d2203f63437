/**
 * Change events between the modules of a server: emitted by modules that are built first, handled by those built
 * later.
 */
import { EventEmitter } from 'node:events';
import type { EventRecord } from '../api/methods.ts';
import type { AuditEntry, CallAuditEntry, RawAuditEntry } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarms.ts';
import type { Reading } from '../rack/reading.ts';
import type { Change } from './sessions/outbox.ts';

export interface ChangeEvents {
  /** A value that sessions show changed. */
  changed: [change: Change];
  /** An event was added to the log. */
  event: [event: EventRecord];
  /** An entry goes into the audit log. */
  audit: [entry: AuditEntry | CallAuditEntry | RawAuditEntry];
  /** Operations, plans or outages began, changed or ended, so whether the server is still needed may have changed. */
  work: [];
  /** An alarm was raised, or its cause has ended. */
  alarm: [alarm: Alarm];
  /** A node was asked for its status. */
  read: [addr: Address, reading: Reading];
  /** Bytes of output came from a node's console. */
  output: [addr: Address, bytes: number];
  /** An open console was off the wire. */
  gap: [addr: Address];
  /** A node's power was switched, from here or otherwise. */
  power: [addr: Address];
  /** The unlock string is about to be sent. */
  unlocking: [];
  /** A file in the state directory could not be written. */
  'disk-failed': [];
}

/** Events emitted while the parts are built reach no session: none is connected, and a client finds them in the log. */
export class Changes extends EventEmitter<ChangeEvents> {}
