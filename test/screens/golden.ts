/**
 * Golden screens: a frame as a text file that a person can read, held against the one under `goldens/`. The characters
 * come first, then what each cell means (a letter an ink, see {@link LETTERS}), then the grounds by rectangle; where a
 * colour tier is given, the look of every meaning on the screen in that tier.
 *
 * `RACKUI_GOLDENS=update npx vitest run test/screens` writes them anew, for eyes and `git diff` to judge; never in CI.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import {
  DEFAULT_COLOUR,
  FLAG,
  type Frame,
  type Ground,
  type Ink,
  type InkRole,
  type RawInk,
} from '../../src/tui/canvas/frame.ts';
import { createPalette, THEMES, type Depth, type Theme } from '../../src/tui/terminal/theme.ts';

export const GOLDENS = fileURLToPath(new URL('goldens', import.meta.url));

/** A node's own colours are `#`: their looks are listed by place. */
const LETTERS: Record<InkRole, string> = {
  text: '.',
  dim: 'd',
  title: 'T',
  key: 'k',
  ok: 'o',
  pulse: 'O',
  aging: 'a',
  warn: 'w',
  fault: 'f',
  stale: 's',
  off: 'x',
  unknown: 'u',
  spark: 'p',
  beat: 'P',
  fan: 'n',
  master: 'm',
  mark: 'M',
  border: 'b',
  borderFocus: 'B',
  danger: 'D',
  heat: 'h',
};

const NO_THEME: Theme = { name: 'none', inks: {}, grounds: {} };

export interface Tier {
  theme: keyof typeof THEMES;
  depth: Depth;
}

export const TIERS: readonly Tier[] = [
  { theme: 'dark', depth: 256 },
  { theme: 'dark', depth: 16 },
  { theme: 'mono', depth: 0 },
];

/** The frame as the text of a golden file. */
function describeFrame(frame: Frame, tier?: Tier): string {
  const rule = (title: string): string => `${`-- ${title} `.padEnd(frame.cols, '-')}\n`;
  const rows = (cells: readonly string[]): string =>
    Array.from({ length: frame.rows }, (_, y) => {
      const row = cells.slice(y * frame.cols, (y + 1) * frame.cols).join('');
      return `${row.trimEnd()}\n`;
    }).join('');
  const cursor = frame.cursor === null ? '' : `cursor at ${frame.cursor.x},${frame.cursor.y}\n`;
  return [
    rule(`${frame.cols}x${frame.rows}`),
    rows(frame.chars),
    rule('inks'),
    rows(frame.inks.map((ink, i) => letterOf(ink, frame.charAt(i)))),
    rule('grounds'),
    grounds(frame),
    ownColours(frame),
    cursor,
    tier === undefined ? '' : describeLooks(frame, tier),
  ].join('');
}

/** The look of every meaning on this screen in a tier. */
export function describeLooks(frame: Frame, tier: Tier): string {
  return `${`-- looks: ${tier.theme}, ${tier.depth} colours `.padEnd(frame.cols, '-')}\n${looks(frame, tier)}`;
}

function letterOf(ink: Ink, ch: string): string {
  if (typeof ink === 'number') return '#';
  return ink === 'text' && ch === ' ' ? ' ' : LETTERS[ink];
}

/** `4-18  2-77 dialog`: rows, then what stands in each of them; rows of the plain screen are left out. */
function grounds(frame: Frame): string {
  const all = frame.grounds;
  const line = (y: number): string =>
    runs(all.slice(y * frame.cols, (y + 1) * frame.cols))
      .filter(({ value }) => value !== 'screen')
      .map(({ from, to, value }) => `  ${from}-${to} ${value}`)
      .join('');
  return runs(Array.from({ length: frame.rows }, (_, y) => line(y)))
    .filter(({ value }) => value !== '')
    .map(({ from, to, value }) => `${from === to ? from : `${from}-${to}`}${value}\n`)
    .join('');
}

function ownColours(frame: Frame): string {
  const { inks } = frame;
  const lines: string[] = [];
  for (let y = 0; y < frame.rows; y++)
    for (const { from, to, value } of runs(inks.slice(y * frame.cols, (y + 1) * frame.cols)))
      if (typeof value === 'number' && lookOf(value) !== 'plain')
        lines.push(`${y}  ${from}-${to} node's own: ${lookOf(value)}\n`);
  return lines.join('');
}

/** What the tier makes of each meaning that is on this screen. */
function looks(frame: Frame, { theme, depth }: Tier): string {
  const palette = createPalette(THEMES[theme] ?? NO_THEME, depth);
  const seen = new Map<string, [Ink, Ground]>();
  frame.inks.forEach((ink, i) => {
    const ground = frame.groundAt(i);
    const name = typeof ink === 'number' ? `node's own ${lookOf(ink)}` : ink;
    if (ink !== 'text' || frame.charAt(i) !== ' ' || ground !== 'screen')
      seen.set(`${name} on ${ground}`, [ink, ground]);
  });
  return [...seen]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, [ink, ground]]) => `${name.padEnd(28)} ${lookOf(palette.resolve(ink, ground))}\n`)
    .join('');
}

/** `bold underline 231 on 124`; `plain` where nothing is set. */
function lookOf(ink: RawInk): string {
  const flags = Object.entries(FLAG)
    .filter(([, bit]) => ((ink >> 18) & bit) !== 0)
    .map(([name]) => name);
  const [fg, bg] = [(ink >> 9) & 0x1ff, ink & 0x1ff];
  const words = [
    ...flags,
    ...(fg === DEFAULT_COLOUR ? [] : [String(fg)]),
    ...(bg === DEFAULT_COLOUR ? [] : [`on ${bg}`]),
  ];
  return words.length === 0 ? 'plain' : words.join(' ');
}

function runs<T>(values: readonly T[]): { from: number; to: number; value: T }[] {
  const found: { from: number; to: number; value: T }[] = [];
  values.forEach((value, i) => {
    const last = found.at(-1);
    if (last?.value === value) last.to = i;
    else found.push({ from: i, to: i, value });
  });
  return found;
}

/** Fails with both screens where they differ, and where there is no golden yet. */
export const expectGolden = (name: string, frame: Frame, tier?: Tier): void =>
  expectText(name, describeFrame(frame, tier));

export function expectText(name: string, now: string): void {
  const file = `${GOLDENS}/${name}.txt`;
  if (process.env['RACKUI_GOLDENS'] === 'update') {
    if (process.env['CI'] !== undefined) throw new Error('goldens are judged by people: CI only compares');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, now);
    return;
  }
  const golden = existsSync(file) ? readFileSync(file, 'utf8') : null;
  if (golden === now) return;
  const how = 'If the new one is right: RACKUI_GOLDENS=update npx vitest run test/screens';
  expect.fail(
    golden === null
      ? `there is no golden screen "${name}". ${how}\n\n${now}`
      : `the screen "${name}" is not its golden. ${how}\n\n== golden\n${golden}\n== now\n${now}\n== lines that differ\n${differences(golden, now)}`,
  );
}

function differences(golden: string, now: string): string {
  const [before, after] = [golden.split('\n'), now.split('\n')];
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i)
    .filter((i) => before[i] !== after[i])
    .map((i) => `line ${i + 1}\n  - ${before[i] ?? '(none)'}\n  + ${after[i] ?? '(none)'}`)
    .join('\n');
}
