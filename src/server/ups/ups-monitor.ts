/** Polls the UPSes, and keeps the history of their values. */
import type { UpsPoint, UpsReading } from '../../api/outage.ts';
import { steadyNow } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { readingFrom, unknownReading } from '../../power/outage/supply.ts';
import { type NutAddress, NutClient, NutError } from './nut-client.ts';

export interface UpsSource extends NutAddress {
  name: string;
  /** Interval of polls, ms. */
  pollMs: number;
  /** Registers with upsd; null: only reads. The password is read at every connection. */
  login: { user: string; password(): Promise<string> } | null;
}

interface UpsMonitorPorts {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** Called when a reading's state, or a shown number, changed. */
  changed(name: string, reading: UpsReading, before: UpsReading | null): void;
}

/** Longest wait before the next try after a failure, ms. */
const RETRY_MS = 5_000;
/** Wait before the next try after upsd refused to register this machine, ms. */
const REGISTER_AGAIN_MS = 60_000;
/** A reading older than this many polls is unknown. */
const STALE_POLLS = 4;

/** A connection, and the reason why upsd refused to register this machine on it; null: registered, or not requested. */
interface Connection {
  client: NutClient;
  refusal: string | null;
  since: number;
}

export class UpsMonitor {
  readonly #sources: readonly UpsSource[];
  readonly #ports: UpsMonitorPorts;
  readonly #readings = new Map<string, { reading: UpsReading; at: number }>();
  readonly #connections = new Map<string, Connection>();
  readonly #histories = new Map<string, UpsHistory>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(sources: readonly UpsSource[], ports: UpsMonitorPorts) {
    this.#sources = sources;
    this.#ports = ports;
  }

  start(): void {
    for (const source of this.#sources) void this.#poll(source);
  }

  reading(name: string): UpsReading {
    const known = this.#readings.get(name);
    const source = this.#sources.find((one) => one.name === name);
    if (!known || !source) return unknownReading(name, 'it has not answered yet');
    const { answeredAt } = known.reading;
    const age = this.#ports.now() - known.at;
    if (known.reading.state !== 'unknown' && age > staleMs(source))
      return unknownReading(name, `its last answer is ${Math.round(age / 1000)} s old`, answeredAt);
    return known.reading;
  }

  /** Returns `count` points of `stepMs` each, up to now; null where there was no answer. */
  series(name: string, stepMs: number, count: number): (UpsPoint | null)[] {
    return this.#history(name).series(this.#ports.now(), stepMs, count);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { client } of this.#connections.values()) client.close();
  }

  async #poll(source: UpsSource): Promise<void> {
    let wait = source.pollMs;
    try {
      const { client, refusal, since } = this.#connections.get(source.name) ?? (await this.#connect(source));
      const variables = await client.variables(source.name);
      this.#take(readingFrom(source.name, variables, { unregistered: refusal, answeredAt: this.#ports.now() }));
      if (refusal !== null && this.#ports.now() - since >= REGISTER_AGAIN_MS) this.#disconnect(source);
    } catch (error) {
      const why = messageOf(error);
      const answeredAt = this.#readings.get(source.name)?.reading.answeredAt ?? null;
      this.#take(unknownReading(source.name, why, answeredAt));
      // upsd's own refusals leave the connection as it is.
      if (!(error instanceof NutError) || error.code === null) {
        this.#disconnect(source);
        wait = Math.max(wait, Math.min(RETRY_MS, source.pollMs * 2));
      }
    }
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#poll(source);
    }, wait);
    this.#timers.add(timer);
  }

  /** Connects to upsd. A refused name or password must hide no outage: the variables can be read without them. */
  async #connect(source: UpsSource): Promise<Connection> {
    const { name, login } = source;
    const client = await NutClient.connect(source);
    let refusal: string | null = null;
    try {
      if (login !== null) await client.login(name, login.user, await login.password());
    } catch (error) {
      refusal = messageOf(error);
    }
    if (this.#closed) client.close();
    const connection = { client, refusal, since: this.#ports.now() };
    this.#connections.set(name, connection);
    return connection;
  }

  #disconnect({ name }: UpsSource): void {
    this.#connections.get(name)?.client.close();
    this.#connections.delete(name);
  }

  #pollMs(name: string): number {
    return this.#sources.find((source) => source.name === name)?.pollMs ?? SLOT_MS;
  }

  #history(name: string): UpsHistory {
    let history = this.#histories.get(name);
    if (!history) this.#histories.set(name, (history = new UpsHistory(this.#pollMs(name))));
    return history;
  }

  #take(reading: UpsReading): void {
    const before = this.#readings.get(reading.name)?.reading ?? null;
    const at = this.#ports.now();
    this.#readings.set(reading.name, { reading, at });
    this.#history(reading.name).record(at, reading.state === 'unknown' ? null : reading);
    if (before === null || shownOf(before) !== shownOf(reading)) this.#ports.changed(reading.name, reading, before);
  }
}

