/** How power operations say no. */
import type { Refusal } from '../api/power.ts';

/** Guards, or a confirmation that does not match: nothing was sent. */
export class PowerRefused extends Error {
  readonly refusals: Refusal[];
  constructor(refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join('; '));
    this.name = 'PowerRefused';
    this.refusals = refusals;
  }
}

/** An id, a node or a question that there is not (any more). */
export class NoSuchOperation extends Error {
  override readonly name = 'NoSuchOperation';
}
