/** Colours of 24 bits and all kinds of lines, from a node's bytes to the operator's terminal. */
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import headless, { type IBufferCell } from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellText, sgrOf, underlineOf } from '../../src/console/cells.ts';
import { Frame } from '../../src/tui/canvas/frame.ts';
import { Emulators } from '../../src/tui/console/emulator.ts';
import { type Abilities, abilitiesOf } from '../../src/tui/terminal/abilities.ts';
import { Terminal } from '../../src/tui/terminal/terminal.ts';
import { createPalette, nearest256, THEMES } from '../../src/tui/terminal/theme.ts';

const COLS = 30;
const ROWS = 4;
const ALL: Abilities = { rgb: true, underlines: true };
const NONE: Abilities = { rgb: false, underlines: false };

type Emulator = InstanceType<typeof headless.Terminal>;

function emulator(): Emulator {
  return new headless.Terminal({ cols: COLS, rows: ROWS, allowProposedApi: true, logLevel: 'off' });
}

/** A node's screen, shown by the interface's terminal, and by an emulator what came there. */
class Stage implements Disposable {
  readonly shown = emulator();
  readonly plain = emulator();
  readonly #node = new Emulators(() => undefined);
  readonly #file = join(tmpdir(), `rackui-colour-${process.pid}-${Math.random().toString(36).slice(2)}`);
  readonly #fd = openSync(this.#file, 'w+');
  readonly #terminal: Terminal;
  #read = 0;
  /** Bytes of the last frame. */
  bytes = '';

  constructor(can: Abilities) {
    const palette = createPalette(THEMES.dark ?? { name: '', inks: {}, grounds: {} }, 256);
    const fail = (error: Error): void => {
      throw error;
    };
    this.#terminal = new Terminal({ fd: this.#fd }, { cols: COLS, rows: ROWS }, palette, fail, can);
    this.#node.load(2, COLS, ROWS, new Uint8Array(), []);
  }

