import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/load.ts';
import { parseThemeFile } from '../../src/config/theme-file.ts';
import type { NodeCondition } from '../../src/rack/system-state.ts';
import {
  DEFAULT_COLOUR,
  FLAG,
  type Ground,
  GROUNDS,
  HEAT_GROUNDS,
  type Ink,
  INKS,
} from '../../src/tui/canvas/frame.ts';
import { glyphs, POWER_LETTER, POWER_WORD } from '../../src/tui/canvas/glyphs.ts';
import {
  colourDepth,
  createPalette,
  parseStyle,
  THEMES,
  wrongLook,
  type Depth,
  type Palette,
  type Theme,
} from '../../src/tui/terminal/theme.ts';
import { ALL_EYES, contrast, difference, oklab } from '../support/colour.ts';

const DEPTHS: Depth[] = [256, 16, 0];
const EACH = Object.values(THEMES).flatMap((theme) =>
  DEPTHS.map((depth): [string, Depth, Theme] => [theme.name, depth, theme]),
);

describe.each(EACH)('%s, %i colours', (_name, depth, theme) => {
  test('gives every role a look, and none that means nothing', () => {
    const column = depth === 256 ? 0 : depth === 16 ? 1 : 2;
    for (const role of INKS) expect(() => parseStyle(theme.inks[role]?.[column] ?? 'missing')).not.toThrow();
    for (const role of GROUNDS) expect(() => parseStyle(theme.grounds[role]?.[column] ?? 'missing')).not.toThrow();
    expect(Object.keys(theme.inks).sort()).toEqual([...INKS].sort());
    expect(Object.keys(theme.grounds).sort()).toEqual([...GROUNDS].sort());
  });

  test('shows no colour where there are none, and only the first sixteen where there are sixteen', () => {
    const palette = createPalette(theme, depth);
    for (const ink of INKS)
      for (const ground of GROUNDS) {
        const look = palette.resolve(ink, ground);
        for (const colour of [(look >> 9) & 0x1ff, look & 0x1ff])
          if (colour !== 0x1ff) expect(colour).toBeLessThan(depth);
      }
  });

  test('what is selected, marked or to be confirmed is seen without its colour too', () => {
    if (depth !== 0) return;
    const palette = createPalette(theme, depth);
    const flags = (ink: 'text' | 'danger', ground: (typeof GROUNDS)[number]): number =>
      palette.resolve(ink, ground) >> 18;
    expect(flags('text', 'selected') & FLAG.inverse).not.toBe(0);
    expect(flags('text', 'marked')).not.toBe(0);
    expect(flags('danger', 'dialog')).not.toBe(0);
  });
});

test.each([false, true])(
  'every state has a sign and a letter of its own, whatever the colours (ASCII: %s)',
  (ascii) => {
    const powers = Object.keys(POWER_LETTER) as NodeCondition[];
    expect(new Set(powers.map((power) => POWER_LETTER[power])).size).toBe(powers.length);
    expect(new Set(powers.map((power) => POWER_WORD[power])).size).toBe(powers.length);
    expect(new Set(powers.map((power) => glyphs(ascii).power[power])).size).toBe(powers.length);
  },
);

/** Colours of a cell as they are seen, where the terminal's own are the theme's usual ones. */
function seen(
  palette: Palette,
  ink: Ink,
  ground: Ground,
  own: readonly [front: number, back: number],
): [number, number] {
  const look = palette.resolve(ink, ground);
  const [front, back] = [(look >> 9) & 0x1ff, look & 0x1ff];
  return [front === DEFAULT_COLOUR ? own[0] : front, back === DEFAULT_COLOUR ? own[1] : back];
}

/** Grounds on which every ink may stand; buttons have text only, borders stand on the screen, heat has an ink of its own. */
const WRITTEN = GROUNDS.filter((ground) => ground !== 'button' && !ground.startsWith('heat'));
const LIGHT_GREY = 252;

/** Text and ground of the terminal itself, as they are usual where a theme is chosen. */
const TERMINALS: Readonly<Record<string, readonly [front: number, back: number]>> = {
  dark: [LIGHT_GREY, 16],
  light: [16, 231],
  contrast: [231, 16],
  colourblind: [LIGHT_GREY, 16],
  mono: [LIGHT_GREY, 16],
  pulse: [LIGHT_GREY, 16],
};

