/**
 * Holds the configuration in force and reloads it. Modules read values when they need them, so that a reload is
 * effective at once; settings that take effect only after a restart keep their old values here and are listed.
 */
import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { configSentences, type ConfigStatus, type LaterSetting } from '../api/configuration.ts';
import { ConfigError, inventoryOf, loadConfig, type LoadedConfig } from '../config/load.ts';
import { configCandidates } from '../config/paths.ts';
import type { Config } from '../config/schema.ts';
import { steadyNow } from '../lib/clock.ts';
import { messageOf, Refused } from '../lib/errors.ts';
import { watchFiles } from '../lib/file-watch.ts';
import type { Plans } from '../power/plans/plans.ts';
import { type Inventory, masterMismatch } from '../rack/inventory.ts';
import type { Changes } from './changes.ts';
import type { Consoles } from './consoles/consoles.ts';
import type { LineAlarms } from './consoles/line-alarms.ts';
import type { EventLog } from './events.ts';
import type { AlarmService } from './polling/alarms.ts';
import type { Boards } from './polling/boards.ts';
import type { BusStatusMonitor } from './polling/bus-status.ts';
import type { NodeStates, BusyNodes } from './polling/node-states.ts';
import type { Poller } from './polling/poller.ts';

/** Interval between checks of the file where the system reports no change, ms. */
const LOOK_MS = 30_000;
const RESTART = 'needs a restart: rackui server stop';
/** Settings that are read once, when the server starts; a section stands for all settings below it. */
const AT_START = [
  'port',
  'unlock',
  'poll',
  'server.linger',
  'server.group',
  'server.viewOnly.group',
  'server.viewOnly.everyone',
  'console.pacing',
  'console.scrollback',
  'console.telemetry',
  'console.idle',
  'console.log',
  'console.sockets',
];
/** Settings of the interface, which reads them itself when it starts. */
const CLIENTS = ['interface', 'keys', 'commands'];

export interface ActiveConfigOptions {
  /** Reads the file again. @throws {ConfigError} */
  load?: () => LoadedConfig;
  /** Returns a value that changes whenever the file does. */
  signature?: () => Promise<string>;
}

/**
 * Takes part in a reload: checks the next configuration and returns the function that applies it, or throws and so
 * prevents the reload. `before` stays in force until all participants have agreed.
 */
export type ReloadPart = (next: Config, rack: Inventory, before: Config) => () => void;

export class ActiveConfig {
  readonly path: string | null;
  readonly #load: () => LoadedConfig;
  readonly #signature: () => Promise<string>;
  readonly #parts: ReloadPart[] = [];
  readonly #holds: (() => LaterSetting[])[] = [];
  #config: Config;
  #inventory: Inventory;
  #readAt = steadyNow();
  #seen: string | null = null;
  /** Result of the last read of the file: the configuration, or the reason why it cannot be used. */
  #file: { config: Config } | { problem: string };
  #stopWatching: () => void = () => undefined;
  #changed: () => void = () => undefined;

  constructor(loaded: LoadedConfig, { load, signature }: ActiveConfigOptions = {}) {
    this.path = loaded.path;
    this.#config = loaded.config;
    this.#inventory = loaded.inventory;
    this.#file = { config: loaded.config };
    this.#load = load ?? (() => loadConfig(loaded.path ?? undefined));
    this.#signature = signature ?? (() => signatureOf(loaded.path));
  }

  get config(): Config {
    return this.#config;
  }

  get inventory(): Inventory {
    return this.#inventory;
  }

  onReload(part: ReloadPart): void {
    this.#parts.push(part);
  }

  /**
   * Sets the source of the settings that a reload cannot apply at present; a section stands for all settings below
   * it.
   */
  onHold(settings: () => LaterSetting[]): void {
    this.#holds.push(settings);
  }

