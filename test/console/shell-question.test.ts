import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Recognizer, type Recognition } from '../../src/console/recognizer.ts';
import {
  failureMark,
  identityQuestion,
  orPrintFailed,
  readIdentity,
  withSudoPrompt,
  type ShellIdentity,
} from '../../src/console/shell-question.ts';

const SHELLS: [what: string, command: string, args: string[], env?: Record<string, string>][] = [
  ['bash', 'bash', ['--noprofile', '--norc', '-i']],
  ['bash in two lines', 'bash', ['--noprofile', '--norc', '-i'], { PS1: '┌──(ops㉿x)-[~]\\n└─$ ' }],
  ['sh with the time', 'sh', ['-i'], { PS1: '[12:00:00] > ' }],
  ['dash', 'dash', ['-i']],
  ['dash behind a lone >', 'dash', ['-i'], { PS1: '> ' }],
  ['zsh', 'zsh', ['-f', '-i']],
  ['zsh with a right prompt', 'zsh', ['-f', '-i'], { PS1: '%F{red}%1~%f » ', RPROMPT: '%T' }],
  ['fish', 'fish', ['--no-config', '-i']],
  ['BusyBox ash', 'busybox', ['ash', '-i']],
  ['ksh', 'ksh', ['-i']],
  ['tcsh', 'tcsh', ['-f']],
  ['csh', 'tcsh', ['-f', '-i'], { prompt: '% ' }],
];

let pty: IPty;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rackui-shell-'));
});

afterEach(() => {
  pty.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

/** A real shell in a pseudo-terminal of a serial line's size, read as a console is. */
class ShellConsole {
  readonly heard: Recognition[] = [];
  readonly #reader = new Recognizer();
  #text = '';

  constructor(command: string, args: string[], env: Record<string, string> = {}) {
    pty = spawn(command, args, {
      name: 'vt220',
      cols: 80,
      rows: 24,
      cwd: home,
      env: { PATH: `${home}:${process.env['PATH'] ?? ''}`, HOME: home, TERM: 'vt220', ...env },
    });
    pty.onData((text) => {
      // What a terminal answers a shell that asks for it: fish waits for that.
      if (text.includes('\x1b[c') || text.includes('\x1b[0c')) pty.write('\x1b[?62;c');
      if (text.includes('\x1b[6n')) pty.write('\x1b[1;1R');
      this.#text += text;
      this.heard.push(...this.#reader.feed(text, performance.now()));
    });
  }

  type(text: string): void {
    this.#reader.sent(text, performance.now());
    pty.write(text);
  }

  /** Waits until it has printed something and then nothing for a while. */
  async quiet(): Promise<void> {
    await expect
      .poll(
        async () => {
          const { length } = this.#text;
          await new Promise((resolve) => setTimeout(resolve, 300));
          return length > 0 && length === this.#text.length;
        },
        { timeout: 30_000 },
      )
      .toBe(true);
  }
}

test.each(SHELLS)('%s says whose it is', { timeout: 60_000 }, async (_what, command, args, env) => {
  const shell = new ShellConsole(command, args, env);
  await shell.quiet();
  shell.type(`${identityQuestion('k3x')}\r`);
  const answer = (): ShellIdentity | null => {
    let heard: ReturnType<typeof readIdentity> = { lines: null, identity: null };
    for (const { text } of shell.heard) heard = heard.identity ? heard : readIdentity('k3x', heard.lines, text);
    return heard.identity;
  };
  await expect.poll(answer, { timeout: 30_000 }).toMatchObject({ host: hostname(), root: process.getuid?.() === 0 });
  expect(answer()?.tty).toMatch(/^\/dev\/pts\/\d+$/);
});

test.each(SHELLS)(
  '%s says that a command failed, and says nothing of one that did not',
  { timeout: 60_000 },
  async (_what, command, args, env) => {
    writeFileSync(join(home, 'refuse'), '#!/bin/sh\necho nein\nexit 3\n', { mode: 0o755 });
    writeFileSync(join(home, 'obey'), '#!/bin/sh\necho "asks: $SUDO_PROMPT"\n', { mode: 0o755 });
    const shell = new ShellConsole(command, args, env);
    const said = (): string[] => shell.heard.map(({ text }) => text);
    await shell.quiet();
    shell.type(`${orPrintFailed('refuse', 'a1')}\r`);
    await expect.poll(said, { timeout: 30_000 }).toContain(failureMark('a1'));
    expect(said()).toContain('nein');
    await shell.quiet();
    shell.type(`${orPrintFailed(withSudoPrompt('obey', 'b2'), 'b2')}\r`);
    // The C shells know no variables ahead of a command: they say so, and that it failed.
    const csh = command === 'tcsh';
    await expect.poll(said, { timeout: 30_000 }).toContain(csh ? failureMark('b2') : 'asks: rackui-b2 %p:');
    await shell.quiet();
    expect(said().includes(failureMark('b2'))).toBe(csh);
  },
);

test('all shells of this list are here', () => {
  const places = (process.env['PATH'] ?? '').split(':');
  pty = spawn('true', [], {});
  expect(
    SHELLS.map(([, command]) => command).filter((command) => !places.some((dir) => existsSync(join(dir, command)))),
  ).toEqual([]);
});
