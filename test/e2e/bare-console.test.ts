/** The bare console and its log with the real program: scripts, and a node that means harm. */
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rackui, type Ran } from '../cli/support.ts';
import { missing } from '../support/daemon.ts';
import { storm, STORM_END } from '../support/hostile.ts';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { CHROME, differencesTo } from '../support/twin.ts';

/** Of random bytes; `console-hostile.test.ts` sends the full-screen interface a megabyte. */
const STORM = 256 * 1024;
const LIMIT_MS = 60_000;
/** For what a start of the program tells. */
const OF_A_PROGRAM = { timeout: LIMIT_MS, interval: 500 };
const dir = mkdtempSync(join(tmpdir(), 'rackui-bare-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A program of a few words of shell as a node's console: `--exec 03=PROGRAM`. */
function program(name: string, script: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('scripts', () => {
  let rack: Stand;
  beforeAll(async () => {
    rack = await innerStand({ sim: ['--time-scale', '50'] });
  });
  afterAll(() => rack[Symbol.asyncDispose]());
  const run = (...args: string[]): Promise<Ran> => rackui(['--socket', rack.socket, ...args]);

  test('send and expect, in the order in which they stand: a login, a command, its answer', async () => {
    const steps = ['--expect', 'login: $', '--send', 'pi', '--expect', 'assword: $', '--send', 'raspberry'];
    const more = ['--expect', '\\$ $', '--send', 'host\\x6eame', '--expect', '^k8s-worker-04$', '--send', 'exit'];
    const { code, stdout } = await run('console', '03', ...steps, ...more, '--timeout', '30');
    expect(stdout).toMatch(/login: pi[^]*hostname\nk8s-worker-04\n/);
    expect(code).toBe(0);
  });

  test('what does not come in time is exit code 4, with what was waited for and seen', async () => {
    const { code, stderr } = await run('console', '04', '--expect', 'login: $', '--expect', 'never', '--timeout', '2');
    expect(stderr).toMatch(/node-04 \(B-0, 04\) did not print \/never\/ within 2 s; its last line: .*login:/);
    expect(code).toBe(4);
  });

  test.each([
    [['--send', 'x\\x07'], 64, 'Ctrl-G cannot be sent'],
    [['--send', 'x\\q'], 64, 'is not an escape'],
    [['--expect', '('], 64, 'is not a regular expression'],
    [['--timeout', 'soon'], 64, '--timeout soon: seconds'],
    [['--baud', '300'], 64, '--baud 300: a BMC listens at'],
  ])('%j is refused before anything is opened', async (args, code, words) => {
    const ran = await run('console', '03', ...args);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(words)]);
    expect(ran.stderr).not.toContain('    at ');
  });

  test('text comes out without control characters, unless raw output is asked for', async () => {
    const login = ['--expect', 'login: $', '--send', 'pi', '--expect', 'assword: $', '--send', 'raspberry'];
    const colour = [...login, '--expect', '\\$ $', '--send', 'exit', '--expect', 'login: $', '--timeout', '30'];
    const text = await run('console', '05', ...colour);
    const raw = await run('console', '05', '--raw-output', ...colour);
    expect([text.code, raw.code]).toEqual([0, 0]);
    expect(text.stdout).not.toMatch(/[\x00-\x08\x0b-\x1f]/);
    expect(raw.stdout).toContain('\r\n');
  });

  test('the log: lines with times and marks, a search, a time, raw bytes; and on as it grows', async () => {
    const ask = ['--expect', 'login: $', '--send', 'nobody', '--expect', 'assword: $', '--timeout', '30'];
    expect(await run('console', '06', ...ask)).toMatchObject({ code: 0 });
    const all = await run('log', '06');
    expect(all.stdout).toMatch(/^\S+Z \* console opened$/m);
    expect(all.stdout).toMatch(/^\S+Z \| .*login: nobody$/m);
    expect(all.stdout).toMatch(/^\S+Z \* console closed: .* detached$/m);
    const found = await run('log', '06', '--search', 'LOGIN: NOBODY');
    expect(found.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect((await run('log', '06', '--since', '2099-01-01')).stdout).toBe('');
    expect((await run('log', '06', '--since', '1h')).stdout).toBe(all.stdout);
    expect((await run('log', '06', '--raw')).stdout).toContain('login: nobody');
    expect((await run('log', '06', '--since', 'soon')).code).toBe(64);
    expect((await run('log', '06', '--until', '2020-01-01')).stdout).toBe('');
    const wrong = [
      ['--cast', '4'],
      ['--cast', '--html'],
      ['--html', '--follow'],
      ['--idle', '2'],
    ];
    const codes = await Promise.all(wrong.map(async (args) => (await run('log', '06', ...args)).code));
    expect(codes).toEqual([64, 64, 64, 64]);
    await using follower = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'log', '06', '--follow']);
    await follower.waitFor('console closed');
    const client = await rack.client('alice');
    await client.request('console.attach', { addr: 6, take: false, watch: false });
    await client.request('console.log', { text: 'a note that is followed' });
    await follower.waitFor('note by alice: a note that is followed');
    follower.type('\x03');
    expect((await follower.exited).code).toBe(0);
    const onTerminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'log', '06', '--raw']);
    expect((await onTerminal.exited).code).toBe(64);
    await onTerminal.close();
    await client.request('console.detach', {});
  });

  const noAsciinema = missing('/usr/bin/asciinema');
  test.skipIf(noAsciinema.length > 0)(
    'asciinema plays the cast of a boot: its last screen is the pane’s, cell for cell',
    async () => {
      await using pane = rack.open({ cols: 80, rows: 24 + CHROME.above + CHROME.below });
      await pane.waitFor(/\b24 on\b/, undefined, LIMIT_MS);
      pane.type('02\r');
      await pane.waitFor('Enter wakes it', undefined, LIMIT_MS);
      pane.type('\r');
      await pane.waitFor('login:', undefined, LIMIT_MS);
      const began = new Date().toISOString();
      // By the simulator alone: what the bus asks meanwhile leaves gaps, and this rack boots in half a second.
      for (const state of ['off', 'on']) await rack.rack.ctl('power', { node: '02', state });
      await pane.waitFor(/Multi-User System\.[^]*login: *$/m, undefined, LIMIT_MS);
      const file = join(dir, 'boot.cast');
      const lastLine = async (): Promise<string> => (await run('log', '02', '--since', began, '--cast', '2')).stdout;
      await expect.poll(lastLine, OF_A_PROGRAM).toContain('Multi-User System');
      writeFileSync(file, await lastLine());
      await using player = openTerminal('/usr/bin/asciinema', ['play', '-s', '1000', file]);
      await player.exited;
      await expect.poll(() => differencesTo(player.screen, pane), { timeout: LIMIT_MS }).toEqual([]);
      expect(player.text()).toContain('Multi-User System');
    },
    LIMIT_MS * 2,
  );

  test(
    'the boots in the log, with the time to the login, and what changed since the one before',
    async () => {
      await using pane = rack.open();
      await pane.waitFor(/\b24 on\b/, undefined, LIMIT_MS);
      expect((await run('log', '09', '--boots')).stderr).toContain('holds no boot yet');
      pane.type('09\r');
      await pane.waitFor('Enter wakes it', undefined, LIMIT_MS);
      pane.type('\r');
      await pane.waitFor('login:', undefined, LIMIT_MS);
      const boots = async (): Promise<string[]> => (await run('log', '09', '--boots')).stdout.trimEnd().split('\n');
      for (const count of [1, 2]) {
        for (const state of ['off', 'on']) await rack.rack.ctl('power', { node: '09', state });
        await expect
          .poll(
            async () => (await boots()).filter((line) => / s from (?:power on|first line) /.test(line)).length,
            OF_A_PROGRAM,
          )
          .toBe(count);
      }
      const json = (await run('log', '09', '--boots', '--json')).stdout.trimEnd().split('\n');
      for (const [i, line] of (await boots()).entries()) {
        const { at, loginMs } = JSON.parse(json[i] ?? '') as { at: string; loginMs: number };
        expect(line).toContain(`${at}  ${`${(loginMs / 1000).toFixed(1)} s`.padStart(8)} from`);
      }
      expect((await run('log', '09', '--json')).code).toBe(64);
      const changes = await run('log', '09', '--changes');
      expect(changes.code).toBe(0);
      expect(changes.stdout).toMatch(/^- boot of \S+Z, login after \d+\.\d s\n\+ boot of \S+Z, login after/);
      expect((await run('log', '09', '--changes', '--follow')).code).toBe(64);
    },
    LIMIT_MS * 2,
  );

  const noTio = missing('/usr/bin/tio');
  test.skipIf(noTio.length > 0)(
    'tio types and reads on the offered pseudo-terminal; 0x07 stops there, a second offer only reads',
    async () => {
      const link = join(dir, 'tty');
      const offer = (path: string): TestTerminal =>
        openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'console', '01', '--pty', path], {
          cols: 300,
        });
      // Left by a command that was killed.
      symlinkSync('/dev/pts/99999', link);
      await using first = offer(link);
      await first.waitFor(`its console is at ${link}`, undefined, LIMIT_MS);
      expect(statSync(link).mode & 0o777).toBe(0o600);
      await using tio = openTerminal('/usr/bin/tio', [link]);
      await tio.waitFor('Connected', undefined, LIMIT_MS);
      tio.type('\r');
      await tio.waitFor('login:', undefined, LIMIT_MS);
      const { bells: before } = (await rack.rack.counters()).bus;
      tio.type('no\x07body\r');
      await first.waitFor('Ctrl-G was not sent', undefined, LIMIT_MS);
      await tio.waitFor(/login: nobody\s+Password:/, undefined, LIMIT_MS);
      expect((await run('log', '01')).stdout).toContain('login: nobody');
      // One that passed would have closed the console's pipe.
      expect((await rack.rack.counters()).bus.bells).toEqual(before);
      expect((await run('console', '01', '--pty', link)).stderr).toContain('which is in use');
      await using second = offer(join(dir, 'tty2'));
      await second.waitFor('it only reads', undefined, LIMIT_MS);
      const fd = openSync(join(dir, 'tty2'), constants.O_RDWR | constants.O_NOCTTY);
      writeSync(fd, 'x\r');
      await second.waitFor('has the keyboard', undefined, LIMIT_MS);
      closeSync(fd);
      first.kill('SIGTERM');
      expect((await first.exited).code).toBe(0);
      expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
    },
    LIMIT_MS * 2,
  );

  test('-e and the configuration name the keys: of the status line, the help and the commands', async () => {
    const config = join(dir, 'keys.yaml');
    writeFileSync(config, 'keys: { console: { prefix: Ctrl-B }, look: { scroll-up: PgUp }, prefix: { detach: Q } }\n');
    const open = (...args: string[]): TestTerminal =>
      openTerminal(process.execPath, [PROGRAM, '--config', config, '--socket', rack.socket, 'console', '0a', ...args]);
    await using configured = open();
    await configured.waitFor('Ctrl-B Q leaves');
    await configured.waitFor('the node has printed nothing');
    configured.type('\r');
    await configured.waitFor('login:', undefined, LIMIT_MS);
    // The terminal's size, without its status line.
    configured.type('\x02r');
    await configured.waitFor(/stty rows 23 cols 80/, undefined, LIMIT_MS);
    configured.type('\x02Q');
    expect((await configured.exited).code).toBe(0);
    await using given = open('-e', '^A');
    await given.waitFor('Ctrl-A Q leaves');
    given.type('\x01Q');
    expect((await given.exited).code).toBe(0);
    await using wrong = open('-e', '~');
    await wrong.waitFor(/--prefix: the prefix must be a control key other than Ctrl-G/);
    expect((await wrong.exited).code).toBe(64);
  }, 60_000);

  test('keys at the bare terminal: a note, a sample, who is here', async () => {
    await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'console', '07']);
    await terminal.waitFor('the node has printed nothing');
    terminal.type('\r');
    await terminal.waitFor('login:');
    terminal.type('\x1dl');
    await terminal.waitFor('note for the log');
    terminal.type('seen by mex\x7f\r');
    await terminal.waitFor('the note is in the log');
    terminal.type('\x1ds');
    await terminal.waitFor(/on, current \d+ counts, fan \d+ counts/);
    terminal.type('\x1di');
    await terminal.waitFor(/ types/);
    terminal.type('\x1dd');
    expect((await terminal.exited).code).toBe(0);
    expect((await run('log', '07', '--search', 'note by')).stdout).toMatch(/note by .*: seen by me\n/);
  });
});

