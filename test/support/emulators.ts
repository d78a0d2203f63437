/**
 * Debian's terminal emulators around a program: tmux, screen, and libvterm, which is Vim's `:terminal`. Each runs in a
 * pseudo-terminal, takes its keys from there, and tells what it holds column by column, by its own widths.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openTerminal, type TestTerminal } from './terminal.ts';

const run = promisify(execFile);

export interface Emulator extends AsyncDisposable {
  /** The pseudo-terminal that it draws on: for keys, and to wait for text. */
  readonly outer: TestTerminal;
  /** Columns of a sign of one column, for each row. */
  columnsOf(sign: string): Promise<number[][]>;
}

export interface Size {
  cols: number;
  rows: number;
}

type Open = (command: readonly string[], size: Size, env?: Record<string, string>) => Emulator;

export function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const tmux: Open = (command, { cols, rows }, env = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-tmux-'));
  const socket = join(folder, 'socket');
  const config = join(folder, 'conf');
  // Keys that come within a millisecond are no paste.
  const keys = 'set -sg escape-time 0\nset -g assume-paste-time 0\n';
  writeFileSync(config, `set -g status off\nset -g default-terminal tmux-256color\n${keys}`);
  const outer = openTerminal('tmux', ['-u', '-S', socket, '-f', config, 'new-session', ...command], {
    cols,
    rows,
    env: { TERM: 'xterm-256color', ...env },
  });
  const ask = async (...words: string[]): Promise<string> => (await run('tmux', ['-S', socket, ...words])).stdout;
  return {
    outer,
    async columnsOf(sign) {
      const lines = (await ask('capture-pane', '-p')).split('\n');
      // The cursor of copy mode jumps from one to the next.
      const words = ['copy-mode', ';', 'send', '-X', 'history-top', ';'];
      for (let y = 0; y < rows; y++) {
        words.push('send', '-X', 'start-of-line', ';');
        const count = (lines[y] ?? '').split(sign).length - 1;
        for (let i = 0; i < count; i++) {
          if (i > 0 || !lines[y]?.startsWith(sign)) words.push('send', '-X', 'jump-forward', sign, ';');
          words.push('display', '-p', '#{copy_cursor_y} #{copy_cursor_x}', ';');
        }
        words.push('send', '-X', 'cursor-down', ';');
      }
      const found: number[][] = Array.from({ length: rows }, () => []);
      for (const line of (await ask(...words, 'send', '-X', 'cancel')).trim().split('\n')) {
        const [y = 0, x = 0] = line.split(' ').map(Number);
        found[y]?.push(x);
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await ask('kill-server').catch(() => undefined);
      await outer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const screen: Open = (command, { cols, rows }, env = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-screen-'));
  const sockets = join(folder, 'sockets');
  const config = join(folder, 'screenrc');
  const copy = join(folder, 'hardcopy');
  mkdirSync(sockets, { mode: 0o700 });
  writeFileSync(config, 'startup_message off\ndefutf8 on\nescape ^@^@\naltscreen on\nterm screen-256color\n');
  const set = { SCREENDIR: sockets, ...env };
  // The copy shows a character with marks as the low byte of its number, and 10 of them would end a line too early.
  const marks = Array.from({ length: 12 }, (_, i) => String.fromCodePoint(0x61 + i, 0x301)).join('');
  const start = ['sh', '-c', `printf %s '${marks}'; exec "$@"`, 'sh', ...command];
  const outer = openTerminal('screen', ['-U', '-S', 'test', '-c', config, ...start], { cols, rows, env: set });
  const ask = async (...words: string[]): Promise<void> => {
    await run('screen', ['-S', 'test', '-X', ...words], { env: { ...process.env, ...set } });
  };
  return {
    outer,
    async columnsOf(sign) {
      rmSync(copy, { force: true });
      await ask('hardcopy', copy);
      await waitFor(() => existsSync(copy) && readFileSync(copy).filter((byte) => byte === 0x0a).length >= rows);
      // A byte for each cell: the low one of its code point, ff for the right half of a wide character.
      const wanted = (sign.codePointAt(0) ?? 0) & 0xff;
      const lines = readFileSync(copy).toString('latin1').split('\n');
      return lines.slice(0, rows).map((line) => columns(line, String.fromCharCode(wanted)));
    },
    async [Symbol.asyncDispose]() {
      await ask('quit').catch(() => undefined);
      await outer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const vim: Open = (command, { cols, rows }, env = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-vim-'));
  const config = join(folder, 'vimrc');
  const scraped = join(folder, 'cells.json');
  const words = command.map((word) => `'${word.replaceAll("'", "''")}'`).join(', ');
  writeFileSync(
    config,
    `set nocompatible encoding=utf-8 laststatus=0 noshowcmd noruler noshowmode shortmess=aFI viminfo=
function! Cells()
  call writefile([json_encode(map(range(1, ${rows}), {_, y -> term_scrape(1, y)}))], '${scraped}.new')
  call rename('${scraped}.new', '${scraped}')
endfunction
call term_start([${words}], #{curwin: 1, term_finish: 'close'})
set termwinkey=<C-_>
`,
  );
  // Its last row is that of commands.
  const outer = openTerminal('vim', ['-Nu', config], { cols, rows: rows + 1, env });
  return {
    outer,
    async columnsOf(sign) {
      rmSync(scraped, { force: true });
      outer.type('\x1f:silent call Cells()\r');
      await waitFor(() => existsSync(scraped));
      const cells = JSON.parse(readFileSync(scraped, 'utf8')) as { chars: string; width: number }[][];
      return cells.map((row) => {
        const found: number[] = [];
        let x = 0;
        for (const { chars, width } of row) {
          if (chars === sign) found.push(x);
          x += width;
        }
        return found;
      });
    },
    async [Symbol.asyncDispose]() {
      outer.kill('SIGKILL');
      await outer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** xterm.js itself, with its table of Unicode 6. */
const xterm: Open = ([program = '', ...args], { cols, rows }, env = {}) => {
  const outer = openTerminal(program, args, { cols, rows, env });
  return {
    outer,
    columnsOf: (sign) => {
      const { active } = outer.screen.buffer;
      const rowOf = (y: number): number[] =>
        Array.from({ length: cols }, (_, x) => x).filter(
          (x) =>
            active
              .getLine(active.baseY + y)
              ?.getCell(x)
              ?.getChars() === sign,
        );
      return Promise.resolve(Array.from({ length: rows }, (_, y) => rowOf(y)));
    },
    [Symbol.asyncDispose]: () => outer.close(),
  };
};

export const EMULATORS: Readonly<Record<'xterm' | 'tmux' | 'screen' | 'vim', Open>> = { xterm, tmux, screen, vim };

function columns(line: string, sign: string): number[] {
  return Array.from(line, (_, x) => x).filter((x) => line[x] === sign);
}

async function waitFor(holds: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('the emulator did not tell what it holds within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
