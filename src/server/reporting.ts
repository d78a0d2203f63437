/**
 * Starts what reports the rack to other programs, where the configuration has a section for it, and starts it anew
 * when a reload changes that section. What is not configured is not even loaded.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../api/methods.ts';
import type { Bus } from '../bmc/types.ts';
import type { Config } from '../config/schema.ts';
import { steadyNow } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { ActiveConfig } from './active-config.ts';
import type { Changes } from './changes.ts';
import type { AlarmService } from './polling/alarms.ts';

/** The server's modules that reports are made from. */
export interface ReportingNeeds {
  snapshot: () => Snapshot;
  alarms: AlarmService;
  /** Adds a warning to the event log about the server's environment. */
  warn: (text: string) => void;
}

interface ReportingOptions {
  bus: Bus;
  configuration: ActiveConfig;
  /** Group of the view-only socket; null: the owner's. */
  viewGid: number | null;
}

interface Reporter {
  close(): Promise<void>;
}

type Section = 'metrics';

export class Reporting {
  readonly #options: ReportingOptions;
  readonly #needs: ReportingNeeds;
  readonly #changes: Changes;
  readonly #startedAt = steadyNow();
  readonly #running = new Map<Section, Reporter>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: ReportingOptions, needs: ReportingNeeds, changes: Changes) {
    this.#options = options;
    this.#needs = needs;
    this.#changes = changes;
    options.configuration.onReload((next, _rack, before) => () => this.#apply(before, next));
  }

  start(): void {
    this.#apply({}, this.#options.configuration.config);
  }

  async close(): Promise<void> {
    await this.#work;
    await Promise.all([...this.#running.values()].map((reporter) => reporter.close()));
  }

  #apply(before: Partial<Config>, next: Config): void {
    for (const section of ['metrics'] as const)
      if (!isDeepStrictEqual(before[section], next[section]))
        this.#work = this.#work
          .then(() => this.#replace(section, next))
          .catch((error: unknown) => this.#needs.warn(`${section}: cannot be started: ${messageOf(error)}`));
  }

  async #replace(section: Section, config: Config): Promise<void> {
    await this.#running.get(section)?.close();
    this.#running.delete(section);
    const reporter = await this.#make(section, config);
    if (reporter !== null) this.#running.set(section, reporter);
  }

  async #make(section: Section, config: Config): Promise<Reporter | null> {
    if (config[section] === undefined) return null;
    const { snapshot, alarms } = this.#needs;
    const { Metrics } = await import('./metrics/metrics.ts');
    return new Metrics(config[section], {
      snapshot,
      counters: this.#options.bus.counters,
      startedAt: this.#startedAt,
      changes: this.#changes,
      gid: this.#options.viewGid,
      alarm: (text) => alarms.set('metrics', null, text),
    });
  }
}
