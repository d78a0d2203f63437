/**
 * `rackui` without a command: opens the full-screen interface with the operator's theme, keys, mouse, bell and
 * files.
 */
import { setMaxListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { RackClient } from '../../client/client.ts';
import type { RackList } from '../../config/rack-list.ts';
import { configCandidates, stateDirectory, themeDirectory } from '../../config/paths.ts';
import { settingsIn } from '../../config/quick-look.ts';
import { collector, EMULATOR_BYTES, limitHeapGrowth } from '../../lib/memory.ts';
import { didYouMean } from '../../lib/words.ts';
import type { InterfaceOptions } from '../../tui/app.ts';
import type { FleetSource } from '../../tui/fleet/plan-driver.ts';
import type { Settings } from '../../tui/model/state.ts';
import type { RackAccess } from '../../tui/rack-session.ts';
import type { Theme } from '../../tui/terminal/theme.ts';
import { type GlobalOptions, openClient, optionsFor, rackListOf, withOneRack } from '../server-connection.ts';
import { explain, reportEnd, UsageFailure } from '../terminal-output.ts';

/** Returns the settings of the interface, or the defaults. @throws {ConfigError} with the place of every mistake */
export async function settingsOf(config: string | undefined): Promise<Settings> {
  return (await configuredSettings(config)) ?? (await import('../../tui/keymap/key-table.ts')).DEFAULT_SETTINGS;
}

/**
 * Reads the configuration only where a quick search finds settings of the interface in it: parser and schema cost a
 * start 70 ms. Null: there are none. @throws {ConfigError} with the place of every mistake
 */
export async function configuredSettings(config: string | undefined): Promise<Settings | null> {
  const candidates = config === undefined ? configCandidates() : [{ path: resolve(config) }];
  if (!settingsIn(candidates)) return null;
  const [{ findConfig, placedProblems }, { loadWishes }, { resolveKeys }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../config/rack-list.ts'),
    import('../../tui/keymap/key-table.ts'),
  ]);
  const { interface: wishes, keys: raw, commands } = loadWishes(config);
  const { keys, problems } = resolveKeys(raw, commands);
  const found = findConfig(config);
  if (problems.length > 0 && found !== null) throw placedProblems(found, problems);
  return { keys, commands, ...wishes, demo: false };
}

/**
 * Returns the theme of this name: one of the program, one of the operator's own, or a file. @throws {UsageFailure}
 * for an unknown name; {ConfigError} for a file with mistakes in it.
 */
export async function themeNamed(given: string | undefined): Promise<Theme> {
  const name = given ?? process.env.RACKUI_THEME ?? 'dark';
  const { THEMES } = await import('../../tui/terminal/theme.ts');
  const known = THEMES[name];
  if (known !== undefined) return known;
  const own = join(themeDirectory(), `${name}.json`);
  const path = /[/.]/.test(name) ? resolve(name) : existsSync(own) ? own : null;
  if (path === null)
    throw new UsageFailure(
      `there is no theme '${name}'; there are ${Object.keys(THEMES).join(', ')}, files in ${themeDirectory()}, and any file by its path${didYouMean(name, [...Object.keys(THEMES), ...ownThemes()])}`,
    );
  return themeFrom(path, name);
}

/** Returns the names of the operator's own themes. */
function ownThemes(): string[] {
  const folder = themeDirectory();
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => /^(.+)\.json$/.exec(file)?.[1] ?? []);
}

/**
 * Parses `--colours`: truecolor, 256, 16 or 0; null where absent: from the terminal's environment. @throws
 * {UsageFailure}
 */
export function depthOf(given: string | undefined): InterfaceOptions['depth'] {
  if (given === undefined) return null;
  const depth = (['truecolor', 256, 16, 0] as const).find((one) => String(one) === given);
  if (depth === undefined) throw new UsageFailure(`--colours ${given}: can be truecolor, 256, 16 or 0`);
  return depth;
}

