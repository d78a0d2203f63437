/** One run in each kind of terminal: the map is there, in the colours and signs that it has, and it is given back. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';

/** A node that answers each line with a word, and with an attempt on the clipboard. */
const CLAIMS = String.raw`while read x; do printf '\033]52;c;aGFja2Vk\007\033Ptmux;\033\033]52;c;aGFja2Vk\007\033\\word-of-%s\n' "$x"; done`;

const folder = mkdtempSync(join(tmpdir(), 'rackui-terminals-'));
let rack: Stand;
beforeAll(async () => {
  writeFileSync(join(folder, 'node.sh'), CLAIMS);
  const exec = ['05', '06'].flatMap((addr) => ['--exec', `${addr}=/bin/sh ${join(folder, 'node.sh')}`]);
  rack = await innerStand({ sim: exec });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** `TERM` is the pseudo-terminal's to set: a shell sets it anew. It stays: what is written right before an end can be lost. */
function openAs(term: string, env: Record<string, string | undefined>, more: string[] = []): TestTerminal {
  const command = [process.execPath, PROGRAM, '--socket', rack.socket, ...more];
  return openTerminal('/bin/sh', ['-c', `TERM=${term} "$@"; echo "left with $?"; read line`, 'sh', ...command], {
    cols: 100,
    rows: 30,
    env,
  });
}

/** The most colours that any sequence of the program names: 0, 16 or 256. */
function depthShown(output: string): number {
  let depth = 0;
  for (const [, params = ''] of output.matchAll(/\x1b\[([\d;]*)m/g)) {
    const indexed = Array.from(params.matchAll(/[34]8;5;(\d+)/g), ([, index]) => Number(index));
    if (indexed.some((index) => index > 15)) return 256;
    const rest = params
      .replace(/[34]8;5;\d+/g, '')
      .split(';')
      .map(Number);
    if (indexed.length > 0 || rest.some((code) => (code >= 30 && code < 38) || (code >= 40 && code < 48) || code >= 90))
      depth = 16;
  }
  return depth;
}

const TERMS: [term: string, depth: number][] = [
  ['xterm-256color', 256],
  ['tmux-256color', 256],
  ['xterm-kitty', 256],
  ['kitty', 256],
  ['alacritty', 256],
  ['xterm', 16],
  ['screen', 16],
  ['linux', 16],
  // Nobody has a description of it, and none is looked for.
  ['a-terminal-from-2040', 16],
  ['vt100', 0],
];

// Its signs depend on the locale alone: one TERM of each depth without UTF-8.
const WITHOUT_UTF8 = ['xterm-256color', 'linux', 'vt100'];
const LOCALES = TERMS.flatMap(([term, depth]) =>
  ['C.UTF-8', ...(WITHOUT_UTF8.includes(term) ? ['C'] : [])].map((locale) => ({ term, depth, locale })),
);

test.each(LOCALES)('TERM=$term, LANG=$locale', async ({ term, depth, locale }) => {
  await using screen = openAs(term, { LANG: locale });
  await screen.waitFor(/\b24 on\b/);
  for (let addr = 0; addr < 24; addr++) await screen.waitFor(`node-${addr.toString(16).padStart(2, '0')}`);
  await screen.waitFor(locale === 'C' ? /\*N ?03 node-03/ : /●N ?03 node-03/);
  screen.type('?');
  await screen.waitFor(/open the selected node’s console|open the selected node.s console/);
  if (locale === 'C') expect(screen.output).not.toMatch(/[^\x00-\x7f]/);
  expect(depthShown(screen.output)).toBe(depth);
  screen.type('qq');
  await screen.waitFor('left with 0');
  expect(screen.alternate).toBe(false);
  expect(screen.cursorHidden).toBe(false);
  expect(screen.modes).toMatchObject({ bracketedPasteMode: false, synchronizedOutputMode: false });
});

test.each<[what: string, env: Record<string, string>, more: string[], depth: number]>([
  ['NO_COLOR', { NO_COLOR: '1' }, [], 0],
  ['--colours 256 says more than NO_COLOR', { NO_COLOR: '1' }, ['--colours', '256'], 256],
  ['--colours 16', {}, ['--colours', '16'], 16],
  ['--colours 0', {}, ['--colours', '0'], 0],
  ['--theme mono', {}, ['--theme', 'mono'], 0],
  ['--theme light', {}, ['--theme', 'light'], 256],
  ['RACKUI_THEME', { RACKUI_THEME: 'mono' }, [], 0],
  ['COLORTERM', { COLORTERM: 'truecolor' }, [], 256],
])('%s holds', async (_what, env, more, depth) => {
  await using screen = openAs(env.COLORTERM === undefined ? 'xterm-256color' : 'xterm', env, more);
  await screen.waitFor(/●N ?03 node-03/);
  expect(depthShown(screen.output)).toBe(depth);
});

test('--ascii draws with ASCII only, whatever the locale', async () => {
  await using screen = openAs('xterm-256color', { LANG: 'C.UTF-8' }, ['--ascii']);
  await screen.waitFor(/\*N ?03 node-03/);
  expect(screen.output).not.toMatch(/[^\x00-\x7f]/);
});

test.each([
  ['dumb', /TERM is dumb: the interface needs a terminal that can move its cursor; 'rackui plain'/],
  ["''", /TERM is not set: the interface needs a terminal/],
])('TERM=%s is refused with a sentence and exit code 64', async (term, sentence) => {
  await using screen = openAs(term, {});
  await screen.waitFor(sentence);
  await screen.waitFor('left with 64');
  expect(screen.output).not.toContain('\x1b');
});

const TMUX = '/usr/bin/tmux';
/** Keys that come within a millisecond are no paste. */
const TMUX_KEYS = ['set', '-g', 'assume-paste-time', '0', ';'];
const SCREEN = '/usr/bin/screen';

test.skipIf(!existsSync(TMUX)).each(['tmux-256color', 'screen'])('inside tmux with TERM=%s', async (term) => {
  const socket = `rackui-test-${process.pid}-${term}`;
  const tmux = [TMUX, '-L', socket, '-f', '/dev/null'];
  const setup = [...TMUX_KEYS, 'set', '-g', 'default-terminal', term, ';', 'set', '-g', 'status', 'off', ';'];
  const inside = `echo before; ${process.execPath} ${PROGRAM} --socket ${rack.socket}; echo left with $? in $TERM; read line`;
  try {
    await using screen = openTerminal('/usr/bin/env', ['-u', 'TMUX', ...tmux, ...setup, 'new-session', inside], {
      cols: 100,
      rows: 30,
    });
    await screen.waitFor(/●N ?03 node-03/);
    await screen.waitFor(/\b24 on\b/);
    screen.type('03\r');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/login:/);
    screen.type('\x1dd');
    await screen.waitFor(/\b24 on\b/);
    screen.type('q');
    await screen.waitFor(`left with 0 in ${term}`);
    await screen.waitFor(/^before/);
  } finally {
    execFileSync(TMUX, ['-L', socket, 'kill-server']);
  }
});

// A node for each: what the first one left on its screen would answer for the second one's keys.
test.skipIf(!existsSync(TMUX)).each([
  ['on', '05', ['word-of-two']],
  // tmux's own default takes no clipboard from what runs in it: then it is said what would.
  ['external', '06', []],
] as const)(
  'what the operator copies inside tmux, set-clipboard %s, and nothing that a node prints',
  async (setting, node, copied) => {
    const socket = `rackui-test-${process.pid}-copy-${setting}`;
    const tmux = [TMUX, '-L', socket, '-f', '/dev/null'];
    const setup = [...TMUX_KEYS, 'set', '-s', 'set-clipboard', setting, ';', 'set', '-g', 'status', 'off', ';'];
    const passed = ['set', '-g', 'allow-passthrough', 'on', ';'];
    const inside = `${process.execPath} ${PROGRAM} --socket ${rack.socket}; echo left with $?; read line`;
    try {
      await using screen = openTerminal(
        '/usr/bin/env',
        ['-u', 'TMUX', ...tmux, ...setup, ...passed, 'new-session', inside],
        {
          cols: 100,
          rows: 30,
        },
      );
      await screen.waitFor(/\b24 on\b/);
      screen.type(`${node}\r`);
      await screen.waitFor(/Enter wakes it/);
      screen.type('\r');
      await screen.waitFor(/word-of-/);
      screen.type('two\r');
      await screen.waitFor(/word-of-two/);
      screen.type('\x1d/');
      await screen.waitFor('search back:');
      screen.type('word-of-two\r');
      await screen.waitFor(/copy mode/);
      await screen.waitFor((s) => s.lines()[s.cursor.y]?.startsWith('word-of-two') === true, 'the cursor on it');
      screen.type('v$y');
      await screen.waitFor(/11 characters to your terminal/);
      await screen.waitFor(/, if tmux has set-clipboard on/);
      screen.type('\x1dd');
      await screen.waitFor(/\b24 on\b/);
      screen.type('q');
      await screen.waitFor('left with 0');
      const heard = Array.from(screen.output.matchAll(/\x1b\]52;\w*;([^\x07\x1b]*)/g), ([, data = '']) => data);
      expect(heard.map((data) => Buffer.from(data, 'base64').toString())).toEqual(copied);
    } finally {
      execFileSync(TMUX, ['-L', socket, 'kill-server']);
    }
  },
);

test.skipIf(!existsSync(SCREEN))('inside GNU screen', async () => {
  const inside = `echo before; ${process.execPath} ${PROGRAM} --socket ${rack.socket}; echo left with $? in $TERM; read line`;
  const session = `rackui-test-${process.pid}`;
  try {
    const args = ['-U', '-c', '/dev/null', '-S', session, '/bin/sh', '-c', inside];
    await using screen = openTerminal(SCREEN, args, { cols: 100, rows: 30 });
    await screen.waitFor(/●N ?03 node-03/);
    await screen.waitFor(/\b24 on\b/);
    screen.type('?');
    await screen.waitFor(/open the selected node’s console/);
    screen.type('qq');
    await screen.waitFor(/left with 0 in screen/);
  } finally {
    // Without its terminal it would only detach, and stay.
    execFileSync(SCREEN, ['-S', session, '-X', 'quit']);
  }
});
