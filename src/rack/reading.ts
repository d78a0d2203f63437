/**
 * The readings of all nodes, and the changes between them. A reading is everything known of one node's BMC: value,
 * age, source and failure are one type, so that no value can be shown without its age, and no silence passes for a
 * state. A node that stops answering becomes `failed` and keeps its sample only as history. Pure.
 */
import type { Address } from './address.ts';

/** Result of one status request that reached the bus. */
export type Answer = { ok: true; sample: Sample } | { ok: false; failure: Failure };

/** A change for the event log. */
export type Transition =
  /** The first reply from this address. */
  | { kind: 'appeared'; power: Power }
  /** The node answered before, and does not (validly) now. */
  | { kind: 'lost'; failure: Failure; last: Sample }
  | { kind: 'returned'; power: Power; afterMs: number }
  | { kind: 'power'; from: Power; to: Power };

/**
 * Returns the reading after `answer`, which came at `at` (epoch milliseconds) after `asked` requests (a retry makes
 * two).
 */
export function nextReading(before: Reading, answer: Answer, source: Source, at: number, asked = 1): Reading {
  if (answer.ok) return { state: 'ok', sample: answer.sample, source };
  if (before.state === 'failed') return { ...before, failure: answer.failure, tries: before.tries + asked };
  return { state: 'failed', failure: answer.failure, since: at, tries: asked, last: lastSample(before) };
}

/** Returns the changes between two readings, in the order in which to report them. */
export function transitions(before: Reading, after: Reading): Transition[] {
  const known = lastSample(before);
  if (after.state === 'failed')
    return before.state === 'ok' ? [{ kind: 'lost', failure: after.failure, last: before.sample }] : [];
  if (after.state !== 'ok') return [];
  if (known === null) return [{ kind: 'appeared', power: after.sample.power }];
  const changes: Transition[] = [];
  if (before.state === 'failed')
    changes.push({
      kind: 'returned',
      power: after.sample.power,
      afterMs: Math.max(0, after.sample.at - before.since),
    });
  if (known.power !== after.sample.power) changes.push({ kind: 'power', from: known.power, to: after.sample.power });
  return changes;
}

function lastSample(reading: Reading): Sample | null {
  switch (reading.state) {
    case 'unasked':
      return null;
    case 'ok':
      return reading.sample;
    case 'failed':
      return reading.last;
  }
}

/** Readings by address; `unasked` for an address that was never asked. */
export class RackState {
  readonly #readings = new Map<Address, Reading>();

  reading(addr: Address): Reading {
    return this.#readings.get(addr) ?? { state: 'unasked' };
  }

  /** Applies an answer. `at`: epoch milliseconds; `asked`: number of requests for it. */
  apply(addr: Address, answer: Answer, source: Source, at: number, asked = 1): Transition[] {
    const before = this.reading(addr);
    const after = nextReading(before, answer, source, at, asked);
    this.#readings.set(addr, after);
    return transitions(before, after);
  }
}

/** XX of a status line: 0 off, 1 on, 2 disabled (bus-protocol section 4, grade V). */
export type Power = 'on' | 'off' | 'disabled';

/** One valid status reply, complete and from the right node. */
export interface Sample {
  power: Power;
  /** Current, 0..255 counts; amperes only after calibration. */
  current: number;
  /** Fan speed, 0..255 counts; scale unknown. */
  fan: number;
  /** Time of the last byte of the status line, epoch milliseconds of the server's clock. */
  at: number;
  /** From the first byte written to the last byte read, ms. */
  rttMs: number;
}

/**
 * Reason for the reading: a poll; a client's request; a pause of a console (`console.telemetry: idle`); an operation
 * on the node; the verification of a verb.
 */
export type Source = 'sweep' | 'request' | 'pause' | 'operation' | 'verb';

/** Reason for an exchange without a sample. */
export type Failure = 'silent' | 'garbled' | 'foreign';

export type Reading =
  | { state: 'unasked' }
  | { state: 'ok'; sample: Sample; source: Source }
  /** Asked without a valid reply. `last` is history, never the present state; null: it never answered. */
  | { state: 'failed'; failure: Failure; since: number; tries: number; last: Sample | null };

/** Power to show and act on. `absent`: never answered; `unknown`: not asked yet, or it stopped answering. */
export type ShownPower = Power | 'unknown' | 'absent';

export function shownPower(reading: Reading): ShownPower {
  switch (reading.state) {
    case 'unasked':
      return 'unknown';
    case 'ok':
      return reading.sample.power;
    case 'failed':
      return reading.last === null ? 'absent' : 'unknown';
  }
}

/** Age classes. Green only for `fresh`; verbs are refused beyond `aging` (shutdown section 4: 10 s). */
export type Freshness = 'fresh' | 'aging' | 'stale' | 'none';

/** Age beyond which no verb is accepted, ms (shutdown section 4). */
export const STALE_AFTER_MS = 10_000;

/** Age of the sample, ms, never negative; null: there is none. */
export function ageMs(reading: Reading, now: number): number | null {
  return reading.state === 'ok' ? Math.max(0, now - reading.sample.at) : null;
}

/** Returns the age class. `intervalMs`: the poll interval; a sample is fresh for three of them, at least 3 s. */
export function freshness(reading: Reading, now: number, intervalMs: number): Freshness {
  const age = ageMs(reading, now);
  if (age === null) return 'none';
  if (age <= Math.min(STALE_AFTER_MS, Math.max(3_000, 3 * intervalMs))) return 'fresh';
  return age <= STALE_AFTER_MS ? 'aging' : 'stale';
}

/** Returns the sample that counts as the present state; null: there is none, or it is too old. */
export function presentSample(reading: Reading, now: number): Sample | null {
  return reading.state === 'ok' && now - reading.sample.at <= STALE_AFTER_MS ? reading.sample : null;
}