describe.each(Object.values(THEMES).flatMap((theme) => ([256, 16] as const).map((depth) => ({ theme, depth }))))(
  '$theme.name, $depth colours',
  ({ theme, depth }) => {
    const palette = createPalette(theme, depth);
    const own = TERMINALS[theme.name] ?? expect.fail(`${theme.name}: which terminal is it for?`);

    test('every ink has a contrast of 4.5 to its ground, and lines one of 3', () => {
      for (const ink of INKS.filter((one) => one !== 'heat' && one !== 'border'))
        for (const ground of WRITTEN)
          expect(contrast(...seen(palette, ink, ground, own)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(...seen(palette, 'text', 'button', own)), 'text on button').toBeGreaterThanOrEqual(4.5);
      expect(contrast(...seen(palette, 'border', 'screen', own)), 'border').toBeGreaterThanOrEqual(3);
    });

    test('numbers on the heat ramp have a contrast of 4.5', () => {
      for (const ground of HEAT_GROUNDS)
        expect(contrast(...seen(palette, 'heat', ground, own)), ground).toBeGreaterThanOrEqual(4.5);
    });
  },
);

describe.each(Object.values(THEMES).filter(({ name }) => name !== 'mono'))('$name, 256 colours', (theme) => {
  test('the heat ramp is even in lightness: no step differs from the mean by more than a quarter', () => {
    const palette = createPalette(theme, 256);
    const steps = stepsOf(HEAT_GROUNDS.map((ground) => oklab(palette.resolve('heat', ground) & 0x1ff)[0]));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    for (const step of steps) expect(Math.abs(step / mean - 1)).toBeLessThan(0.25);
  });
});

const stepsOf = (values: readonly number[]): number[] => values.slice(1).map((value, i) => value - (values[i] ?? 0));

/** Steps of 16 colours cannot be even: there are only these. */
describe.each([16, 256] as const)('the heat ramp in %i colours', (depth) => {
  const ramps = Object.values(THEMES).filter(({ name }) => name !== 'mono');

  test.each(ALL_EYES)('has levels that differ for %s eyes, also by lightness alone', (eyes) => {
    for (const theme of ramps) {
      const palette = createPalette(theme, depth);
      const levels = HEAT_GROUNDS.map((ground) => palette.resolve('heat', ground) & 0x1ff);
      const up = stepsOf(levels.map((level) => oklab(level, eyes)[0]));
      const sign = Math.sign(up[0] ?? 0);
      for (const step of up) expect(step * sign, theme.name).toBeGreaterThan(0.03);
      for (const [i, level] of levels.entries())
        for (const other of levels.slice(i + 1))
          expect(difference(level, other, eyes), theme.name).toBeGreaterThan(0.04);
    }
  });

  test('is none of the other grounds, so that an untinted cell is none of its levels', () => {
    for (const theme of ramps) {
      const palette = createPalette(theme, depth);
      const levels = HEAT_GROUNDS.map((ground) => palette.resolve('heat', ground) & 0x1ff);
      expect(levels).not.toContain(palette.resolve('text', 'screen') & 0x1ff);
    }
  });
});

test('the high contrast theme keeps a ratio of 7 between letters and their ground, in 16 colours too', () => {
  for (const depth of [256, 16] as const) {
    const palette = createPalette(THEMES['contrast'] as Theme, depth);
    for (const ink of INKS) {
      // What stands on a colour of its own may shout with less.
      const own = (THEMES['contrast']?.inks[ink]?.[0] ?? '').includes(' on ');
      const back = depth === 256 ? 16 : 0;
      expect(contrast(...seen(palette, ink, 'screen', [231, back])), ink).toBeGreaterThan(own ? 4.5 : 7);
    }
  }
});

test('without red and green the colour-blind theme tells states apart by brightness or hue', () => {
  const palette = createPalette(THEMES['colourblind'] as Theme, 256);
  const states = ['ok', 'aging', 'fault', 'off', 'unknown'] as const;
  const shades = states.map((ink) => (palette.resolve(ink, 'screen') >> 9) & 0x1ff);
  for (const [i, a] of shades.entries())
    for (const b of shades.slice(i + 1)) expect(contrast(a, b)).toBeGreaterThan(1.08);
});

test('only the pulse theme shows a sample’s arrival, so that the others send nothing for it', () => {
  for (const theme of Object.values(THEMES))
    for (const depth of DEPTHS)
      expect(createPalette(theme, depth).pulses, `${theme.name} ${depth}`).toBe(theme.name === 'pulse');
});

test.each<[Record<string, string>, Depth]>([
  [{ TERM: 'xterm-256color' }, 256],
  [{ TERM: 'tmux-256color' }, 256],
  [{ TERM: 'xterm-kitty' }, 256],
  [{ TERM: 'alacritty' }, 256],
  [{ TERM: 'screen' }, 16],
  [{ TERM: 'linux' }, 16],
  [{ TERM: 'vt100' }, 0],
  [{ TERM: 'xterm-256color', NO_COLOR: '1' }, 0],
  [{ TERM: 'xterm', COLORTERM: 'truecolor' }, 256],
  [{ TERM: 'xterm', NO_COLOR: '' }, 16],
])('%o shows %i colours', (env, depth) => {
  expect(colourDepth(env)).toBe(depth);
});

describe('a theme of one’s own', () => {
  const rules = { inks: INKS, grounds: GROUNDS, wrongLook };

  test('changes what it names and keeps the rest', () => {
    const file = parseThemeFile(
      '{ "name": "mine", "base": "light", "inks": { "ok": ["46", "10", "bold"] } }',
      'mine.json',
      rules,
    );
    expect(file).toEqual({ base: 'light', inks: { ok: ['46', '10', 'bold'] }, grounds: {} });
  });

  test.each<[what: string, text: string, says: string]>([
    ['an unknown role', '{\n  "inks": {\n    "okay": ["1", "1", ""] }\n}', "mine.json:3:5: 'okay' is not a role"],
    ['a look too few', '{\n  "inks": { "ok": ["1"] }\n}', "mine.json:2:19: 'ok' needs three looks"],
    ['a colour that is none', '{ "inks": { "ok": ["999", "1", ""] } }', 'mine.json:1:20: "999" in the look'],
    ['a number where text belongs', '{ "grounds": { "bar": [7, "1", ""] } }', 'mine.json:1:24: a look is text'],
    ['an unknown part', '{ "colors": {} }', "mine.json:1:3: 'colors' is not a part of a theme"],
    ['no object', '[]', 'mine.json:1:1: a theme is an object'],
    ['no JSON', '{ "inks": { "ok": ["1" }', 'mine.json:1:'],
  ])('%s: said with its place', (_what, text, says) => {
    const problem = ((): unknown => {
      try {
        return parseThemeFile(text, 'mine.json', rules);
      } catch (error) {
        return error;
      }
    })();
    expect(problem).toBeInstanceOf(ConfigError);
    expect((problem as ConfigError).message).toContain(says);
  });
});
