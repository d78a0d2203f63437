/**
 * Asks each configured UPS how it stands, through its upsd. One that does not answer, or whose driver has lost it, is
 * unknown at once; what it said before is never shown as if it were fresh.
 */
import type { UpsReading } from '../../api/outage.ts';
import { readingFrom, unknownReading } from '../../power/outage/supply.ts';
import { NutClient, NutError, type NutAddress } from './nut-client.ts';

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
  /** A reading changed in anything but its numbers. */
  changed(name: string, reading: UpsReading, before: UpsReading | null): void;
}

/** After a failure the next try waits at most so long, ms. */
const RETRY_MS = 5_000;
/** A reading that is older than so many polls is unknown. */
const STALE_POLLS = 4;

export class UpsMonitor {
  readonly #sources: readonly UpsSource[];
  readonly #ports: UpsMonitorPorts;
  readonly #readings = new Map<string, { reading: UpsReading; at: number }>();
  readonly #clients = new Map<string, NutClient>();
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
    const age = this.#ports.now() - known.at;
    if (known.reading.state !== 'unknown' && age > staleMs(source))
      return unknownReading(name, `its last answer is ${Math.round(age / 1000)} s old`);
    return known.reading;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const client of this.#clients.values()) client.close();
  }

  async #poll(source: UpsSource): Promise<void> {
    let wait = source.pollMs;
    try {
      const client = this.#clients.get(source.name) ?? (await this.#connect(source));
      this.#take(readingFrom(source.name, await client.variables(source.name)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#take(unknownReading(source.name, why));
      // upsd's own refusals leave the connection as it is.
      if (!(error instanceof NutError) || error.code === null || error.code === 'ACCESS-DENIED') {
        this.#clients.get(source.name)?.close();
        this.#clients.delete(source.name);
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

  async #connect(source: UpsSource): Promise<NutClient> {
    const { name, login } = source;
    const client = await NutClient.connect(source);
    try {
      if (login !== null) await client.login(name, login.user, await login.password());
    } catch (error) {
      client.close();
      throw error;
    }
    if (this.#closed) client.close();
    this.#clients.set(name, client);
    return client;
  }

  #take(reading: UpsReading): void {
    const before = this.#readings.get(reading.name)?.reading ?? null;
    this.#readings.set(reading.name, { reading, at: this.#ports.now() });
    if (before === null || conditions(before) !== conditions(reading))
      this.#ports.changed(reading.name, reading, before);
  }
}

function staleMs({ pollMs }: UpsSource): number {
  return Math.max(10_000, STALE_POLLS * pollMs);
}

function conditions({ state, why, low, shutdown, replaceBattery, calibrating }: UpsReading): string {
  return JSON.stringify([state, why, low, shutdown, replaceBattery, calibrating]);
}
