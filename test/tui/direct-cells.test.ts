/**
 * Characters about whose width terminals disagree, in frames that follow each other: whatever a terminal takes them
 * for, every other cell is as the frame has it.
 */
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import headless from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDisputed } from '../../src/console/cells.ts';
import { NodeTerminal } from '../../src/console/emulator.ts';
import { agreedWidth } from '../../src/console/widths.ts';
import { Frame, rawInk } from '../../src/tui/canvas/frame.ts';
import { Terminal } from '../../src/tui/terminal/terminal.ts';
import { createPalette, THEMES } from '../../src/tui/terminal/theme.ts';

const COLS = 24;
const ROWS = 3;
const palette = createPalette(THEMES.dark ?? { name: '', inks: {}, grounds: {} }, 256);

/** Texts of one cell with the width that the node's emulator gives them. */
const TEXTS: readonly (readonly [text: string, width: 1 | 2])[] = [
  ['a', 1],
  ['b', 1],
  [' ', 1],
  [' ', 1],
  ['é', 1],
  ['e\u0301', 1],
  ['語', 2],
  ['각', 2],
  ['⚠', 1],
  ['⚡', 2],
  ['☁', 1],
  ['\u{1f600}', 2],
  ['\u{1fae0}', 2],
  ['\u{1f3fd}', 2],
  ['\u{1f1e9}', 1],
  ['1\u20e3', 1],
  ['न', 1],
  ['\u0903', 1],
  ['ᄀ\u1161\u11a8', 2],
  ['\u{e0b0}', 1],
  ['\u{20000}', 2],
];

/** What stands in a row from a column on: a node's cells, or the interface's own text over them. */
interface Stroke {
  x: number;
  y: number;
  own: boolean;
  texts: readonly (readonly [text: string, width: 1 | 2])[];
}

