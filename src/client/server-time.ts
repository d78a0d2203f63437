/** A server's steady clock as its client can tell it: a note says what the time was when it was sent. Pure. */

/** By how much two clocks may run apart: a socket may be forwarded from another machine. */
const DRIFT = 1 / 1000;

export interface ServerTime {
  /** Milliseconds by which the server's time is ahead of ours. */
  readonly ahead: number;
  /** When we last heard of it, our own steady time. */
  readonly heardAt: number;
}

/**
 * Takes in that the server's time was `now`, heard at `local` of our own steady clock. What was held up on the way (either
 * program stood still) makes nothing younger: the furthest time ever heard of counts, less what clocks may drift.
 */
export function heardTime(before: ServerTime | null, now: number, local: number): ServerTime {
  if (before === null) return { ahead: now - local, heardAt: local };
  const drifted = Math.max(0, local - before.heardAt) * DRIFT;
  return { ahead: Math.max(before.ahead - drifted, now - local), heardAt: local };
}

/** The server's time when our own steady clock shows `local`. */
export function serverNow({ ahead }: ServerTime, local: number): number {
  return Math.floor(local + ahead);
}
