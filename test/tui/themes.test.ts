import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/load.ts';
import { parseThemeFile } from '../../src/config/theme-file.ts';
import type { ShownPower } from '../../src/rack/reading.ts';
import { FLAG, GROUNDS, INKS } from '../../src/tui/canvas/frame.ts';
import { glyphs, POWER_LETTER } from '../../src/tui/canvas/glyphs.ts';
import {
  colourDepth,
  createPalette,
  parseStyle,
  THEMES,
  wrongLook,
  type Depth,
  type Theme,
} from '../../src/tui/terminal/theme.ts';

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
    const powers: ShownPower[] = ['on', 'off', 'disabled', 'unknown', 'absent'];
    expect(new Set(powers.map((power) => POWER_LETTER[power])).size).toBe(powers.length);
    expect(new Set(powers.map((power) => glyphs(ascii).power[power])).size).toBe(powers.length);
  },
);

/** Relative luminance (WCAG 2.2) of xterm's colour cube and greys. */
function luminance(index: number): number {
  const level = (n: number): number => (n === 0 ? 0 : 55 + 40 * n);
  const rgb =
    index >= 232
      ? Array<number>(3).fill(8 + 10 * (index - 232))
      : [Math.floor((index - 16) / 36), Math.floor((index - 16) / 6) % 6, (index - 16) % 6].map(level);
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const ratio = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

test('the high contrast theme keeps a ratio of 7 between letters and what they stand on', () => {
  const palette = createPalette(THEMES['contrast'] as Theme, 256);
  for (const ink of INKS) {
    // What stands on a colour of its own may shout with less.
    const own = (THEMES['contrast']?.inks[ink]?.[0] ?? '').includes(' on ');
    const look = palette.resolve(ink, 'screen');
    expect(ratio(luminance((look >> 9) & 0x1ff), luminance(look & 0x1ff)), ink).toBeGreaterThan(own ? 3.9 : 7);
  }
});

test('without red and green the colour-blind theme tells states apart by brightness or hue', () => {
  const palette = createPalette(THEMES['colourblind'] as Theme, 256);
  const states = ['ok', 'aging', 'fault', 'off', 'unknown'] as const;
  const shades = states.map((ink) => luminance((palette.resolve(ink, 'screen') >> 9) & 0x1ff));
  for (const [i, a] of shades.entries()) for (const b of shades.slice(i + 1)) expect(ratio(a, b)).toBeGreaterThan(1.08);
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
    ['an unknown role', '{\n  "inks": {\n    "okay": ["1", "1", ""] }\n}', "mine.json:3:5: 'okay' is no role"],
    ['a look too few', '{\n  "inks": { "ok": ["1"] }\n}', "mine.json:2:19: 'ok' needs three looks"],
    ['a colour that is none', '{ "inks": { "ok": ["999", "1", ""] } }', 'mine.json:1:20: "999" in the look'],
    ['a number where text belongs', '{ "grounds": { "bar": [7, "1", ""] } }', 'mine.json:1:24: a look is text'],
    ['an unknown part', '{ "colors": {} }', "mine.json:1:3: 'colors' is no part of a theme"],
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
