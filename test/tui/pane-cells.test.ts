/**
 * The console pane in the operator's terminal, cell for cell beside a plain emulator of the same size that got the same
 * bytes: after random ones, after those of real programs, with a notice, and while the node prints.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pty from '@lydell/node-pty';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { ServerNotes } from '../../src/api/methods.ts';
import { withNotice } from '../../src/tui/model/events.ts';
import { Terminal } from '../../src/tui/terminal/terminal.ts';
import { createPalette, THEMES } from '../../src/tui/terminal/theme.ts';
import { Scene } from '../screens/scene.ts';
import { randomBytes } from '../support/hostile.ts';
import { CHROME, differencesTo, emulatorOf } from '../support/twin.ts';

const ADDR = 0x03;
const folder = mkdtempSync(join(tmpdir(), 'rackui-pane-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The interface with a console that fills it, drawn into an emulator, and a plain emulator of the console's size. */
class Stage implements Disposable {
  readonly scene: Scene;
  readonly plain;
  readonly #shown;
  readonly #terminal: Terminal;
  readonly #fd: number;
  #read = 0;

  constructor(cols: number, rows: number) {
    const size = { cols, rows: rows - CHROME.above - CHROME.below };
    this.#fd = openSync(join(folder, `${cols}x${rows}`), 'w+');
    const palette = createPalette(THEMES.dark ?? { name: 'dark', inks: {}, grounds: {} }, 256);
    this.#terminal = new Terminal({ fd: this.#fd }, { cols, rows }, palette, (error) => {
      throw error;
    });
    this.#shown = emulatorOf(cols, rows);
    this.plain = emulatorOf(size.cols, size.rows);
    this.scene = new Scene({ cols, rows }).keys('03', '\r').attached('');
    if (this.scene.layout.map !== null) this.scene.keys('\x1d', 'z');
    this.noted({ kind: 'resized', text: '', ...size });
  }

  noted(note: Omit<ServerNotes['console.note'], 'addr'>): this {
    this.scene.dispatch({ type: 'console.note', note: { addr: ADDR, ...note } });
    return this;
  }

  /** The node prints. */
  async prints(bytes: Uint8Array | string): Promise<void> {
    const data = Buffer.from(bytes);
    this.scene.dispatch({ type: 'console.data', addr: ADDR, at: 0, data: data.toString('base64') });
    await new Promise<void>((resolve) => this.plain.write(data, resolve));
    await this.scene.parsed();
  }

  /** Draws a frame; returns where the pane shows something else than the plain emulator. */
  async differences(): Promise<string[]> {
    const frame = this.scene.seen();
    this.#terminal.show(frame);
    while (!this.#terminal.settled) await new Promise((resolve) => setImmediate(resolve));
    const piece = Buffer.alloc(1 << 20);
    const length = readSync(this.#fd, piece, 0, piece.length, this.#read);
    this.#read += length;
    await new Promise<void>((resolve) => this.#shown.write(piece.subarray(0, length), resolve));
    const { cursorX: x, cursorY: y } = this.#shown.buffer.active;
    return differencesTo(this.plain, { screen: this.#shown, cursor: { x, y }, cursorHidden: frame.cursor === null });
  }

  get text(): string {
    const buffer = this.plain.buffer.active;
    const rows = Array.from({ length: this.plain.rows }, (_, y) => buffer.getLine(buffer.baseY + y));
    return rows.map((row) => row?.translateToString(true) ?? '').join('\n');
  }

  /** The rows of the interface itself. */
  get title(): string {
    return this.scene.seen().lines()[1] ?? '';
  }

  [Symbol.dispose](): void {
    this.#terminal.leave();
    closeSync(this.#fd);
    this.#shown.dispose();
    this.plain.dispose();
  }
}

/**
 * Random bytes, without what xterm.js alone reads in its own way: a DCS, SOS, PM or APC (it ends them at a character
 * beyond ASCII) and RI as one character.
 */
function noise(size: number, seed: number): Buffer {
  const bytes = randomBytes(size, seed);
  let ascii = 0;
  for (const [i, byte] of bytes.entries()) {
    if (ascii === 0x1b && 'PX^_'.includes(String.fromCharCode(byte))) bytes[i] = 0x5b;
    if (bytes[i - 1] === 0xc2 && [0x8d, 0x90, 0x98, 0x9e, 0x9f].includes(byte)) bytes[i] = 0xa9;
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x1b) ascii = byte;
  }
  return bytes;
}

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;

let stage: Stage | null = null;
afterEach(() => {
  stage?.[Symbol.dispose]();
  stage = null;
});
const open = (cols: number, rows: number): Stage => (stage = new Stage(cols, rows));

/** A screen that is full to its last cell. */
const FULL = Array.from({ length: 60 }, (_, n) => `\x1b[${n + 1};1H\x1b[3${n % 8}m${`${n}`.repeat(200)}`).join('');

describe.each(SIZES)('at %ix%i', (cols, rows) => {
  test.each([
    ['a gap', 'gap', 'gap of 1.3 s: the power of k8s-worker-04 (A-3, 03) was read'],
    ['a flood', 'flood', 'the node prints without pause: keys go out at once all the same, other output waits'],
    [
      'no answer',
      'blocked',
      'not sent: console 03 has not answered yet; press Enter to wake it: until the node itself',
    ],
    ['a loss of the keyboard', 'taken', 'eve took the keyboard'],
  ] as const)('%s covers no cell of the node, and is whole', async (_, kind, text) => {
    const { scene } = open(cols, rows);
    await stage?.prints(FULL);
    stage?.noted({ kind, text });
    const from = scene.now;
    const parts = new Set<string>();
    for (let s = 0; scene.state.pane.notice !== null; s++) {
      expect(await stage?.differences()).toEqual([]);
      const [, clock, part = ''] = / (\d\d:\d\d:\d\d) (.*?)( …)? *─/.exec(stage?.title ?? '') ?? [];
      expect(clock).toBe(new Date(from).toISOString().slice(11, 19));
      parts.add(part);
      expect(s).toBeLessThan(60);
      scene.later(1000);
    }
    expect([...parts].join(' ')).toBe(text);
    expect(stage?.title).not.toContain([...parts][0]);
  });

  test('a message of the whole screen covers no cell of the node', async () => {
    const { scene } = open(cols, rows);
    await stage?.prints(FULL);
    scene.state = withNotice(scene.state, 'error', 'sample of 03: the bus did not answer; it is asked again');
    expect(await stage?.differences()).toEqual([]);
    expect(stage?.title).toContain('sample of 03: the bus did not');
    // A console that was left is faded.
    scene.dispatch({ type: 'link-lost', why: 'the server ended' }).later(20_000);
    const faded = (await stage?.differences())?.filter((one) => !/plain "(.)[^"]*", pane "\1[^"]* dim"/.test(one));
    expect(faded).toEqual([]);
    expect(stage?.title).toMatch(/the server ended; the values|Reconnecting/);
  });

  test('random bytes show the cells of a plain emulator', async () => {
    open(cols, rows);
    for (let seed = 1; seed <= 12; seed++) {
      await stage?.prints(noise(3000, seed + cols));
      expect(await stage?.differences(), `seed ${seed}`).toEqual([]);
      // Whatever the noise left open is closed.
      await stage?.prints('\x18\x1b\\\x1bc');
    }
  });
});

/** `.ci/run` installs them all; without one its test is skipped under its name. */
const missing = (program: string): boolean => spawnSync('which', [program]).status !== 0;

/** A program at work: what it prints goes to both, answers come from the plain emulator. */
async function play(
  stage: Stage,
  command: string,
  steps: readonly (readonly [shows: RegExp, keys: string])[],
): Promise<void> {
  const { cols, rows } = stage.plain;
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', TERM: 'xterm-256color' };
  const program = pty.spawn('/bin/sh', ['-c', command], { cols, rows, cwd: folder, name: env.TERM, env });
  const left = [...steps];
  const seen = async (data: string): Promise<void> => {
    await stage.prints(data);
    const [shows, keys] = left[0] ?? [/(?!)/, ''];
    if (!shows.test(stage.text)) return;
    expect(await stage.differences(), String(shows)).toEqual([]);
    left.shift();
    program.write(keys);
  };
  stage.plain.onData((reply) => program.write(reply));
  const stuck = setTimeout(() => program.kill('SIGKILL'), 60_000);
  await new Promise<void>((resolve, reject) => {
    let work = Promise.resolve();
    program.onData((data) => void (work = work.then(() => seen(data)).catch(reject)));
    program.onExit(() => void work.then(resolve));
  });
  clearTimeout(stuck);
  expect(left, stage.text).toEqual([]);
  expect(await stage.differences()).toEqual([]);
}

describe.each([SIZES[0], SIZES[2]])('programs at %ix%i show the cells of a plain emulator', (cols, rows) => {
  const PROGRAMS: [string, string, (readonly [RegExp, string])[]][] = [
    [
      'vim',
      'vim -u NONE -N -c "syntax on" -c "set ruler noswapfile viminfo=" text',
      [
        // The ruler is drawn last.
        [/line 1 of[^]*\b1,1 +Top/, '\x1b[6~'],
        // A page further, whether a page has 20 lines or 56.
        [/line [38]\d of[^]*\b\d\d,1 +\d+%/, 'ogröße 語言 e\u0301 \u{1f600} x\x1b'],
        [/größe/, ':vsplit\r'],
        [/text \[\+\][^]*text \[\+\]/, ':qa!\r'],
      ],
    ],
    [
      'mc',
      'mc -u --nosubshell .',
      [
        [/1Help[^]*10Quit/, '\x1b[20~'],
        [/Left[^]*Options/, '\x1b\x1b'],
        [/1Help[^]*10Quit/, '\x1b[21~'],
      ],
    ],
    [
      'tmux',
      'tmux -L pane -f /dev/null new "less text"',
      [
        [/line 5 of/, '\x02"'],
        [/─{40}/, 'ls --color=always -la; echo -e "\\e[4:3mcurly\\e[m"\r'],
        [/^curly/m, 'tmux kill-server\r'],
      ],
    ],
  ];
  test.each(PROGRAMS)('%s', async (name, command, steps) => {
    if (missing(name)) return;
    writeFileSync(join(folder, 'text'), Array.from({ length: 200 }, (_, n) => `line ${n + 1} of the text`).join('\n'));
    await play(open(cols, rows), command, steps);
  });
});