  /** Starts to watch the file; calls `changed` when the status differs. */
  watch(changed: () => void): void {
    this.#changed = changed;
    const look = (): void => void this.checkFile();
    const timer = setInterval(look, LOOK_MS).unref();
    const stop = watchFiles(sourcesOf(this.path), look);
    this.#stopWatching = () => {
      clearInterval(timer);
      stop();
    };
  }

  close(): void {
    this.#stopWatching();
  }

  status(): ConfigStatus {
    const about = { path: this.path, readAt: this.#readAt };
    if ('problem' in this.#file) return { ...about, changed: [], later: [], problem: this.#file.problem };
    const held = this.#heldSettings(this.#file.config);
    const changed: string[] = [];
    const later: LaterSetting[] = [];
    for (const setting of changedSettings(this.#config, this.#file.config)) {
      const hold = held.find((one) => isBelow(setting, one.setting));
      if (hold === undefined) changed.push(setting);
      else later.push({ setting, when: hold.when });
    }
    return { ...about, changed, later, problem: null };
  }

  /** Reads the file again if it was written since the last check. */
  async checkFile(): Promise<ConfigStatus> {
    const signature = await this.#signature();
    if (signature !== this.#seen) {
      const before = this.status();
      this.#seen = signature;
      this.#read();
      if (!isDeepStrictEqual(before, this.status())) this.#changed();
    }
    return this.status();
  }

  /**
   * Applies the file, all of it or nothing. Returns the settings that changed. @throws {ConfigError} the file
   * cannot be used; {Error} a participant refuses. The former configuration stays in force.
   */
  async reload(): Promise<string[]> {
    this.#seen = await this.#signature();
    const before = this.status();
    const loaded = this.#read();
    if (loaded instanceof Error) {
      if (!isDeepStrictEqual(before, this.status())) this.#changed();
      throw loaded;
    }
    const next = structuredClone(loaded);
    for (const { setting } of this.#heldSettings(next)) copySetting(setting.split('.'), this.#config, next);
    const taken = changedSettings(this.#config, next);
    const rack = inventoryOf(next);
    const commits = this.#parts.map((part) => part(next, rack, this.#config));
    this.#config = next;
    this.#inventory = rack;
    this.#readAt = steadyNow();
    for (const commit of commits) commit();
    this.#changed();
    return taken;
  }

  #read(): Config | Error {
    try {
      const { config } = this.#load();
      this.#file = { config };
      return config;
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      this.#file = { problem: cause.message.split('\n').join('; ') };
      return cause;
    }
  }

  #heldSettings(next: Config): LaterSetting[] {
    // A discovered rack and a configured one are composed differently: changing from one to the other needs a
    // restart.
    const kind = this.#config.nodes.length > 0 === next.nodes.length > 0 ? [] : ['nodes'];
    const atStart = [...AT_START, ...kind].map((setting) => ({ setting, when: RESTART }));
    return [...atStart, ...this.#holds.flatMap((hold) => hold())];
  }
}

/** Returns every file that the configuration may be read from. */
function sourcesOf(path: string | null): string[] {
  return path === null ? configCandidates().map((candidate) => candidate.path) : [path];
}

/** Returns device, inode, size and times of every file that the configuration may be read from, as one string. */
async function signatureOf(path: string | null): Promise<string> {
  const signs = await Promise.all(
    sourcesOf(path).map((one) =>
      stat(one).then(
        ({ dev, ino, size, mtimeMs, ctimeMs }) => [dev, ino, size, mtimeMs, ctimeMs].join(' '),
        (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'),
      ),
    ),
  );
  return signs.join('\n');
}

/** Returns the settings that differ, as dotted paths; lists are compared as a whole. */
export function changedSettings(before: Config, after: Config): string[] {
  return differences(before, after, []).filter((setting) => !CLIENTS.some((own) => isBelow(setting, own)));
}

function differences(before: unknown, after: unknown, path: readonly string[]): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  // A plan counts as one setting, whichever of its fields changed.
  if (!isSection(before) || !isSection(after) || (path[0] === 'plans' && path.length === 2)) return [path.join('.')];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differences(before[key], after[key], [...path, key]));
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBelow(setting: string, section: string): boolean {
  return setting === section || setting.startsWith(`${section}.`);
}

function copySetting([key = '', ...rest]: readonly string[], from: unknown, to: unknown): void {
  if (!isSection(from) || !isSection(to)) return;
  if (rest.length > 0) copySetting(rest, from[key], to[key]);
  else if (key in from) to[key] = structuredClone(from[key]);
  else Reflect.deleteProperty(to, key);
}

/** Modules that a reload changes, or that can prevent it. */
interface ReloadedParts {
  nodeStates: NodeStates;
  alarms: AlarmService;
  boards: Boards;
  monitor: BusStatusMonitor;
  consoleAlarms: LineAlarms;
  consoles: Consoles;
  workload: BusyNodes;
  plans: Plans;
  poller: Poller;
  events: EventLog;
}

export class Reloading {
  readonly #configuration: ActiveConfig;
  readonly #parts: ReloadedParts;
  readonly #changes: Changes;
  #reported = '';

  constructor(configuration: ActiveConfig, parts: ReloadedParts, changes: Changes) {
    this.#configuration = configuration;
    this.#parts = parts;
    this.#changes = changes;
    configuration.onReload((_next, rack) => this.#prepare(rack));
  }

  /** Starts to watch the file; adds an event when it differs from the configuration in force. */
  start(): void {
    this.#configuration.watch(() => {
      this.#changes.emit('changed', 'config');
      const message = configSentences(this.#configuration.status()).join('; ');
      if (message !== this.#reported && message !== '')
        this.#parts.events.add('notice', 'server', null, `Configuration: ${message}`);
      this.#reported = message;
    });
  }

  close(): void {
    this.#configuration.close();
  }

  checkFile(): Promise<ConfigStatus> {
    return this.#configuration.checkFile();
  }

  /**
   * Reloads the file for the user `by`. @throws {ConfigError} the file cannot be used; {Refused} not at present. The
   * former configuration stays in force
   */
  async reload(by: string): Promise<{ taken: string[]; config: ConfigStatus }> {
    const { events } = this.#parts;
    try {
      const taken = await this.#configuration.reload();
      const what =
        taken.length === 0 ? 'no setting changed that a reload applies' : `in force now: ${taken.join(', ')}`;
      events.add('notice', 'server', null, `${by}: configuration reloaded; ${what}`);
      return { taken, config: this.#configuration.status() };
    } catch (error) {
      const why = messageOf(error);
      const message = `the previous configuration stays in force: ${why.split('\n').join('; ')}`;
      events.add('warning', 'server', null, `${by}: ${message}`);
      throw error instanceof ConfigError ? new ConfigError(error.problems, message) : new Refused(message);
    }
  }

  /**
   * Prepares the change of the nodes. @throws {Error} while an operation or a console uses a node that would be
   * removed
   */
  #prepare(rack: Inventory): () => void {
    const { nodeStates, alarms, boards, monitor, consoleAlarms, consoles, workload, plans, poller } = this.#parts;
    const gone = rack.configured
      ? nodeStates.addresses.filter((addr) => !rack.nodes.some((node) => node.addr === addr))
      : [];
    const busy = gone.find(
      (addr) => workload.on(addr) !== null || consoles.state()?.addr === addr || plans.underWay().length > 0,
    );
    if (busy !== undefined)
      throw new Error(
        `${nodeStates.label(busy)} is no longer in the file, but an operation, a plan run or its console is active: ` +
          'end it, then reload again',
      );
    return () => {
      for (const addr of gone) alarms.removed(addr);
      nodeStates.configured(rack);
      alarms.set('master', null, masterMismatch(rack.nodes, monitor.seenMaster));
      // The file may name another board for a node.
      for (const addr of nodeStates.addresses) if (nodeStates.reading(addr).state === 'ok') boards.suspect(addr);
      consoleAlarms.reread();
      poller.wake();
    };
  }
}