  /** The node prints this; the frame after it lies under a dialog from column `covered` on. */
  async print(text: string, covered = COLS): Promise<void> {
    await new Promise<void>((resolve) => this.plain.write(text, resolve));
    this.#node.data(2, Buffer.from(text), 0);
    await this.#node.parsed(2);
    const frame = new Frame(COLS, ROWS);
    const picture = this.#node.screens(2);
    for (let y = 0; y < ROWS; y++)
      picture?.line(picture.length - ROWS + y, (x, ch, ink, _, detail) => frame.put(x, y, ch, ink, undefined, detail));
    if (covered < COLS) frame.clear({ x: covered, y: 0, width: COLS - covered, height: ROWS }, 'dialog');
    this.#terminal.show(frame);
    expect(this.#terminal.show(frame)).toBe(false);
    while (this.#terminal.congested) await new Promise((resolve) => setImmediate(resolve));
    const bytes = Buffer.alloc(fstatSync(this.#fd).size - this.#read);
    this.#read += readSync(this.#fd, bytes, 0, bytes.length, this.#read);
    this.bytes = bytes.toString();
    await new Promise<void>((resolve) => this.shown.write(bytes, resolve));
  }

  [Symbol.dispose](): void {
    this.plain.dispose();
    this.shown.dispose();
    this.#node.dispose();
    closeSync(this.#fd);
    unlinkSync(this.#file);
  }
}

function cells(terminal: Emulator, look: (cell: IBufferCell) => string): string[] {
  const { active } = terminal.buffer;
  return Array.from({ length: COLS * ROWS }, (_, i) => {
    const cell = active.getLine(active.baseY + Math.floor(i / COLS))?.getCell(i % COLS);
    return cell === undefined ? '?' : `${cellText(cell.getChars())} ${look(cell)}`;
  });
}

/** Every attribute, underlines with style and colour. */
function exact(cell: IBufferCell): string {
  const { style, colour } = underlineOf(cell);
  return `${sgrOf(cell)}${cell.isUnderline() !== 0 ? ` ${style} ${String(colour)}` : ''}`;
}

/** The same in 256 colours, with one kind of underline. */
function nearest(cell: IBufferCell): string {
  return sgrOf(cell).replace(/([34]8);2;(\d+);(\d+);(\d+)/g, (_, base: string, r: string, g: string, b: string) => {
    return `${base};5;${nearest256((Number(r) << 16) | (Number(g) << 8) | Number(b))}`;
  });
}

const byte = fc.integer({ min: 0, max: 255 });
const rgb = fc.tuple(byte, byte, byte);
const piece = fc.oneof(
  rgb.map((parts) => `\x1b[38;2;${parts.join(';')}m`),
  rgb.map((parts) => `\x1b[48;2;${parts.join(';')}m`),
  byte.map((n) => `\x1b[38;5;${n}m`),
  fc.integer({ min: 1, max: 5 }).map((n) => `\x1b[4:${n}m`),
  rgb.map((parts) => `\x1b[58:2::${parts.join(':')}m`),
  byte.map((n) => `\x1b[58:5:${n}m`),
  fc.constantFrom(
    '\x1b[m',
    '\x1b[1m',
    '\x1b[2m',
    '\x1b[3m',
    '\x1b[7m',
    '\x1b[9m',
    '\x1b[53m',
    '\x1b[55m',
    '\x1b[24m',
    '\x1b[59m',
  ),
  fc.constantFrom('text', 'x', 'größe', '語語', '\r\n', '\x1b[H', '\x1b[2;9H', '\x1b[K', '\x1b[2J'),
  fc.constantFrom('abc', 'def '),
);
const prints = fc.array(
  fc.tuple(
    fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
    fc.integer({ min: 5, max: COLS }),
  ),
  {
    minLength: 1,
    maxLength: 4,
  },
);

test.each([
  ['shows every colour and line as a plain emulator does', ALL, exact],
  ['without these abilities gets the nearest of 256 colours and plain underlines', NONE, nearest],
] as const)('a terminal %s, also after a dialog over it', async (_, can, look) => {
  using stage = new Stage(can);
  await fc.assert(
    fc.asyncProperty(prints, async (list) => {
      for (const [text, covered] of list) await stage.print(text, covered);
      await stage.print('');
      expect(cells(stage.shown, look)).toEqual(cells(stage.plain, look));
      // Number 148 and dim are `38;5;148;2` too.
      const bytes = stage.bytes.replaceAll(/[34]8;5;\d+/g, '');
      if (can === NONE) expect(bytes).not.toMatch(/[34]8;2;|4:|58:/);
    }),
    { numRuns: 150 },
  );
});

test.each([
  [{ TERM: 'xterm-256color' }, '', false, false],
  [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, '', true, false],
  [{ TERM: 'xterm-256color', COLORTERM: 'truecolor', NO_COLOR: '1' }, '', false, false],
  [{ TERM: 'xterm-kitty' }, '', true, true],
  [{ TERM: 'tmux-256color' }, '', true, true],
  [{ TERM: 'screen-256color' }, '', false, false],
  [{ TERM: 'xterm-direct' }, '', true, false],
  [{ TERM: 'mine' }, '\0Tc\0', true, false],
  [{ TERM: 'mine' }, '\0RGB\0Smulx\0', true, true],
  [{ TERM: 'mine' }, 'Smulx', false, false],
])('%o with the description %j: true colour %s, underlines %s', (env, description, colours, underlines) => {
  expect(abilitiesOf(env, null, () => description)).toEqual({ rgb: colours, underlines });
});

test('--colours decides about colours, whatever the terminal says', () => {
  const env = { TERM: 'xterm-kitty', COLORTERM: 'truecolor' };
  expect(abilitiesOf(env, 256, () => '')).toEqual({ rgb: false, underlines: true });
  expect(abilitiesOf({ TERM: 'xterm' }, 'truecolor', () => '')).toEqual({ rgb: true, underlines: false });
});
