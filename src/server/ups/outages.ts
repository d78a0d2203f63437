/** Monitors the UPSes and runs the outage policies. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { clock, type OutageStatus, type UpsHistoryAnswer, type UpsReading, upsText } from '../../api/outage.ts';
import type { Config, UpsConfig } from '../../config/schema.ts';
import { readSecret } from '../../config/secrets.ts';
import { policiesOf } from '../../config/validate.ts';
import { keepTime, recallTime, steadyNow, wallTime } from '../../lib/clock.ts';
import type { Journal } from '../../power/journal.ts';
import { Outage } from '../../power/outage/outage.ts';
import type { OutagePorts, OutageRecord } from '../../power/outage/record.ts';
import type { Plans } from '../../power/plans/plans.ts';
import type { AlarmKind } from '../../rack/alarms.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { ActiveConfig } from '../active-config.ts';
import type { Changes } from '../changes.ts';
import type { EventLog } from '../events.ts';
import type { AlarmService } from '../polling/alarms.ts';
import type { NodeStates } from '../polling/node-states.ts';
import { UpsMonitor, type UpsSource } from './ups-monitor.ts';

type OutageJournal = Pick<Journal<OutageRecord>, 'write' | 'unfinished' | 'ended'>;

/** While on battery, the interval of updates to clients, and of checks whether a plan still fits, ms. */
const NUMBERS_MS = 2_000;
/** An alarm about a plan that does not fit lasts until the battery lasts this many times as long as the plan. */
const FITS_AGAIN = 1.1;

/** Raises (text) or clears (null) an alarm about a UPS or a policy. */
type SetAlarm = AlarmService['setSupply'];

