/**
 * The readings of all nodes. An answer goes in, the changes that people care about come out. Failure and silence are
 * never the last value: a node that stops answering becomes `failed` and keeps its sample only as history.
 */
import type { Address } from './address.ts';
import type { Failure, Power, Reading, Sample, Source } from './reading.ts';

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