describe('a node that means harm', () => {
  test('256 KB of random bytes and every hostile sequence: only our own cells reach the terminal, nothing reaches the node', async () => {
    const received = join(dir, 'received');
    writeFileSync(join(dir, 'storm'), storm(STORM, 7));
    // The end comes when the storm has passed: a host that is late loses bytes, as on any line without flow control.
    // Its bells put the pipe in doubt: what it prints while its BMC is asked is lost, and printable keys wait for words.
    const end = `printf '\\030\\033\\\\\\033c${STORM_END}\\r\\n'; sleep 1; printf 'still here\\r\\n'`;
    const speak = `(sleep 2; while ${end}; do sleep 1; done) &`;
    const script = `stty raw -echo\nhead -c1 >/dev/null\ncat ${dir}/storm\n${speak}\ncat >${received}`;
    const node = program('storm.sh', script);
    await using rack = await innerStand({ sim: ['--line-rate', '2000000', '--exec', `03=${node}`] });
    await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket, 'console', '03']);
    let titles = 0;
    const replies: string[] = [];
    terminal.screen.onTitleChange(() => titles++);
    terminal.screen.onData((reply) => replies.push(reply));
    await terminal.waitFor('the node has printed nothing');
    terminal.type('\r');
    await terminal.waitFor(STORM_END, undefined, LIMIT_MS);
    await terminal.waitFor('still here', undefined, LIMIT_MS);
    terminal.type('hello');
    await expect.poll(() => readFileSync(received, 'latin1'), { timeout: LIMIT_MS }).toMatch(/hello$/);
    terminal.type('\x1dd');
    expect((await terminal.exited).code).toBe(0);
    expect([titles, replies]).toEqual([0, []]);
    // What the painter writes, and nothing else: places, colours, erasures, the scroll region, the modes it passes on.
    const own = /\x1b\[[\d;]*[HGmKJr]|\x1b\[\?(?:1|7|25|2004)[hl]|\x1b[=>]|\r?\n/g;
    expect(terminal.output.replace(own, '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    // The server's emulator answers a node's questions as a terminal does; no answer holds what the node chose to put in.
    const answered = readFileSync(received, 'latin1');
    const answers = /\x1b\[\??>?[\d;]*[cRn]|\x1b\[\?[\d;]+\$y|\x1b\[[\d;]+\$y|\x1bP[01]\$r[^\x1b]*\x1b\\|\x1b\[[IO]/g;
    expect(answered.replace(answers, '')).toBe('hello');
    const { bus } = await rack.rack.counters();
    expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false });
    expect(bus.masterForConsole).toEqual({ printable: 0, control: 0 });
  }, 120_000);
});
