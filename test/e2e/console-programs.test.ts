/**
 * Real programs on a node, through simulator, line, server and interface, beside the same programs in a plain emulator:
 * every cell the same. In each a paste and another size than a getty's (`Ctrl-] r`), and arrow and function keys in each
 * that waits for the rest of a key.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';
import { CHROME, differencesTo, emulatorOf, Twin } from '../support/twin.ts';

const COLS = 100;
const ROWS = 30;

/** `.ci/run` installs them all; on a desk without one its test says so by being skipped under its name. */
const missing = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
};

const folder = mkdtempSync(join(tmpdir(), 'rackui-twin-'));
const SHELL = ['/bin/bash', '--noprofile', '--norc', '-i'];
/** Two homes that look alike: what one program saves the other must not find. */
const homes = ['node', 'plain'].map((name) => join(folder, name, 'home'));
const env = (home: string): Record<string, string> => ({
  ...{ HOME: home, PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C.UTF-8', PS1: '$ ', HISTFILE: '/dev/null' },
  ...{ TERM: 'xterm-256color', SHELL: '/bin/bash', MC_HOME: home, TMUX_TMPDIR: home, LESSHISTFILE: '-' },
});

let rack: Stand;
let pane: TestTerminal;
let twin: Twin;

beforeAll(async () => {
  for (const home of homes) {
    mkdirSync(join(home, 'docs'), { recursive: true });
    writeFileSync(join(home, 'text'), Array.from({ length: 200 }, (_, n) => `line ${n + 1} of the text`).join('\n'));
    writeFileSync(join(home, 'wide'), 'größe 語言 e\u0301a \u{1f600}\u{1f680} x\nboxes ┌─┐ └─┘\n');
    // Keys that come within a millisecond are a paste to it, which a shell shows in another colour.
    writeFileSync(
      join(home, 'tmux.conf'),
      'set -g status-right ""\nset -g status-left ""\nset -g assume-paste-time 0\n',
    );
    writeFileSync(join(home, 'vimrc'), 'set nocompatible nomodeline noswapfile viminfo= ruler number\nsyntax on\n');
    // Through a pair of links both shells work in a directory of the same name.
  }
  const [node = '', plain = ''] = homes;
  const words = (home: string): string[] => Object.entries(env(home)).map(([name, value]) => `${name}=${value}`);
  const script = join(folder, 'shell.sh');
  writeFileSync(
    script,
    `echo $$ > ${join(folder, 'pid')}\ncd ${node}\nstty sane\nexec env -i ${words(node)
      .map((word) => `'${word}'`)
      .join(' ')} ${SHELL.join(' ')}\n`,
  );
  rack = await innerStand({ sim: ['--no-loss', '--exec', `02=/bin/sh ${script}`] });
  pane = rack.open({ cols: COLS, rows: ROWS });
  await pane.waitFor(/\b24 on\b/);
  pane.type('02\r');
  await pane.waitFor(/Enter wakes it/);
  pane.type('\r');
  await pane.waitFor(/^\$ /m);
  twin = new Twin(pane, ['/bin/sh', '-c', `cd ${plain}; exec ${SHELL.join(' ')}`], env(plain));
  // The node's tty has a getty's size until it is told the pane's.
  pane.type('\x1dr');
  await pane.waitFor(/stty rows/);
  twin.type('clear; stty size\r');
  await twin.same(new RegExp(`^${ROWS - CHROME.above - CHROME.below} ${COLS}\\n`));
});

/** One program that fails does not fail the next ones: what it left running is killed, and its modes are reset. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const home of homes) spawnSync('tmux', ['kill-server'], { env: env(home) });
  for (const shell of [Number(readFileSync(join(folder, 'pid'), 'utf8')), twin.pid])
    spawnSync('pkill', ['-KILL', '-P', String(shell)]);
  twin.type("\x15stty sane; printf '\\ec'; clear\r");
  await twin.same(/^\$ *\n*$/);
});

afterAll(async () => {
  await twin[Symbol.asyncDispose]();
  await pane.close();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** An empty screen of another size than the program before had: each one is told, at the shell. */
async function fresh(cols = COLS, rows = ROWS): Promise<void> {
  twin.type('\x15');
  if (pane.cols !== cols || pane.rows !== rows) await twin.resize(cols, rows);
  twin.type('clear\r');
  await twin.same(/^\$ *\n*$/);
}

const UP = ['\x1b[A', '\x1bOA'] as const;
const DOWN = ['\x1b[B', '\x1bOB'] as const;

describe('the same cells as in a plain emulator', () => {
  test('shell: line editing, wide and combined characters, colours of all kinds', async () => {
    await fresh();
    twin.type(
      'cat wide; printf "\\033[38;2;200;30;90mtrue\\033[m \\033[38;5;208m256\\033[m \\033[2mdim\\033[m \\033[3mit\\033[m \\033[9mst\\033[m \\033[5mbl\\033[m \\033[7min\\033[m\\033(0lqk\\033(B\\n"\r',
    );
    await twin.same(/true 256 dim it st bl in┌─┐/);
    twin.type('echo abc');
    twin.type('\x1b[D');
    twin.type('\x1b[D');
    twin.type('X\r');
    await twin.same(/^aXbc/m);
    twin.type(UP[0]);
    await twin.same(/\$ echo aXbc\s*$/);
  });

  test.skipIf(missing('vim'))('vim', async () => {
    await fresh(90, 26);
    twin.type('vim -u vimrc text\r');
    await twin.same(/1 line 1 of the text[\s\S]*Top/);
    twin.type(...DOWN);
    twin.type(...DOWN);
    await twin.same(/3,1/);
    twin.type('o');
    twin.paste('pasted one\npasted two');
    await twin.same(/pasted two/);
    twin.type('\x1b');
    twin.type('\x1b[6~');
    await twin.same(/27 line/);
    // A click moves the cursor, once it is asked for.
    twin.type(':set ttymouse=sgr mouse=a|set mouse?\r');
    await twin.same(/^ *mouse=a/m);
    twin.click(9, 4);
    await twin.same(/ 25,6 /);
    // Another size in the middle of it: suspended, told at the shell, continued.
    twin.type('\x1a');
    await twin.same(/Stopped[\s\S]*\$ *\n*$/);
    await twin.resize(COLS, ROWS);
    await twin.same(/stty rows.*\n\$ *$/m);
    twin.type('fg\r');
    await twin.same(/ 25,6 /);
    // F1 is help.
    twin.type('\x1bOP');
    await twin.same(/VIM - main help file|Sorry, the command|help\.txt/);
    twin.type(':qa!\r');
    await twin.same(/\$ $/m);
  });

  test('less', async () => {
    await fresh(96, 27);
    twin.type('less text\r');
    await twin.same(/line 23 of the text/);
    twin.type(...DOWN);
    await twin.same(/^line 2 of/);
    twin.type('\x1b[6~');
    twin.type('/');
    twin.paste('line 150');
    await twin.same(/\/line 150$/m);
    twin.type('\r');
    await twin.same(/^line 150 of/);
    twin.type('q');
    await twin.same(/\$ $/m);
  });

  test.skipIf(missing('nano'))('nano', async ({ onTestFinished }) => {
    await fresh(110, 32);
    twin.type('nano -IU text\r');
    await twin.same(/line 1 of the text[\s\S]*Exit/);
    // nano reads what is there and does not wait for the rest of a key: at the pace of the line an arrow key may be text.
    const row = pane.cursor.y;
    twin.type('\x0e');
    await pane.waitFor((screen) => screen.cursor.y === row + 1, 'the cursor in the second line');
    // The pace of the line tears the marks of a paste for nano.
    pane.type('\x1db');
    await pane.waitFor('bracketed paste is off');
    onTestFinished(async () => {
      pane.type('\x1db');
      await pane.waitFor('bracketed paste is on');
    });
    twin.paste('from a paste ');
    await twin.same(/from a paste line 2/);
    twin.type('\x17');
    await twin.same(/^Search: /m);
    twin.type('line 150\r');
    await twin.same(/line 150 of/);
    twin.type('\x18n');
    await twin.same(/\$ $/m);
  });

  test.skipIf(missing('dialog'))('dialog, with the lines of a VT220', async () => {
    await fresh(80, 24);
    twin.type('TERM=vt220 LANG=C dialog --no-shadow --menu choose 12 40 4 a first b second c third\r');
    await twin.same(/choose[\s\S]*second/);
    // A VT220 has no application mode for these.
    twin.type(DOWN[0]);
    await twin.same(/second/);
    twin.type('\r');
    await twin.same(/<  bK[\s\S]*\n\$ *$/);
    twin.type('clear; TERM=vt220 LANG=C dialog --no-shadow --inputbox name 8 40\r');
    await twin.same(/name/);
    twin.paste('pasted words');
    await twin.same(/pasted words/);
    twin.type('\r');
    await twin.same(/wordspasted words[\s\S]*\n\$ *$/);
  });

  test.skipIf(missing('mc'))('mc', async () => {
    await fresh(100, 28);
    // mc shows the time of the directory above.
    for (const home of homes) utimesSync(home, 0, 0);
    twin.type('mc -u --nosubshell docs docs\r');
    await twin.same(/1Help[\s\S]*10Quit/);
    twin.paste('pasted');
    await twin.same(/[#$] pasted/);
    twin.type('\x7f'.repeat(6));
    await twin.same(/^[#$] *$/m);
    // A click into the other panel selects it, F9 is the menu, F10 leaves.
    twin.click(70, 2);
    await twin.same(/docs/);
    twin.type('\x1b[20~');
    await twin.same(/Left[\s\S]*Options/);
    twin.type(...DOWN);
    await twin.same(/File listing/);
    twin.type('\x1b\x1b');
    await twin.same(/^(?![\s\S]*File listing)/);
    twin.type('\x1b[21~');
    await twin.same(/\$ $/m);
  });

  // Nothing on its screen would be the same in two runs: `script` records what it printed here, for the plain emulator.
  test.skipIf(missing('htop'))('htop, against its own recording', async () => {
    await fresh();
    const file = join(homes[0] ?? '', 'recording');
    const same = async (wanted: RegExp): Promise<void> => {
      await pane.waitFor(wanted);
      const plain = emulatorOf(COLS, ROWS - CHROME.above - CHROME.below);
      let fed = 0;
      for (const deadline = performance.now() + 20_000; ;) {
        // Its first line is the recorder's own.
        const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
        const news = bytes.subarray(Math.max(fed, bytes.indexOf('\n') + 1));
        fed = bytes.length;
        await new Promise<void>((resolve) => plain.write(news, resolve));
        const found = differencesTo(plain, pane);
        if (found.length === 0) break;
        if (performance.now() > deadline) throw new Error(`${found.slice(0, 12).join('\n')}\n${pane.text()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      plain.dispose();
    };
    pane.type(`script -qfc 'htop -d 100' ${file}\r`);
    await same(/F10Quit/);
    pane.type(DOWN[0]);
    await same(/F10Quit/);
    // F3 searches; F5 is the tree, F2 its setup.
    pane.type('\x1bOR');
    await same(/Search:/);
    pane.paste('htop');
    await same(/Search: htop/);
    pane.type('\r');
    await same(/F10Quit/);
    pane.type('\x1b[15~');
    await same(/F5(?:List|Sorted)|├─|└─/);
    // Its bytes may come so far apart that htop takes them for three keys, which do nothing. Not its name in the footer: a
    // key that came before it would end htop.
    const opened = (): boolean => /F10Done/.test(pane.text());
    await expect.poll(() => opened() || (pane.type('\x1bOQ'), false), { timeout: 20_000, interval: 2_000 }).toBe(true);
    await same(/F10Done/);
    pane.type('\x1b[21~');
    await same(/F10Quit/);
    pane.type('q');
    // The shell's own prompt: what is typed before it would be the recorder's.
    await pane.waitFor((screen) => /^\$ *$/.test(screen.lines()[screen.cursor.y] ?? ''), 'the prompt');
  });

  test.skipIf(missing('tmux'))('tmux, and a pager in it', async () => {
    await fresh(104, 34);
    twin.type('tmux -f tmux.conf\r');
    await twin.same(/0:bash/);
    twin.type('\x02"');
    await twin.same(/─{90}\n\S*[#$]/);
    // In brackets, and bash shows the paste in inverse.
    twin.paste('less text');
    await twin.same(/[#$] less text/);
    twin.type('\r');
    await twin.same(/line 5 of the text/);
    twin.type(DOWN[0], DOWN[1]);
    twin.type('q');
    twin.type('tmux kill-server\r');
    await twin.same(/exited\]/);
  });
});

test('every key that was typed went to the node, none to a BIOS', async () => {
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 } });
  for (const node of Object.values(nodes)) expect(node).toMatchObject({ off: 0, biosForConsole: { printable: 0 } });
});