/** Polls a UPS once, for a program that does not stay: its reading, with the reason where there is none. */
export function askOnce(source: UpsSource): Promise<UpsReading> {
  return new Promise((resolve) => {
    const monitor = new UpsMonitor([source], {
      now: steadyNow,
      changed: (_name, reading) => {
        resolve(reading);
        monitor.close();
      },
    });
    monitor.start();
  });
}

function staleMs({ pollMs }: UpsSource): number {
  return Math.max(10_000, STALE_POLLS * pollMs);
}

/** Returns the shown part of a reading, as shown: neither tenths nor the time of the report count as a change. */
function shownOf({ charge, runtimeS, load, ...conditions }: UpsReading): string {
  const numbers = [charge, runtimeS, load].map((value) => value && Math.round(value));
  return JSON.stringify([{ ...conditions, answeredAt: null }, ...numbers]);
}

/** Length of a slot, ms: the usual interval of polls. */
const SLOT_MS = 2_000;
const SLOTS = 86_400_000 / SLOT_MS;

const SERIES = ['charge', 'runtimeS', 'load'] as const;

export class UpsHistory {
  /** Number of the clock's slot that each entry holds. */
  readonly #slot = new Uint32Array(SLOTS);
  /** Values plus one; 0: not reported. */
  readonly #values = SERIES.map(() => new Float32Array(SLOTS));
  readonly #pollMs: number;
  #lastAt: number | null = null;

  /** `pollMs`: interval of polls; an answer fills the slots since the one before. */
  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /**
   * Stores a reading. `at`: server's clock, ms, rising; null: no answer. Of several readings in one slot the last
   * one stays.
   */
  record(at: number, reading: Pick<UpsReading, (typeof SERIES)[number]> | null): void {
    const before = this.#lastAt;
    this.#lastAt = reading === null ? null : at;
    if (reading === null) return;
    const joined = before !== null && at - before <= 2 * this.#pollMs + SLOT_MS;
    const last = Math.floor(at / SLOT_MS);
    for (let slot = joined ? Math.floor(before / SLOT_MS) + 1 : last; slot < last; slot++) this.#set(slot, reading);
    this.#set(last, reading);
  }

  #set(slot: number, reading: Pick<UpsReading, (typeof SERIES)[number]>): void {
    const index = slot % SLOTS;
    this.#slot[index] = slot;
    SERIES.forEach((key, series) => {
      const value = reading[key];
      const values = this.#values[series];
      if (values) values[index] = value === null ? 0 : value + 1;
    });
  }

  /**
   * Returns `count` points of `stepMs` each, oldest first, the last of which holds `now`: means; null where there
   * was no answer. Points begin at whole steps of the clock, so that a point does not change before the next one
   * begins.
   */
  series(now: number, stepMs: number, count: number): (UpsPoint | null)[] {
    const first = Math.floor(now / stepMs) - count + 1;
    const sums = Array.from({ length: count }, () => ({ answers: 0, of: SERIES.map(() => ({ n: 0, sum: 0 })) }));
    const last = Math.floor(now / SLOT_MS);
    const from = Math.max(last - SLOTS + 1, Math.floor((first * stepMs) / SLOT_MS), 0);
    for (let slot = from; slot <= last; slot++) {
      const index = slot % SLOTS;
      const point = sums[Math.floor((slot * SLOT_MS) / stepMs) - first];
      if (this.#slot[index] !== slot || point === undefined) continue;
      point.answers++;
      point.of.forEach((one, series) => {
        const stored = this.#values[series]?.[index] ?? 0;
        if (stored === 0) return;
        one.n++;
        one.sum += stored - 1;
      });
    }
    return sums.map(({ answers, of }) => {
      if (answers === 0) return null;
      const [charge = null, runtimeS = null, load = null] = of.map(({ n, sum }) => (n === 0 ? null : sum / n));
      return [charge, runtimeS, load];
    });
  }
}
