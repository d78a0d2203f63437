/** UPSes, and the policies that say what an outage demands. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { OutageStatus, UpsReading } from '../../api/outage.ts';
import { policiesOf } from '../../config/outage-policies.ts';
import type { Config } from '../../config/schema.ts';
import type { UpsConfig } from '../../config/schema-outage.ts';
import { readSecret } from '../../config/secret.ts';
import { keepTime, recallTime, steadyNow, wallTime } from '../../lib/clock.ts';
import { openOutageJournal, type Journal } from '../../power/journal.ts';
import { Outage } from '../../power/outage/outage.ts';
import type { OutagePorts } from '../../power/outage/ports.ts';
import type { OutageRecord } from '../../power/outage/record.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { UpsMonitor, type UpsSource } from '../ups/ups-monitor.ts';
import type { Parts } from './parts.ts';

export interface OutageParts {
  outages: Outages;
}

/** While on battery, clients get new numbers so often, ms. */
const NUMBERS_MS = 2_000;

/** Every policy's outage; without any configuration one that other UPS software may tell of the supply. */
export class Outages {
  #all: readonly Outage[];
  #monitor: UpsMonitor;
  readonly #journal: Journal<OutageRecord>;
  readonly #changed: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(all: readonly Outage[], monitor: UpsMonitor, journal: Journal<OutageRecord>, changed: () => void) {
    this.#all = all;
    this.#monitor = monitor;
    this.#journal = journal;
    this.#changed = changed;
  }

  get all(): readonly Outage[] {
    return this.#all;
  }

  start(): void {
    this.#monitor.start();
    const left = this.#journal.unfinished();
    for (const outage of this.all) outage.start(left.findLast(({ policy }) => policy === outage.policy.index) ?? null);
    this.#timer = setInterval(() => {
      if (this.all.some((outage) => outage.underWay || outage.supply().state === 'battery')) this.#changed();
    }, NUMBERS_MS);
  }

  /** Watches other UPSes for other policies. Only while no outage is under way. */
  replace(all: readonly Outage[], monitor: UpsMonitor): void {
    for (const outage of this.#all) outage.close();
    this.#monitor.close();
    this.#all = all;
    this.#monitor = monitor;
    monitor.start();
    for (const outage of all) outage.start(null);
    this.#changed();
  }

  reading(name: string): UpsReading {
    return this.#monitor.reading(name);
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

/** Policies and UPSes as a configuration has them; nothing is asked yet. */
type Watch = ConstructorParameters<typeof Outages> extends [infer A, infer M, ...unknown[]] ? [A, M] : never;

export function outageParts(parts: Parts): OutageParts {
  const { configuration, stateDir } = parts.options;
  const { alarms, events } = parts;
  const changed = (): void => {
    parts.roster.changed('outage');
    parts.linger?.look();
  };
  const upsChanged = (name: string, reading: UpsReading, before: UpsReading | null): void => {
    const said =
      reading.state === 'unknown'
        ? `gives no answer that counts: ${reading.why ?? ''}`
        : reading.state === 'battery'
          ? `is on battery${reading.low ? ', which is low' : ''}`
          : 'is on mains';
    const level = reading.state === 'mains' ? 'notice' : 'warning';
    if (before?.state !== reading.state || before.low !== reading.low)
      events.add(level, 'power', null, `UPS ${name} ${said}`, `ups ${name} ${said}`);
    alarms.set('ups', null, upsAlarm(configuration.config.ups, outages), 'quiet');
    changed();
  };
  const journal = openOutageJournal(stateDir, parts.warn);
  const watch = (config: Config, rack: Inventory): Watch => {
    const monitor = new UpsMonitor(config.ups.map(sourceOf), { now: steadyNow, changed: upsChanged });
    return [
      policiesOf(config, rack).map((policy) => new Outage(policy, ports(parts, { monitor, journal, changed }))),
      monitor,
    ];
  };
  const outages = new Outages(...watch(configuration.config, parts.telemetry.inventory), journal, changed);
  configuration.onHold(() =>
    outages.underWay
      ? ['ups', 'outage'].map((setting) => ({ setting, when: 'an outage is under way: reload after it' }))
      : [],
  );
  configuration.onReload((next, rack, before) => {
    const same = isDeepStrictEqual(
      [next.ups, next.outage, next.plans, next.nodes],
      [before.ups, before.outage, before.plans, before.nodes],
    );
    if (outages.underWay || same) return () => undefined;
    const watched = watch(next, rack.configured ? rack : parts.telemetry.inventory);
    return () => {
      outages.replace(...watched);
      alarms.set('ups', null, upsAlarm(next.ups, outages), 'quiet');
    };
  });
  return { outages };
}

function ports(
  { options: { configuration }, telemetry, events, plans }: Parts,
  { monitor, journal, changed }: { monitor: UpsMonitor; journal: Journal<OutageRecord>; changed: () => void },
): OutagePorts {
  return {
    now: steadyNow,
    every: (ms, fn) => {
      const timer = setInterval(fn, ms);
      return () => clearInterval(timer);
    },
    inventory: () => telemetry.inventory,
    reading: (addr) => telemetry.reading(addr),
    event: (level, addr, text) => events.add(level, 'power', addr, text),
    get plans() {
      return configuration.config.plans;
    },
    ...{ wallTime, keepTime, recallTime, journal, changed },
    ups: (name) => monitor.reading(name),
    runs: plans,
  };
}

function sourceOf({ name, host, port, tls, ca, poll, user, password }: UpsConfig): UpsSource {
  return {
    ...{ name, host, port, tls, pollMs: poll * 1000 },
    /** Read at each connection: one that cannot be read makes this UPS unknown and keeps no server from starting. */
    get ca() {
      return ca === undefined ? null : readFileSync(ca, 'utf8');
    },
    login: user === undefined || password === undefined ? null : { user, password: () => readSecret(password) },
  };
}

/** What is wrong with the UPSes, in one line; null: nothing. */
function upsAlarm(configured: readonly UpsConfig[], outages: Pick<Outages, 'reading'>): string | null {
  const troubles = configured.flatMap(({ name }) => {
    const { state, why, low, replaceBattery, shutdown, unregistered } = outages.reading(name);
    const words = [
      state === 'unknown' ? `unknown (${why ?? ''})` : state === 'battery' ? 'on battery' : null,
      low ? 'battery low' : null,
      shutdown ? 'about to be switched off' : null,
      replaceBattery ? 'its battery wants to be replaced' : null,
      unregistered === null ? null : `does not wait for this machine before it ends (${unregistered})`,
    ].filter((word) => word !== null);
    return words.length === 0 ? [] : [`UPS ${name}: ${words.join(', ')}`];
  });
  return troubles.length === 0 ? null : troubles.join('; ');
}