const strokes = fc.array(
  fc.record<Stroke>({
    x: fc.integer({ min: 0, max: COLS - 1 }),
    y: fc.integer({ min: 0, max: ROWS - 1 }),
    own: fc.boolean(),
    texts: fc.array(fc.constantFrom(...TEXTS), { minLength: 1, maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 8 },
);

function paint(list: readonly Stroke[]): Frame {
  const frame = new Frame(COLS, ROWS);
  for (let y = 0; y < ROWS; y++) frame.put(3, y, '│', 'border');
  for (const { x, y, own, texts } of list) {
    if (own) {
      frame.text(x, y, texts.map(([text]) => (text < '\x7f' ? text : 'o')).join(''), 'warn', COLS - x);
      continue;
    }
    let at = Math.max(4, x);
    for (const [text, width] of texts) {
      if (at + width > COLS) break;
      frame.put(at, y, text, rawInk(0, 2, 0x1ff));
      if (width === 2) frame.put(at + 1, y, '', rawInk(0, 2, 0x1ff));
      at += width;
    }
  }
  return frame;
}

type Emulator = InstanceType<typeof headless.Terminal>;

/** A terminal of this opinion about each disputed code point. */
function emulatorOf(opinion: (code: number) => 0 | 1 | 2): Emulator {
  const emulator = new headless.Terminal({ cols: COLS, rows: ROWS, allowProposedApi: true, logLevel: 'off' });
  const wcwidth = (code: number): 0 | 1 | 2 => agreedWidth(code) ?? opinion(code);
  emulator.unicode.register({
    version: 'opinion',
    wcwidth,
    charProperties(code, preceding) {
      // As in tmux, a character without a width joins the cell to its left also after a move of the cursor.
      const width = wcwidth(code);
      return width === 0 ? (((preceding >> 1) & 3) << 1) | 1 : width << 1;
    },
  });
  emulator.unicode.activeVersion = 'opinion';
  return emulator;
}

/** The interface's terminal, whose bytes an emulator shows. */
class Stage implements Disposable {
  readonly #file = join(tmpdir(), `rackui-cells-${process.pid}-${Math.random().toString(36).slice(2)}`);
  readonly #fd = openSync(this.#file, 'w+');
  readonly #terminal = new Terminal({ fd: this.#fd }, { cols: COLS, rows: ROWS }, palette, (error) => {
    throw error;
  });
  readonly #emulator: Emulator;
  #read = 0;

  constructor(emulator: Emulator) {
    this.#emulator = emulator;
  }

  /** Shows frames in turn on a cleared screen; returns the cells at the end, '' for the right half of a wide one. */
  async show(frames: readonly Frame[]): Promise<string[]> {
    this.#terminal.resize({ cols: COLS, rows: ROWS });
    for (const frame of frames) this.#terminal.show(frame);
    const last = frames.at(-1);
    if (last !== undefined) expect(this.#terminal.show(last)).toBe(false);
    while (this.#terminal.congested) await new Promise((resolve) => setImmediate(resolve));
    const bytes = Buffer.alloc(fstatSync(this.#fd).size - this.#read);
    this.#read += readSync(this.#fd, bytes, 0, bytes.length, this.#read);
    await new Promise<void>((resolve) => this.#emulator.write(bytes, resolve));
    const { active } = this.#emulator.buffer;
    expect(active.baseY).toBe(0);
    return Array.from({ length: COLS * ROWS }, (_, i) => {
      const cell = active.getLine(Math.floor(i / COLS))?.getCell(i % COLS);
      return cell?.getWidth() === 0 ? '' : cell?.getChars() || ' ';
    });
  }

  [Symbol.dispose](): void {
    this.#emulator.dispose();
    closeSync(this.#fd);
    unlinkSync(this.#file);
  }
}

const isMark = (code: number): boolean => /^[\p{M}\u1160-\u11ff]$/u.test(String.fromCodePoint(code));

const OPINIONS: readonly (readonly [name: string, opinion: (code: number) => 0 | 1 | 2])[] = [
  ['one column', () => 1],
  ['two columns', () => 2],
  ['none', () => 0],
  ['two for emoji, none for marks', (code) => (isMark(code) ? 0 : code > 0xffff ? 2 : 1)],
  ['each its own', (code) => ((code * 7) % 3) as 0 | 1 | 2],
];

test.each(OPINIONS)('a terminal that gives disputed characters %s shows all others in place', async (_, opinion) => {
  using stage = new Stage(emulatorOf(opinion));
  await fc.assert(
    fc.asyncProperty(fc.array(strokes, { minLength: 1, maxLength: 4 }), async (lists) => {
      const frames = lists.map(paint);
      const { chars = [] } = frames.at(-1) ?? {};
      const disputed = (i: number): boolean => isDisputed(chars[i] ?? ' ', chars[i + 1] === '' ? 2 : 1);
      const cells = await stage.show(frames);
      const wrong = cells.flatMap((cell, i) => {
        const text = chars[i] ?? ' ';
        if (text === '' || disputed(i) || cell === text) return [];
        // A blank is left to a disputed character beside it, and a mark may lie on the node's cell to its left.
        const covered = text === ' ' && disputed(i - 1);
        const marked = text !== '│' && cell.startsWith(text) && disputed(i + (chars[i + 1] === '' ? 2 : 1));
        return covered || marked ? [] : [`column ${i % COLS} of row ${Math.floor(i / COLS)}: "${cell}" for "${text}"`];
      });
      expect(wrong).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test('a terminal with the tables of the node’s emulator shows every cell, whatever frames came before', async () => {
  using stage = new Stage(new NodeTerminal({ cols: COLS, rows: ROWS, scrollback: 0 }));
  await fc.assert(
    fc.asyncProperty(fc.array(strokes, { minLength: 1, maxLength: 4 }), async (lists) => {
      const frames = lists.map(paint);
      expect(await stage.show(frames)).toEqual(frames.at(-1)?.chars);
    }),
    { numRuns: 100 },
  );
});
