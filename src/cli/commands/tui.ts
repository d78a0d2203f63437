/**
 * The operator's own wishes for the interface: its keys, mouse and bell, from the configuration.
 *
 * Which theme a name means: one that comes with the program, one of the operator's own, or a file.
 *
 * What the interface is given whatever it is opened on: the terminal, how it is to look, and where it keeps files.
 *
 * `rackui` without a command: the full-screen interface.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RackClient } from '../../client/client.ts';
import { configCandidates, stateDirectory, themeDirectory } from '../../config/paths.ts';
import { settingsIn } from '../../config/rack-list.ts';
import { collectGarbage, keepYoungSmall } from '../../lib/memory.ts';
import { didYouMean } from '../../lib/words.ts';
import type { InterfaceOptions } from '../../tui/app.ts';
import type { Settings } from '../../tui/model/state.ts';
import type { Depth, Theme } from '../../tui/terminal/theme.ts';
import { type GlobalOptions, openClient, rackListOf, withOneRack } from '../server-connection.ts';
import { tellEnd, UsageFailure } from '../terminal-output.ts';

/** The settings of the interface, or the usual ones. @throws {ConfigError} with the place of every mistake */
export async function settingsOf(config: string | undefined): Promise<Settings> {
  return (await configuredSettings(config)) ?? (await import('../../tui/keymap/key-table.ts')).DEFAULT_SETTINGS;
}

/**
 * Reads the configuration only where a glance shows that it says something of the interface: parser and schema cost a
 * start 70 ms. Null: it says nothing of it. @throws {ConfigError} with the place of every mistake
 */
export async function configuredSettings(config: string | undefined): Promise<Settings | null> {
  const candidates = config === undefined ? configCandidates() : [{ path: resolve(config) }];
  if (!settingsIn(candidates)) return null;
  const [{ findConfig, placedProblems }, { loadWishes }, { resolveKeys }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../config/rack-list.ts'),
    import('../../tui/keymap/key-table.ts'),
  ]);
  const { interface: wishes, keys: raw } = loadWishes(config);
  const { keys, problems } = resolveKeys(raw);
  const found = findConfig(config);
  if (problems.length > 0 && found !== null) throw placedProblems(found, problems);
  return { keys, ...wishes, demo: false };
}

/** @throws {UsageFailure} for a name that nobody knows; {ConfigError} for a file with mistakes in it. */
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

/** Names of the operator's own. */
function ownThemes(): string[] {
  const folder = themeDirectory();
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => /^(.+)\.json$/.exec(file)?.[1] ?? []);
}

/** `--colours`: 256, 16 or 0; not given: what the terminal's environment says. @throws {UsageFailure} */
export function depthOf(given: string | undefined): Depth | null {
  if (given === undefined) return null;
  const depth = ([256, 16, 0] as const).find((one) => String(one) === given);
  if (depth === undefined) throw new UsageFailure(`--colours ${given}: can be 256, 16 or 0`);
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

/** Options of the command line about its look. */
export interface LookOptions {
  config?: string;
  theme?: string;
  colours?: string;
  ascii?: boolean;
}

/** @throws {ConfigError} {UsageFailure} where something of it cannot be used */
export async function interfaceOptions(options: LookOptions): Promise<Omit<InterfaceOptions, 'racks' | 'viewOnly'>> {
  const { stdin, stdout } = process;
  const state = stateDirectory();
  return {
    ...{ stdin, stdout, collect: collectGarbage },
    settings: await settingsOf(options.config),
    theme: await themeNamed(options.theme),
    depth: depthOf(options.colours),
    ascii: options.ascii === true,
    saveDirectory: join(state, 'saved'),
    viewFile: join(state, 'interface.json'),
  };
}

type CommandOptions = GlobalOptions & LookOptions;

/** A rack's server as the interface wants it. */
interface Access {
  client: RackClient;
  notice: string | null;
  reconnect: () => Promise<RackClient>;
}

export async function interfaceCommand(options: CommandOptions): Promise<number> {
  keepYoungSmall();
  const { stdin, stdout, env } = process;
  // The answer of the server and the interface's code load at the same time; but no server is started for a terminal
  // that will be refused.
  const hopeful = stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb';
  const opening = hopeful ? openRacks(options) : null;
  opening?.catch(() => undefined);
  try {
    const [{ refuseTerminal }, { runInterface }] = await Promise.all([
      import('../../tui/terminal/terminal.ts'),
      import('../../tui/app.ts'),
    ]);
    const refusal = refuseTerminal(env, stdin, stdout);
    if (refusal !== null) throw new UsageFailure(refusal);
    const common = await interfaceOptions(options);
    const { code, message } = await runInterface({
      ...common,
      racks: await (opening ?? openRacks(options)),
      viewOnly: options.viewOnly === true,
    });
    tellEnd(code, message);
    return code;
  } finally {
    // Also where they were opened for nothing: an open connection would keep this process.
    opening?.then((racks) => racks.forEach(({ client }) => client.close())).catch(() => undefined);
  }
}

/** One rack's server, or those of all that are configured; a server that must be started is started for all of them. */
async function openRacks(options: CommandOptions): Promise<Access[]> {
  const list = options.rack === undefined ? await rackListOf(options) : null;
  if (list === null) {
    const one = await withOneRack(options);
    return [await opened((warn) => openClient(one, 'interface', { autostart: true, warn }))];
  }
  const accesses: Access[] = [];
  for (const { path } of list.racks) {
    const open = (warn: Warn): Promise<RackClient> =>
      openClient({ ...options, config: path }, 'interface', { autostart: true, serve: list.path, warn });
    accesses.push(await opened(open));
  }
  return accesses;
}

type Warn = (text: string) => void;

/** What is to be said of a server that is started is said in the interface: it takes the screen. */
async function opened(open: (warn: Warn) => Promise<RackClient>): Promise<Access> {
  let notice: string | null = null;
  const client = await open((text) => (notice = text));
  return { client, notice, reconnect: () => open(() => undefined) };
}
