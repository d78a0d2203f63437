import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Recognizer, QUIET_MS } from '../../src/console/recognizer.ts';

const HALT = '[  312.345678] reboot: Power down';

function asked(): Recognizer {
  const reader = new Recognizer();
  reader.requested();
  return reader;
}

const kinds = (found: { kind: string }[]): string[] => found.map(({ kind }) => kind);

test('wherever reads split it, and whatever colours it wears, a line is recognised once', () => {
  const text = `noise\r\n\x1b[0;1;31m${HALT.slice(0, 9)}\x1b[0m${HALT.slice(9)}\x1b]0;title\x07\r\nmore\r\n`;
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const reader = asked();
      const edges = [0, ...[...cuts].sort((a, b) => a - b), text.length];
      const found = edges.slice(1).flatMap((end, n) => reader.feed(text.slice(edges[n], end), n));
      expect(kinds(found)).toEqual(['output', 'halt', 'output']);
    }),
  );
});

test('a last line whose end never comes is read after the silence', () => {
  const reader = asked();
  expect(reader.feed(HALT, 0)).toEqual([]);
  expect(reader.tick(QUIET_MS - 1)).toEqual([]);
  expect(kinds(reader.tick(QUIET_MS))).toEqual(['halt']);
  expect(reader.tick(9_000)).toEqual([]);
});

test('a prompt counts after the silence, not in the middle of output', () => {
  const reader = new Recognizer();
  reader.feed('pi@node:~$ ', 0);
  expect(kinds(reader.feed('and on it goes\r\n', 100))).toEqual(['output']);
  reader.feed('pi@node:~$ ', 200);
  expect(reader.tick(400)).toEqual([]);
  expect(kinds(reader.tick(500))).toEqual(['shell']);
  // Once.
  expect(reader.tick(900)).toEqual([]);
});

test.each([
  ['a shell prompt', 'pi@node:~$ ', 0],
  ['a login prompt', 'k3s-agent login: ', 0],
  ['a password prompt', 'Password: ', 0],
  ['a prompt of a shape nobody knows, at rest', 'λ ', 400],
  ['half a word, at rest', 'flushi', 400],
])('a kernel line behind %s is read as the kernel’s, stamped or not', (_what, before, restMs) => {
  for (const [line, kind] of [
    ['[  312.345678] reboot: Power down', 'halt'],
    ['reboot: Power off not available: System halted instead', 'halt'],
    ['reboot: Restarting system', 'reboot'],
    ['Emergency Remount complete', 'remounted'],
    ['Booting Linux on physical CPU 0x0', 'boot'],
    ['RPi: BOOTLOADER release VERSION:8ba17717', 'firmware'],
  ] as const) {
    const reader = asked();
    reader.feed(before, 0);
    reader.tick(restMs);
    expect(kinds(reader.feed(`${line}\r\n`, 401)), line).toEqual([kind]);
    // Nobody waits at that prompt any more.
    if (kind !== 'remounted') expect(kinds(reader.tick(1_500)), line).toEqual([]);
    const unended = asked();
    unended.feed(before, 0);
    unended.tick(restMs);
    unended.feed(line, 401);
    if (kind === 'halt') expect(kinds(unended.tick(801)), line).toEqual(['halt']);
  }
});

test('what rested on the line when it was asked does not hide the last line behind it', () => {
  const reader = new Recognizer();
  reader.feed('λ ', 0);
  reader.tick(QUIET_MS);
  reader.requested();
  expect(kinds(reader.feed(`${HALT}\r\n`, 900))).toEqual(['halt']);
});

test('after a kernel started anew, the uptime of the one before it counts for nothing', () => {
  const reader = asked();
  reader.feed('90000.00 1.00\r\n[    0.000000] Linux version 6.1.0\r\n', 0);
  reader.requested();
  reader.feed('30.00 1.00\r\n', 10);
  expect(kinds(reader.feed('[90010.000000] reboot: Power down\r\n', 20))).toEqual(['output']);
  expect(kinds(reader.feed('[   35.000000] reboot: Power down\r\n', 30))).toEqual(['halt']);
});

test('our own echo is not the node speaking', () => {
  const reader = asked();
  reader.sent('echo; Power down\r', 0);
  expect(reader.feed('pi@node:~$ echo; Power down\r\n', 50)).toEqual([]);
  // The second time it is no echo.
  expect(kinds(reader.feed(`${HALT}\r\n`, 60))).toEqual(['halt']);
});

test.each<[what: string, uptime: string, stamp: string, kind: string]>([
  ['this machine’s own time', '312.34 1200.00', '  315.123456', 'halt'],
  ['a clock that drifted in hundred days', '8640000.00 1.00', '8635000.123456', 'halt'],
  ['an old log of a younger machine', '259200.00 1.00', ' 8241.790113', 'output'],
  ['an old log of an older one', '8241.00 1.00', '259200.790113', 'output'],
])('a halt stamped with %s, after the uptime was said', (_what, uptime, stamp, kind) => {
  const reader = asked();
  expect(reader.feed(`${uptime}\r\n`, 0)).toEqual([]);
  expect(kinds(reader.feed(`[${stamp}] reboot: Power down\r\n`, 10))).toEqual([kind]);
  // A kernel that stamps nothing is believed as before.
  expect(kinds(asked().feed('reboot: Power down\r\n', 0))).toEqual(['halt']);
});

