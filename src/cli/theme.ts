/** Which theme a name means: one that comes with the program, one of the operator's own, or a file. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { themeDirectory } from '../config/paths.ts';
import type { Depth, Theme } from '../tui/palette.ts';
import { UsageFailure } from './failure.ts';
import { didYouMean } from '../lib/words.ts';

/** @throws {UsageFailure} for a name that nobody knows; {ConfigError} for a file with mistakes in it. */
export async function themeNamed(given: string | undefined): Promise<Theme> {
  const name = given ?? process.env.RACKUI_THEME ?? 'dark';
  const { THEMES } = await import('../tui/palette.ts');
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
    import('../config/theme-file.ts'),
    import('../tui/palette.ts'),
    import('../tui/frame.ts'),
  ]);
  const { base, inks, grounds } = readThemeFile(path, { inks: INKS, grounds: GROUNDS, wrongLook });
  const under = THEMES[base ?? 'dark'];
  if (under === undefined)
    throw new UsageFailure(
      `${path}: base: found '${base ?? ''}'; allowed: ${Object.keys(THEMES).join(', ')}${didYouMean(base ?? '', Object.keys(THEMES))}`,
    );
  return { name, inks: { ...under.inks, ...inks }, grounds: { ...under.grounds, ...grounds } };
}
