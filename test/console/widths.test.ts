/** The table of agreed widths against the tables of terminal emulators: xterm.js twice, tmux, screen and libvterm. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import unicode11 from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agreedColumns, agreedWidth, mostColumns } from '../../src/console/widths.ts';
import { EMULATORS, isInstalled } from '../support/emulators.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-widths-'));
/**
 * Runs in a terminal: prints each text of a JSON file at the beginning of a line, asks for the cursor's column, and
 * writes the widths to another file. It asks twenty at once: Vim keeps 4 KB of answers and drops the rest.
 */
const PROBE = join(folder, 'probe.mjs');
writeFileSync(
  PROBE,
  `import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const [texts = '', widths = ''] = process.argv.slice(2);
const left = JSON.parse(readFileSync(texts, 'utf8'));
const found = [];
const AT_ONCE = 20;
let input = '';
let asked = 0;

function ask() {
  const next = left.splice(0, AT_ONCE);
  asked = next.length;
  if (asked > 0) {
    process.stdout.write(next.map((text) => \`\\r\\x1b[K\${text}\\x1b[6n\`).join(''));
    return;
  }
  process.stdin.setRawMode(false);
  writeFileSync(\`\${widths}.new\`, JSON.stringify(found));
  renameSync(\`\${widths}.new\`, widths);
  process.exit();
}

process.stdin.setRawMode(true);
process.stdin.on('data', (bytes) => {
  input += bytes.toString('latin1');
  const answers = [...input.matchAll(/\\x1b\\[\\d+;(\\d+)R/g)];
  input = input.slice(input.lastIndexOf('R') + 1);
  for (const [, column] of answers) found.push(Number(column) - 1);
  asked -= answers.length;
  if (asked <= 0) ask();
});
ask();
`,
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const codes = Array.from({ length: 0x10000 }, (_, code) => code).filter((code) => code < 0xd800 || code > 0xdfff);
const of = (width: number): number[] => codes.filter((code) => code > 0xa0 && agreedWidth(code) === width);

/** Pieces of text that fill less than a line of 80 columns, whose code points are agreed upon. */
function pieces(width: 0 | 1 | 2): string[] {
  const length = width === 0 ? 5 : 72 / width;
  const all = of(width);
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) => {
    const text = String.fromCodePoint(...all.slice(i * length, (i + 1) * length));
    return width === 0 ? `a${text}` : text;
  });
}

/** Characters of the last years, and those about which there are opinions. */
const TORTURE = Array.from(
  '⚡\u{1f600}\u{1fae0}\u{1f972}\u{1f1e9}\u0903\u093f\u1161\u11a8\u{1f6dc}\u2630\u4dc0\u{1f3fd}',
);

/** Widths of texts by an emulator of Debian's, by reports of its cursor. */
async function measured(name: 'tmux' | 'screen' | 'vim', texts: readonly string[]): Promise<number[]> {
  const asked = join(folder, `${name}-texts.json`);
  const told = join(folder, `${name}-widths.json`);
  writeFileSync(asked, JSON.stringify(texts));
  await using emulator = EMULATORS[name]([process.execPath, PROBE, asked, told], { cols: 80, rows: 5 });
  const end = Date.now() + 60_000;
  while (!existsSync(told)) {
    if (Date.now() > end) throw new Error(`${name} did not answer within 60 s. Its screen:\n${emulator.outer.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return JSON.parse(readFileSync(told, 'utf8')) as number[];
}

const texts = [...pieces(0), ...pieces(1), ...pieces(2), ...TORTURE];
const wanted = texts.map(agreedColumns);
const opinions = new Map<string, number[]>();

beforeAll(async () => {
  const names = (['tmux', 'screen', 'vim'] as const).filter(isInstalled);
  await Promise.all(names.map(async (name) => opinions.set(name, await measured(name, texts))));
  for (const version of ['6', '11']) {
    const terminal = new headless.Terminal({ cols: 80, rows: 5, allowProposedApi: true, logLevel: 'off' });
    terminal.loadAddon(new unicode11.Unicode11Addon());
    terminal.unicode.activeVersion = version;
    const widths: number[] = [];
    for (const text of texts)
      await new Promise<void>((resolve) =>
        terminal.write(`\r\x1b[K${text}`, () => {
          widths.push(terminal.buffer.active.cursorX);
          resolve();
        }),
      );
    opinions.set(`xterm ${version}`, widths);
    terminal.dispose();
  }
}, 120_000);

describe.each(['xterm 6', 'xterm 11', 'tmux', 'screen', 'vim'])('%s', (name) => {
  test.skipIf(!name.startsWith('xterm') && !isInstalled(name))(
    'agrees with every width that is said to be agreed',
    () => {
      const widths = opinions.get(name) ?? [];
      const wrong = texts.flatMap((text, i) =>
        wanted[i] === null || widths[i] === wanted[i]
          ? []
          : [`${text}: ${widths[i] ?? '?'} columns for ${wanted[i] ?? '?'}`],
      );
      expect(widths).toHaveLength(texts.length);
      expect(wrong).toEqual([]);
    },
  );
});

test('the emulators disagree about emoji, Indic marks, jamo and new symbols; none of these is said to be agreed', () => {
  const from = texts.length - TORTURE.length;
  const disputed = TORTURE.filter((_, i) => new Set([...opinions.values()].map((widths) => widths[from + i])).size > 1);
  expect(disputed.length).toBeGreaterThanOrEqual(10);
  expect(TORTURE.map(agreedColumns)).toEqual(TORTURE.map(() => null));
});

test('scripts and symbols that consoles print are agreed upon', () => {
  expect(of(1).length).toBeGreaterThan(5_000);
  expect(of(2).length).toBeGreaterThan(40_000);
  for (const text of ['Zeile', 'größe', 'Ωμέγα', 'Привет', '─│┌┐└┘├┤┬┴┼', '▁▂▃█', '●○★✓✗', 'e\u0301', '⠿'])
    expect(agreedColumns(text)).toBe(Array.from(text.normalize('NFC')).length);
  for (const text of ['漢字', 'かな', 'カナ', '한글', 'ｗ']) expect(agreedColumns(text)).toBe(2 * text.length);
});

test('a text of disputed code points may fill two columns with each', () => {
  expect(['a', 'e\u0301', '語', '\u{1f600}', 'ᄀ\u1161\u11a8'].map(mostColumns)).toEqual([1, 1, 2, 2, 6]);
});