test('an uptime that was said before the request, or later by somebody else, counts for nothing', () => {
  const reader = new Recognizer();
  expect(kinds(reader.feed('100.00 300.00\r\n', 0))).toEqual(['output']);
  reader.requested();
  reader.feed('312.00 900.00\r\n', 1);
  expect(kinds(reader.feed('100000.00 900.00\r\n', 2))).toEqual(['output']);
  expect(kinds(reader.feed(`${HALT}\r\n`, 3))).toEqual(['halt']);
});

test('what was on the line when we asked is from before', () => {
  const reader = new Recognizer();
  reader.feed(HALT.slice(0, 20), 0);
  reader.requested();
  expect(reader.feed(`${HALT.slice(20)}\r\n`, 10)).toEqual([]);
  expect(kinds(reader.feed(`${HALT}\r\n`, 20))).toEqual(['halt']);
});

test('once the kernel was seen to stamp its lines, a quotation without a stamp is none of them', () => {
  const reader = asked();
  reader.feed('[   10.000000] usb 1-1: new device\r\n', 0);
  expect(kinds(reader.feed('reboot: Power down\r\n', 10))).toEqual(['output']);
});

test('neither a flood without line ends nor an unfinished sequence hides the marker after it', () => {
  const reader = asked();
  for (let n = 0; n < 100; n++) expect(reader.feed('x'.repeat(1000), n)).toEqual([]);
  expect(kinds(reader.feed(`\x1b]0;never ends\r\n${HALT}\r\n`, 200))).toContain('halt');
});

test('a line that was edited until it is longer than any is reported as waiting, and never as a prompt', () => {
  const reader = new Recognizer();
  for (let edit = 0; edit < 4; edit++) reader.feed(`pi@node:~$ ${'x'.repeat(300)}${'\b \b'.repeat(300)}\x1b[H`, edit);
  reader.feed('pi@node:~$ ', 5);
  expect(reader.tick(5 + QUIET_MS)).toMatchObject([{ kind: 'output', waits: true }]);
  expect(reader.feed('\r\n', 2_000)).toEqual([]);
  reader.feed('pi@node:~$ ', 2_001);
  expect(kinds(reader.tick(2_001 + QUIET_MS))).toEqual(['shell']);
});

test('no recognition quotes what was concealed', () => {
  const reader = asked();
  reader.conceal('hunter2!');
  const found = reader.feed('Sorry, try again: hunter2!\r\n', 0);
  expect(kinds(found)).toEqual(['denied']);
  expect(JSON.stringify(found)).not.toContain('hunter2!');
});

test('whatever a node prints, quotations are short and hold no control characters', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 10 }), (pieces) => {
      const reader = asked();
      const found = pieces.flatMap((piece, n) => [...reader.feed(piece, n * 400), ...reader.tick(n * 400 + 350)]);
      for (const { text } of found) {
        expect(text.length).toBeLessThanOrEqual(200);
        expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }
    }),
  );
});

const KERNEL = '[   61.204417] mmc0: card 59b4 removed\r\n';

test.each<[what: string, pieces: string[], kind: string, text: string]>([
  ['behind a login prompt', [`node7 login: ${KERNEL}`], 'login', 'node7 login:'],
  ['behind a shell prompt, twice', [`root@node7:/etc# ${KERNEL}`, KERNEL], 'shell', 'root@node7:/etc#'],
  ['in the middle of a word', [`Passw${KERNEL}`, 'ord: '], 'password', 'Password:'],
  [
    'in the middle of sudo’s prompt, twice',
    [`[sudo] pass${KERNEL}`, `word for${KERNEL}`, ' ops: '],
    'password',
    '[sudo] password for ops:',
  ],
])('a kernel message %s leaves the prompt to be recognised', (_what, pieces, kind, text) => {
  const reader = new Recognizer();
  for (const [n, piece] of pieces.entries()) reader.feed(piece, n);
  expect(reader.tick(QUIET_MS + pieces.length)).toMatchObject([{ kind, text }]);
});

test('a prompt that a kernel message interrupted is over once something is typed, or another line follows', () => {
  const typed = new Recognizer();
  typed.feed(`Password: ${KERNEL}`, 0);
  typed.sent('secret\r', 1, true);
  typed.feed('\r\n', 2);
  expect(typed.tick(1_000)).toEqual([]);
  const passed = new Recognizer();
  passed.feed(`Password: ${KERNEL}Login timed out after 60 seconds.\r\n`, 0);
  expect(passed.tick(1_000)).toEqual([]);
});

test('a prompt behind a control string of kilobytes is recognised', () => {
  for (const length of [300, 1_000, 9_000]) {
    const reader = new Recognizer();
    reader.feed(`\x1b]3008;start=${'0123456789'.repeat(length / 10)}\x1b\\ops@node7:~$ `, 0);
    expect(reader.tick(QUIET_MS)).toMatchObject([{ kind: 'shell', host: 'node7' }]);
  }
});