async function themeFrom(path: string, name: string): Promise<Theme> {
  const [{ readThemeFile }, { THEMES, wrongLook }, { INKS, GROUNDS }] = await Promise.all([
    import('../../config/theme-file.ts'),
    import('../../tui/terminal/theme.ts'),
    import('../../tui/canvas/frame.ts'),
  ]);
  const { base, inks, grounds } = readThemeFile(path, { inks: INKS, grounds: GROUNDS, wrongLook });
  const under = THEMES[base ?? 'dark'];
  if (under === undefined)
    throw new UsageFailure(
      `${path}: base: found '${base ?? ''}'; allowed: ${Object.keys(THEMES).join(', ')}${didYouMean(base ?? '', Object.keys(THEMES))}`,
    );
  return { name, inks: { ...under.inks, ...inks }, grounds: { ...under.grounds, ...grounds } };
}

/** Options of the command line about its appearance. */
export interface LookOptions {
  config?: string;
  theme?: string;
  colours?: string;
  ascii?: boolean;
}

/**
 * Returns the interface's options other than its racks. @throws {ConfigError} {UsageFailure} where one of them is
 * invalid
 */
export async function interfaceOptions(options: LookOptions): Promise<Omit<InterfaceOptions, 'racks' | 'viewOnly'>> {
  const { stdin, stdout } = process;
  const state = stateDirectory();
  return {
    stdin,
    stdout,
    memory: { save: limitHeapGrowth, collect: collector(EMULATOR_BYTES) },
    settings: await settingsOf(options.config),
    theme: await themeNamed(options.theme),
    depth: depthOf(options.colours),
    ascii: options.ascii === true,
    saveDirectory: join(state, 'saved'),
    viewFile: join(state, 'interface.json'),
  };
}

type CommandOptions = GlobalOptions & LookOptions;

/** Longest time between two tries to reach a rack on another machine, ms. */
const REMOTE_RETRY_MS = 15_000;

/** A rack's server and its first notice. */
type Access = RackAccess & { notice: string | null };

export async function interfaceCommand(options: CommandOptions): Promise<number> {
  const { stdin, stdout, env } = process;
  // No server is started for a terminal that will be refused.
  const hopeful = stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb';
  const end = new AbortController();
  // Two for each rack.
  setMaxListeners(0, end.signal);
  let begun: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (begun = resolve));
  const list = hopeful ? readRackList(options) : null;
  const opening = list === null ? null : openRacks(options, list, end.signal, begun);
  opening?.then(begun, begun);
  try {
    // The server answers, or starts, while the interface's code loads, which lets nothing else run.
    if (opening !== null) await asked.then(() => nextTurn());
    const [{ refuseTerminal }, { runInterface }] = await Promise.all([
      import('../../tui/terminal/terminal.ts'),
      import('../../tui/app.ts'),
    ]);
    const refusal = refuseTerminal(env, stdin, stdout);
    if (refusal !== null) throw new UsageFailure(refusal);
    const common = await interfaceOptions(options);
    const { code, message } = await runInterface({
      ...common,
      racks: await (opening ?? openRacks(options, readRackList(options), end.signal, begun)),
      viewOnly: options.viewOnly === true,
      fleet: fleetOf(options, list),
    });
    reportEnd(code, message);
    return code;
  } finally {
    end.abort();
    // Also after a failure: an open connection would keep this process.
    opening?.then((racks) => racks.forEach(({ client }) => client.close())).catch(() => undefined);
  }
}

/** Longest wait for the first of several racks before the first frame, and then for the others, ms. */
const FIRST_RACK_MS = 2_000;
const OTHER_RACKS_MS = 150;

/** Returns the configured racks; null: one, or the one that was chosen. */
function readRackList(options: CommandOptions): Promise<RackList | null> {
  return options.rack === undefined ? rackListOf(options) : Promise.resolve(null);
}

/**
 * Connects to one rack's server, or to those of all configured racks; a server that must be started is started for
 * all of them. Racks that do not answer soon are shown without a connection, and come when they answer. `signal` ends
 * the tries; `begun` is called when the first of them only waits.
 */
