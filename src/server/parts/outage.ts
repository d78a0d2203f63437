/** UPSes, and the policies that say what an outage demands. */
import { readFileSync } from 'node:fs';
import type { OutageStatus } from '../../api/outage.ts';
import { policiesOf } from '../../config/outage-policies.ts';
import type { UpsConfig } from '../../config/schema-outage.ts';
import { readSecret } from '../../config/secret.ts';
import { keepTime, recallTime, steadyNow, wallTime } from '../../lib/clock.ts';
import { openOutageJournal, type Journal } from '../../power/journal.ts';
import { Outage } from '../../power/outage/outage.ts';
import type { OutageRecord } from '../../power/outage/record.ts';
import { UpsMonitor, type UpsSource } from '../ups/ups-monitor.ts';
import type { Parts } from './parts.ts';

export interface OutageParts {
  outages: Outages;
}

/** While on battery, clients get new numbers so often, ms. */
const NUMBERS_MS = 2_000;

/** Every policy's outage; without any configuration one that other UPS software may tell of the supply. */
export class Outages {
  readonly all: readonly Outage[];
  readonly #monitor: UpsMonitor;
  readonly #journal: Journal<OutageRecord>;
  readonly #changed: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(all: readonly Outage[], monitor: UpsMonitor, journal: Journal<OutageRecord>, changed: () => void) {
    this.all = all;
    this.#monitor = monitor;
    this.#journal = journal;
    this.#changed = changed;
  }

  start(): void {
    this.#monitor.start();
    const left = this.#journal.unfinished();
    for (const outage of this.all) outage.start(left.findLast(({ policy }) => policy === outage.policy.index) ?? null);
    this.#timer = setInterval(() => {
      if (this.all.some((outage) => outage.underWay || outage.supply().state === 'battery')) this.#changed();
    }, NUMBERS_MS);
  }

  status(): OutageStatus {
    return { policies: this.all.map((outage) => outage.view()) };
  }

  /** The server must not leave. */
  get underWay(): boolean {
    return this.all.some(({ underWay }) => underWay);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const outage of this.all) outage.close();
    this.#monitor.close();
    await this.#journal.close();
  }
}

export function outageParts(parts: Parts): OutageParts {
  const { config, stateDir } = parts.options;
  const { telemetry, events, alarms, plans } = parts;
  const changed = (): void => {
    parts.roster.changed('outage');
    parts.linger?.look();
  };
  const monitor = new UpsMonitor(config.ups.map(sourceOf), {
    now: steadyNow,
    changed: (name, reading, before) => {
      const said =
        reading.state === 'unknown'
          ? `gives no answer that counts: ${reading.why ?? ''}`
          : reading.state === 'battery'
            ? `is on battery${reading.low ? ', which is low' : ''}`
            : 'is on mains';
      if (before?.state !== reading.state || before.low !== reading.low)
        events.add(
          reading.state === 'mains' ? 'notice' : 'warning',
          'power',
          null,
          `UPS ${name} ${said}`,
          `ups ${name} ${said}`,
        );
      alarms.set('ups', null, upsAlarm(config.ups, monitor), 'quiet');
      changed();
    },
  });
  const journal = openOutageJournal(stateDir, parts.warn);
  const all = policiesOf(config, telemetry.inventory).map(
    (policy) =>
      new Outage(policy, {
        now: steadyNow,
        every: (ms, fn) => {
          const timer = setInterval(fn, ms);
          return () => clearInterval(timer);
        },
        inventory: () => telemetry.inventory,
        reading: (addr) => telemetry.reading(addr),
        event: (level, addr, text) => events.add(level, 'power', addr, text),
        plans: config.plans,
        ...{ wallTime, keepTime, recallTime, journal, changed },
        ups: (name) => monitor.reading(name),
        runs: plans,
      }),
  );
  return { outages: new Outages(all, monitor, journal, changed) };
}

function sourceOf({ name, host, port, tls, ca, poll, user, password }: UpsConfig): UpsSource {
  return {
    ...{ name, host, port, tls, pollMs: poll * 1000 },
    ca: ca === undefined ? null : readFileSync(ca, 'utf8'),
    login: user === undefined || password === undefined ? null : { user, password: () => readSecret(password) },
  };
}

/** What is wrong with the UPSes, in one line; null: nothing. */
function upsAlarm(configured: readonly UpsConfig[], monitor: UpsMonitor): string | null {
  const troubles = configured.flatMap(({ name }) => {
    const { state, why, low, replaceBattery, shutdown } = monitor.reading(name);
    const words = [
      state === 'unknown' ? `unknown (${why ?? ''})` : state === 'battery' ? 'on battery' : null,
      low ? 'battery low' : null,
      shutdown ? 'about to be switched off' : null,
      replaceBattery ? 'its battery wants to be replaced' : null,
    ].filter((word) => word !== null);
    return words.length === 0 ? [] : [`UPS ${name}: ${words.join(', ')}`];
  });
  return troubles.length === 0 ? null : troubles.join('; ');
}
