/** Reads what the operator's terminal can show from its environment and its description. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CellDetail } from '../canvas/frame.ts';

/** What a terminal can show beyond 256 colours and plain underlines. */
export interface Abilities {
  /** Colours of 24 bits. */
  rgb: boolean;
  /** Double, curly, dotted and dashed underlines, and their colours. */
  underlines: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns what the terminal can show: by COLORTERM, by the name in TERM, or by `RGB`, `Tc` and `Smulx` in its
 * description. `colours`: what the operator chose instead, as `--colours` has it.
 */
export function abilitiesOf(
  env: Environment,
  colours: 'truecolor' | number | null,
  readDescription: (env: Environment) => string = descriptionOf,
): Abilities {
  const term = env.TERM ?? '';
  const description = readDescription(env);
  const has = (name: string): boolean => description.includes(`\0${name}\0`);
  const known = /kitty|alacritty|foot|ghostty|wezterm|contour|^tmux/.test(term);
  const coloured = env.NO_COLOR === undefined || env.NO_COLOR === '';
  const reports =
    /truecolor|24bit/.test(env.COLORTERM ?? '') || known || /-direct/.test(term) || has('RGB') || has('Tc');
  return {
    rgb: colours === null ? coloured && reports : colours === 'truecolor',
    underlines: known || has('Smulx'),
  };
}

/** Returns whether a terminal shows a cell with this detail in another way than without it. */
export function isShown(detail: CellDetail | undefined, { rgb, underlines }: Abilities): boolean {
  if (detail === undefined) return false;
  const { foreground, background, underline, underlineColour, overline } = detail;
  if (overline || (rgb && (foreground !== null || background !== null))) return true;
  return underlines && (underline > 1 || underlineColour !== null);
}

/** Returns the compiled terminfo entry; '' where there is none. Names of extended capabilities are plain text in it. */
function descriptionOf({ TERM = '', TERMINFO, HOME }: Environment): string {
  if (!/^[\w.+-]+$/.test(TERM)) return '';
  const folders = [TERMINFO, HOME && join(HOME, '.terminfo'), '/etc/terminfo', '/lib/terminfo', '/usr/share/terminfo'];
  for (const folder of folders) {
    if (!folder) continue;
    try {
      return readFileSync(join(folder, TERM.slice(0, 1), TERM), 'latin1');
    } catch {
      // It may be in the next folder.
    }
  }
  return '';
}
