/**
 * What a node may print to do harm: random bytes by the megabyte and the sequences that terminals are known to obey. The
 * operator's terminal gets emulated cells and nothing else; the node gets no keys that it made up.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stand, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-hostile-'));
const typed = join(folder, 'typed');

const HOSTILE = [
  ...['\x1b]52;c;aGFja2Vk\x07', '\x1b]52;c;?\x07', '\x1b]8;;http://owned/\x1b\\link\x1b]8;;\x1b\\', '\x1b]0;owned\x07'],
  ...[
    '\x1b]2;owned\x1b\\',
    '\x1b]4;1;?\x07',
    '\x1b]11;?\x07',
    '\x1b]1337;File=inline=1:AAAA\x07',
    '\x1b]777;notify;a;b\x07',
  ],
  ...['\x1bP+q544e\x1b\\', '\x1bP$qm\x1b\\', '\x1bP$q"p\x1b\\', '\x1bPq#0;2;0;0;0#0~~\x1b\\', '\x1b_Ga=q;AAAA\x1b\\'],
  ...[
    '\x1b^owned\x1b\\',
    '\x1bXowned\x1b\\',
    '\x1b[c',
    '\x1b[>c',
    '\x1b[=c',
    '\x1b[5n',
    '\x1b[6n',
    '\x1b[?6n',
    '\x1b[21t',
  ],
  ...[
    '\x1b[18t',
    '\x1b[?1049h',
    '\x1b[?1000h\x1b[?1003h\x1b[?1006h',
    '\x1b[?1004h',
    '\x1b[?2004l',
    '\x1b[?1h\x1b=',
    '\x1b[4h',
  ],
  ...[
    '\x1b[?7l',
    '\x1b[?6h',
    '\x1b[2;5r',
    '\x1b[5i',
    '\x1b[4i',
    '\x1b#8',
    '\x1bc',
    '\x1b[!p',
    '\x1b(0',
    '\x0e',
    '\x05',
  ],
  ...[
    '\x9b6n',
    '\x9d0;owned\x9c',
    '\xc0\x9b6n',
    '\xe0\x80\x9b6n',
    '\xc2\x9b6n',
    '\u202eright to left',
    '\x1b[?2026h',
    '\x1bZ',
  ],
].join('');

let rack: Stand;
let screen: TestTerminal;
const titles: string[] = [];
const answers: string[] = [];

beforeAll(async () => {
  writeFileSync(join(folder, 'hostile'), Buffer.from(HOSTILE, 'latin1'));
  writeFileSync(join(folder, 'random'), randomBytes(1024 * 1024));
  // What is typed into the node is kept, unread: the first line asks for the bytes, the others are evidence. It says its
  // end until it is ended: what it prints while its BMC is asked is lost.
  const script = join(folder, 'node.sh');
  writeFileSync(
    script,
    `read x\nstty raw -echo\nexec 3<&0\ncat <&3 > ${typed} &\nprintf 'a program begins\\r\\n'\nsleep 1\ncat ${folder}/hostile\nprintf '\\033c\\r\\nhostile is over\\r\\n'\nsleep 2\ni=0; while [ $i -lt 64 ]; do dd if=${folder}/random bs=16384 skip=$i count=1 2>/dev/null; sleep 0.05; i=$((i+1)); done\nwhile printf '\\030\\033\\\\\\033c\\033[m\\r\\nrandom is over\\r\\n'; do sleep 1; done\n`,
  );
  rack = await stand({ sim: ['--no-loss', '--line-rate', 'unlimited', '--exec', `02=/bin/sh ${script}`] });
  screen = rack.open();
  screen.screen.onTitleChange((title) => titles.push(title));
  screen.screen.onData((answer) => answers.push(answer));
  await screen.waitFor(/\b24 on\b/);
  screen.type('02\r');
  await screen.waitFor(/Enter wakes it/);
});

afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that the interface itself says to a terminal; no text of a node begins with ESC. It asks behind a frame. */
const OURS =
  /(?<=\x1b\[\?2026l)\x1b\[5n|\x1b(?:\[(?:[\d;]*[mHGABCDJKLMPXr@]|\?(?:7|1049|1004|2004|25|2026)[hl]|[0-6] q|\?1[hl]|4l|\d*d)|[78=>]|\(B|M|\]52;c;[A-Za-z0-9+/=]*\x1b\\)/g;

test('known sequences and a megabyte of random bytes: cells on the terminal, nothing else; no keys to the node', async () => {
  const modes = JSON.stringify(screen.modes);
  screen.type('\r');
  await screen.waitFor(/hostile is over/);
  await screen.waitFor(/random is over/, 'the end of the random bytes', 60_000);
  // The interface is well, and so is the prefix.
  screen.type('\x1d?');
  await screen.waitFor(/keys/);
  screen.type('q');
  const rest = screen.output.replace(OURS, '');
  expect([...new Set(rest.match(/\x1b.{0,12}/gs) ?? [])]).toEqual([]);
  expect(rest).not.toMatch(/[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  expect(JSON.stringify(screen.modes)).toBe(modes);
  // The terminal answered what the interface asked behind its frames (whether they came), and nothing else.
  const asked = (): number => screen.output.split('\x1b[?2026l\x1b[5n').length - 1;
  await screen.waitFor(() => answers.length === asked(), 'an answer to each question');
  expect(titles).toEqual([]);
  expect(new Set(answers)).toEqual(new Set(asked() > 0 ? ['\x1b[0n'] : []));
  expect(screen.output).not.toContain('\x1b]52');
  // The emulator answers questions, as a terminal does: with reports, and nothing that a shell would execute.
  const heard = readFileSync(typed, 'latin1');
  expect(heard).toMatch(/\x1b\[\?[\d;]+c/);
  const reports = heard.replace(/\x1b\[[?>]?[\d;]*(?:[cnRy]|\$y)|\x1bP[01]\$r[\d;"a-z ]*\x1b\\/g, '');
  // Where its BMC is asked within a report, the rest of that is dropped, and all that waits behind it: once at most.
  expect(reports.replace(/\x1b(?:\[[?>]?[\d;]*\$?)?/, '')).toBe('');
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 } });
  for (const node of Object.values(nodes)) expect(node).toMatchObject({ off: 0, biosForConsole: { printable: 0 } });
}, 90_000);