async function openRacks(
  options: CommandOptions,
  reading: Promise<RackList | null>,
  signal: AbortSignal,
  begun: () => void,
): Promise<Access[]> {
  const list = await reading;
  if (list === null) {
    const one = await withOneRack(options);
    return [
      await opened((warn, until) => openClient(one, 'interface', { autostart: true, warn, signal: until, begun })),
    ];
  }
  const { absentClient } = await import('../../client/absent.ts');
  // The first rack on this machine starts the server of all; the others wait for it, if it does not take long.
  let server: Promise<unknown> | null = null;
  const opening = list.all.map((rack) => {
    const open: Open = (warn, until = signal) =>
      openClient(optionsFor(options, rack), 'interface', {
        autostart: true,
        serve: list.path,
        warn,
        signal: until,
        begun,
      });
    const rest = { name: rack.name, longestRetryMs: 'local' in rack ? undefined : REMOTE_RETRY_MS };
    const started = 'local' in rack && server !== null ? server.then(() => opened(open)) : opened(open);
    if ('local' in rack) server ??= Promise.race([started.catch(() => undefined), wait(FIRST_RACK_MS)]);
    const access = started.then((one): Access => {
      // One that comes after the interface's end would keep this process.
      if (signal.aborted) one.client.close();
      else signal.addEventListener('abort', () => one.client.close());
      return { ...one, ...rest };
    });
    return { access, open, rest };
  });
  await soon(opening.map(({ access }) => access));
  const racks = await Promise.all(
    opening.map(({ access, open, rest }): Promise<Access> => {
      // One rack that cannot be reached does not keep the operator from the others.
      const absent = (why: string, reconnect: RackAccess['reconnect']): Access => ({
        ...{ client: absentClient(rest.name, why), notice: null, reconnect },
        ...rest,
      });
      const again = (until: AbortSignal): Promise<RackClient> => open(() => undefined, until);
      let first: Promise<RackClient> | null = access.then(({ client }) => client);
      void first.catch(() => undefined);
      const late = absent('it has not answered yet', (until) => {
        const one = first ?? again(until);
        first = null;
        return one;
      });
      const failed = (error: unknown): Access => absent(explain(error).message, again);
      return Promise.race([access.catch(failed), nextTurn(late)]);
    }),
  );
  const [first, ...others] = racks;
  if (first === undefined) return racks;
  return [{ ...first, notice: first.notice ?? (await doubles(racks)) }, ...others];
}

/**
 * Returns a function that reads the list of racks, for plans over several of them. `atStart`: as the interface has read
 * it already, for the first call.
 */
function fleetOf(options: CommandOptions, atStart: Promise<RackList | null> | null): () => Promise<FleetSource | null> {
  let known = atStart;
  return async () => {
    const list = await (known ?? readRackList(options));
    known = null;
    if (list === null) return null;
    const [{ FleetJournal }, { identity }] = await Promise.all([
      import('../../client/fleet-journal.ts'),
      import('../../client/autostart.ts'),
    ]);
    return {
      ...{ path: list.path, plans: list.plans, journal: new FleetJournal(stateDirectory()) },
      by: identity('plan', process.env, null).user,
      open: async (name, signal) => {
        const rack = list.all.find((one) => one.name === name);
        if (rack === undefined) throw new UsageFailure(`there is no rack '${name}' in ${list.path} any more`);
        return openClient(optionsFor(options, rack), 'plan run', {
          autostart: true,
          serve: list.path,
          warn: () => undefined,
          signal,
        });
      },
    };
  };
}

/** Returns the first value that two nodes of the racks cannot both have, as a sentence; null: there is none. */
async function doubles(racks: readonly Access[]): Promise<string | null> {
  const { findDoubles } = await import('../../rack/doubles.ts');
  const [found] = findDoubles(
    racks.map(({ name = '', client }) => ({ rack: name, inventory: client.welcome.snapshot.rack })),
  );
  return found === undefined ? null : `${found}: 'rackui config check' lists all of these`;
}

/** Resolves when all have settled, or a moment after the first came, or when none comes for long. */
async function soon(opening: readonly Promise<unknown>[]): Promise<void> {
  const all = Promise.allSettled(opening);
  const first = Promise.any(opening).then(() => wait(OTHER_RACKS_MS));
  await Promise.race([all, first.catch(() => all), wait(FIRST_RACK_MS)]);
}

/** Waits without keeping the process. */
const wait = (ms: number): Promise<void> => delay(ms, undefined, { ref: false });

type Warn = (text: string) => void;
type Open = (warn: Warn, signal?: AbortSignal) => Promise<RackClient>;

/** Shows messages about a server's start in the interface, which takes the screen. */
async function opened(open: Open): Promise<Access> {
  let notice: string | null = null;
  const client = await open((text) => (notice = text));
  return { client, notice, reconnect: (signal) => open(() => undefined, signal) };
}
