/**
 * A reading is everything known about one node's BMC: value, age, source and failure are one type, so that nothing can show a
 * value without its age or take silence for a state.
 *
 * The readings of all nodes. An answer goes in, the changes that people care about come out. Failure and silence are
 * never the last value: a node that stops answering becomes `failed` and keeps its sample only as history.
 */
import type { Address } from './address.ts';

/** What one question to a BMC gave. */
export type Answer = { ok: true; sample: Sample; source: Source } | { ok: false; failure: Failure };

/** A change worth a line in the event log. */
export type Transition =
  /** The first answer ever seen from this address. */
  | { kind: 'appeared'; power: Power }
  /** It answered before, and does not (rightly) any more. */
  | { kind: 'lost'; failure: Failure; last: Sample }
  | { kind: 'returned'; power: Power; afterMs: number }
  | { kind: 'power'; from: Power; to: Power };

/** The reading after `answer`, which came at `at` (epoch milliseconds) after `asked` questions (a retry makes two). */
export function nextReading(before: Reading, answer: Answer, at: number, asked = 1): Reading {
  if (answer.ok) return { state: 'ok', sample: answer.sample, source: answer.source };
  if (before.state === 'failed') return { ...before, failure: answer.failure, tries: before.tries + asked };
  return { state: 'failed', failure: answer.failure, since: at, tries: asked, last: lastSample(before) };
}

/** What changed between two readings, in the order in which it should be told. */
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

/** Readings by address; an address that was never asked reads `unasked`. */
export class RackState {
  readonly #readings = new Map<Address, Reading>();

  reading(addr: Address): Reading {
    return this.#readings.get(addr) ?? { state: 'unasked' };
  }

  /** Takes an answer in. `at`: epoch milliseconds; `asked`: how many questions it took. */
  apply(addr: Address, answer: Answer, at: number, asked = 1): Transition[] {
    const before = this.reading(addr);
    const after = nextReading(before, answer, at, asked);
    this.#readings.set(addr, after);
    return transitions(before, after);
  }
}

/** XX of a status line: 0 off, 1 on, 2 disabled (bus-protocol section 4, grade V). */
export type Power = 'on' | 'off' | 'disabled';

/** One status reply that was read, complete and from the right node. */
export interface Sample {
  power: Power;
  /** Current, 0..255 counts. The scale is unknown: never amps unless calibrated. */
  current: number;
  /** Fan speed, 0..255 counts; scale unknown. */
  fan: number;
  /** When the last byte of the status line was read, epoch milliseconds of the server's clock. */
  at: number;
  /** From the first byte written to the last byte read, milliseconds. */
  rttMs: number;
}

/**
 * On whose account it was read: the sweep; somebody who asked for it; a pause of a console (`console.telemetry: idle`); an
 * operation that looks at its node; the proof that a verb took effect.
 */
export type Source = 'sweep' | 'request' | 'pause' | 'operation' | 'verb';

/** Why an exchange gave no sample. */
export type Failure = 'silent' | 'garbled' | 'foreign';

export type Reading =
  | { state: 'unasked' }
  | { state: 'ok'; sample: Sample; source: Source }
  /** Asked and not (rightly) answered. `last` is history, never the present state; null: it never answered. */
  | { state: 'failed'; failure: Failure; since: number; tries: number; last: Sample | null };

/** What may be shown and acted on. `absent`: never answered; `unknown`: not asked yet, or it stopped answering. */
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

/** Age classes. Green is only for `fresh`; verbs are refused beyond `aging` (shutdown section 4: 10 s). */
export type Freshness = 'fresh' | 'aging' | 'stale' | 'none';

/** Older than this, no verb is accepted (shutdown section 4). */
export const STALE_AFTER_MS = 10_000;

/** Milliseconds since the sample, or null where there is none. Never negative. */
export function ageMs(reading: Reading, now: number): number | null {
  return reading.state === 'ok' ? Math.max(0, now - reading.sample.at) : null;
}

/** `intervalMs` is the sweep's interval: a sample is fresh for three of them, at least 3 s. */
export function freshness(reading: Reading, now: number, intervalMs: number): Freshness {
  const age = ageMs(reading, now);
  if (age === null) return 'none';
  if (age <= Math.min(STALE_AFTER_MS, Math.max(3_000, 3 * intervalMs))) return 'fresh';
  return age <= STALE_AFTER_MS ? 'aging' : 'stale';
}
