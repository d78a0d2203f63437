/**
 * Asks each configured UPS how it stands, through its upsd. One that does not answer, or whose driver has lost it, is
 * unknown at once; what it said before is never shown as if it were fresh.
 */
import type { UpsPoint, UpsReading } from '../../api/outage.ts';
import { steadyNow } from '../../lib/clock.ts';
import { readingFrom, unknownReading } from '../../power/outage/supply.ts';
import { type NutAddress, NutClient, NutError } from './nut-client.ts';
import { SLOT_MS, UpsHistory } from './ups-history.ts';

export interface UpsSource extends NutAddress {
  name: string;
  /** Milliseconds between two questions. */
  pollMs: number;
  /** Registers with upsd; null: only reads. The password is asked for at every connection. */
  login: { user: string; password(): Promise<string> } | null;
}

export interface UpsMonitorPorts {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** A reading changed: its state, or what people see of its numbers. */
  changed(name: string, reading: UpsReading, before: UpsReading | null): void;
}

/** After a failure the next try waits at most so long, ms. */
const RETRY_MS = 5_000;
/** Where upsd refused to register this machine, it is asked again after so long, ms. */
const REGISTER_AGAIN_MS = 60_000;
/** A reading that is older than so many polls is unknown. */
const STALE_POLLS = 4;

/** A connection, and why upsd refused to register this machine on it; null: it did, or was not asked to. */
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

  /** Up to now: `count` points of `stepMs` each; null where it gave no answer. */
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
      const why = error instanceof Error ? error.message : String(error);
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

  /** A name or password that upsd refuses keeps no outage unseen: what the UPS says can be read without them. */
  async #connect(source: UpsSource): Promise<Connection> {
    const { name, login } = source;
    const client = await NutClient.connect(source);
    let refusal: string | null = null;
    try {
      if (login !== null) await client.login(name, login.user, await login.password());
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
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

/** One answer of a UPS, or why there is none: for a program that does not stay. */
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

/** All of it that is shown, as it is shown: tenths are no news, and when it was said is none either. */
function shownOf({ charge, runtimeS, load, ...conditions }: UpsReading): string {
  const numbers = [charge, runtimeS, load].map((value) => value && Math.round(value));
  return JSON.stringify([{ ...conditions, answeredAt: null }, ...numbers]);
}