/** The outages of all policies; without configuration one policy, for reports of other UPS software. */
export class Outages {
  #all: readonly Outage[];
  #monitor: UpsMonitor;
  readonly #journal: OutageJournal;
  readonly #changed: () => void;
  readonly #alarm: SetAlarm;
  /** Policies, by their nodes, whose last plan does not fit. */
  readonly #unfit = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    [all, monitor]: Watch,
    journal: OutageJournal,
    { changed, alarm }: { changed: () => void; alarm: SetAlarm },
  ) {
    this.#all = all;
    this.#monitor = monitor;
    this.#journal = journal;
    this.#changed = changed;
    this.#alarm = alarm;
  }

  get all(): readonly Outage[] {
    return this.#all;
  }

  start(): void {
    this.#monitor.start();
    const left = this.#journal.unfinished();
    for (const outage of this.all)
      outage.start(left.findLast(({ policy }) => policy === outage.policy.index) ?? null, this.#lastOf(outage));
    this.#timer = setInterval(() => {
      this.#updateAlarms();
      if (this.all.some((outage) => outage.underWay || outage.supply().state === 'battery')) this.#changed();
    }, NUMBERS_MS);
  }

  /** Replaces UPSes and policies. Only while there is no outage. */
  replace(all: readonly Outage[], monitor: UpsMonitor): void {
    for (const outage of this.#all) outage.close();
    this.#monitor.close();
    this.#all = all;
    this.#monitor = monitor;
    monitor.start();
    for (const outage of all) outage.start(null, this.#lastOf(outage));
    this.#changed();
  }

  /** Returns a policy's last outage that is over; null: none. */
  #lastOf({ policy: { index } }: Outage): OutageRecord | null {
    return this.#journal.ended().find(({ policy }) => policy === index) ?? null;
  }

  /** Returns the history of a UPS; null where no policy has it. */
  history(name: string, stepMs: number, count: number): UpsHistoryAnswer | null {
    if (!this.#all.some(({ policy }) => policy.ups.includes(name))) return null;
    return { name, now: steadyNow(), stepMs, points: this.#monitor.series(name, stepMs, count) };
  }

  /**
   * Updates the alarms about supplies reported by other software, and about plans that take longer than the battery
   * lasts.
   */
  #updateAlarms(): void {
    const views = this.#all.map((outage) => outage.view());
    for (const { nodes, ups, supply, last, batteryS } of views) {
      const byCommand = ups.length === 0;
      if (byCommand)
        this.#alarm('on-battery', nodes, supply.state === 'battery' ? `${nodes}: the mains have failed` : null);
      if (last?.lengthMs == null || batteryS === null || (byCommand && supply.state === 'mains')) continue;
      const spare = (batteryS * 1000) / last.lengthMs;
      if (spare < (this.#unfit.has(nodes) ? FITS_AGAIN : 1)) this.#unfit.add(nodes);
      else this.#unfit.delete(nodes);
      const times = `plan ${last.plan} takes ${clock(last.lengthMs / 1000)} and the battery lasts ${clock(batteryS)}`;
      this.#alarm('outage', nodes, this.#unfit.has(nodes) ? `${nodes}: ${times}: it does not fit` : null);
    }
    for (const nodes of this.#unfit)
      if (!views.some((view) => view.nodes === nodes)) {
        this.#unfit.delete(nodes);
        this.#alarm('outage', nodes, null);
      }
  }

  status(): OutageStatus {
    return { policies: this.all.map((outage) => outage.view()), dateAhead: wallTime(0) };
  }

  /** True during an outage or its plans: the server must not end. */
  get underWay(): boolean {
    return this.all.some(({ underWay }) => underWay);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const outage of this.all) outage.close();
    this.#monitor.close();
  }
}

/** Policies and UPSes of a configuration; nothing is polled yet. */
type Watch = [all: readonly Outage[], monitor: UpsMonitor];

interface OutageOptions {
  configuration: ActiveConfig;
  outageJournal: OutageJournal;
}

interface OutageNeeds {
  nodeStates: NodeStates;
  events: EventLog;
  alarms: AlarmService;
  plans: Plans;
}

export function composeOutages(options: OutageOptions, needs: OutageNeeds, changes: Changes): Outages {
  const { configuration, outageJournal: journal } = options;
  const { alarms, events, nodeStates } = needs;
  const changed = (): void => {
    changes.emit('changed', 'outage');
    changes.emit('work');
  };
  const alarm: SetAlarm = (kind, subject, text) => alarms.setSupply(kind, subject, text);
  const upsChanged = (name: string, reading: UpsReading, before: UpsReading | null): void => {
    for (const [kind, text] of upsAlarms(name, reading)) alarm(kind, name, text);
    if (before === null || conditions(before) !== conditions(reading)) {
      const fine = reading.state === 'mains' && !reading.replaceBattery;
      const level = reading.state === 'battery' ? 'alarm' : fine ? 'notice' : 'warning';
      const text = `UPS ${name}: ${upsText(reading, steadyNow())}`;
      events.add(level, 'supply', null, text, `ups ${name} ${conditions(reading)}`);
    }
    changed();
  };
  const watch = (config: Config, rack: Inventory): Watch => {
    const monitor = new UpsMonitor(config.ups.map(sourceOf), { now: steadyNow, changed: upsChanged });
    return [
      policiesOf(config, rack).map(
        (policy) => new Outage(policy, ports(configuration, needs, { monitor, journal, changed })),
      ),
      monitor,
    ];
  };
  const outages = new Outages(watch(configuration.config, nodeStates.inventory), journal, { changed, alarm });
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
    const watched = watch(next, rack.configured ? rack : nodeStates.inventory);
    return () => {
      outages.replace(...watched);
      for (const { name } of before.ups)
        if (!next.ups.some((ups) => ups.name === name))
          for (const [kind] of upsAlarms(name, null)) alarm(kind, name, null);
    };
  });
  return outages;
}

function ports(
  configuration: ActiveConfig,
  { nodeStates, events, plans }: OutageNeeds,
  { monitor, journal, changed }: { monitor: UpsMonitor; journal: OutageJournal; changed: () => void },
): OutagePorts {
  return {
    now: steadyNow,
    every: (ms, fn) => {
      const timer = setInterval(fn, ms);
      return () => clearInterval(timer);
    },
    inventory: () => nodeStates.inventory,
    reading: (addr) => nodeStates.reading(addr),
    event: (level, addr, text) => events.add(level, 'power', addr, text),
    get plans() {
      return configuration.config.plans;
    },
    wallTime,
    keepTime,
    recallTime,
    journal,
    changed,
    ups: (name) => monitor.reading(name),
    runs: plans,
  };
}

export function sourceOf({ name, host, port, tls, ca, poll, user, password }: UpsConfig): UpsSource {
  return {
    name,
    host,
    port,
    tls,
    pollMs: poll * 1000,
    /** Read at each connection: an unreadable file makes this UPS unknown and keeps no server from starting. */
    get ca() {
      return ca === undefined ? null : readFileSync(ca, 'utf8');
    },
    login: user === undefined || password === undefined ? null : { user, password: () => readSecret(password) },
  };
}

/** Returns the alarms of a UPS: text, or null to clear. A removed UPS (null) has none. */
function upsAlarms(name: string, reading: UpsReading | null): [AlarmKind, string | null][] {
  const when = (holds: boolean | undefined, text: string): string | null => (holds === true ? text : null);
  const unknown = reading?.state === 'unknown';
  const ending = reading?.shutdown === true ? ', about to be switched off' : '';
  const alarms: [AlarmKind, string | null][] = [
    ['on-battery', when(reading?.state === 'battery', `UPS ${name} is on battery${ending}`)],
    ['battery-low', when(reading?.low, `UPS ${name}: its battery is low`)],
    ['ups-unknown', when(unknown, `UPS ${name} gives no answer that counts: ${reading?.why ?? ''}`)],
    ['replace-battery', when(reading?.replaceBattery, `UPS ${name}: its battery wants to be replaced`)],
    [
      'ups-login',
      when(
        reading?.unregistered != null,
        `UPS ${name} does not wait for this machine before it ends (${reading?.unregistered ?? ''})`,
      ),
    ],
  ];
  // The last report of a silent UPS about its battery and this machine stays until the next one.
  return unknown ? alarms.filter(([kind]) => kind === 'on-battery' || kind === 'ups-unknown') : alarms;
}

/** Returns what events report: everything but the numbers. */
function conditions({ state, why, low, shutdown, replaceBattery, calibrating, unregistered }: UpsReading): string {
  return JSON.stringify([state, why, low, shutdown, replaceBattery, calibrating, unregistered]);
}
