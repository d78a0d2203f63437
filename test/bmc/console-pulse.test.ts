/** When a console's silence is news, and when it is only silence. */
import { describe, expect, test } from 'vitest';
import { ConsolePulse } from '../../src/bmc/console-pulse.ts';

const ENTER = 0x0d;
const keys = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const LINE = '[  123.456789] usb 1-1: new high-speed USB device number 4 using xhci_hcd\r\n';

/** A pulse that heard so much, a line each 10 ms, and when the last byte came. */
function flowing(tail: string, lines = 20): { pulse: ConsolePulse; at: number } {
  const pulse = new ConsolePulse(0);
  for (let n = 0; n < lines; n++) pulse.heard(LINE, n * 10);
  pulse.heard(tail, lines * 10);
  return { pulse, at: lines * 10 };
}

describe('output that flows', () => {
  test('stops in the middle of a line: asked after a moment, once', () => {
    const { pulse, at } = flowing('[  124.0] usb 1-1: new hi');
    expect(pulse.due).toEqual({
      at: at + 1_500,
      why: 'its output stopped in the middle of a line: its BMC was asked',
    });
    pulse.lookedInto(at + 1_500);
    expect(pulse.due).toBeNull();
  });

  test.each([
    ['a line end', LINE],
    ['a prompt', 'pi@n3:~ $ '],
    ['a question', 'Do you want to continue? [Y/n] '],
    ['a pager', '\x1b[7m--More--\x1b[27m'],
    ['a drawn screen', 'vim text\x1b[12;5H'],
    ['a hidden cursor', 'top - 12:00\x1b[?25l'],
  ])('stops at %s: nobody is disturbed, and keys go', (_what, tail) => {
    const { pulse, at } = flowing(tail);
    expect(pulse.due).toBeNull();
    expect(pulse.holdsBack(keys('x'), at + 5_000)).toBeNull();
  });

  test('a word or two, and the echo of a paste, are none', () => {
    const short = new ConsolePulse(0);
    short.heard('Working', 10);
    expect(short.due).toBeNull();
    const pasted = new ConsolePulse(0);
    for (let n = 0; n < 600; n++) {
      pasted.sent(0x61, n * 2);
      pasted.heard('a', n * 2 + 1);
    }
    expect(pasted.due).toBeNull();
  });

  test('has its own rhythm: what pauses often is not asked about for a pause', () => {
    const pulse = new ConsolePulse(0);
    for (let n = 0; n < 20; n++) pulse.heard(`${LINE.trim()}x`, n * 900);
    expect(pulse.due?.at).toBe(19 * 900 + 4 * 900);
  });

  test('a key behind such a stop waits for the proof; Enter and ^C do not', () => {
    const { pulse, at } = flowing('[  124.0] usb 1-1: new hi');
    expect(pulse.holdsBack(keys('\r\x03'), at + 600)).toBeNull();
    expect(pulse.holdsBack(keys('y'), at + 100)).toBeNull();
    expect(pulse.holdsBack(keys('y'), at + 600)).toMatch(/stopped in the middle of a line, then a key came/);
    expect(pulse.due?.at).toBe(-Infinity);
    pulse.entered(at + 700);
    expect(pulse.due).toBeNull();
  });
});

describe('Enter', () => {
  test('without an answer is asked about after 3 s, and not again for 30 s', () => {
    const pulse = new ConsolePulse(0);
    pulse.sent(ENTER, 100);
    expect(pulse.due?.at).toBe(3_100);
    pulse.lookedInto(3_100);
    expect(pulse.due?.at).toBe(33_100);
    pulse.heard('login: ', 4_000);
    expect(pulse.due).toBeNull();
  });

  test('alone and without an echo holds the next key back; behind a line that was typed unseen it does not', () => {
    const alone = new ConsolePulse(0);
    alone.heard('login: ', 0);
    alone.sent(ENTER, 100);
    expect(alone.holdsBack(keys('\r'), 900)).toBeNull();
    expect(alone.holdsBack(keys('a'), 300)).toBeNull();
    expect(alone.holdsBack(keys('a'), 600)).toMatch(/nothing answered Enter, then a key came/);
    expect(alone.due?.at).toBe(-Infinity);
    const unseen = new ConsolePulse(0);
    unseen.heard('Password: ', 0);
    for (const byte of keys('secret\r')) unseen.sent(byte, 100);
    expect(unseen.holdsBack(keys('a'), 2_000)).toBeNull();
  });

  test('pressed again and again does not put the question off; the lines of a paste do', () => {
    const impatient = new ConsolePulse(0);
    for (let at = 0; at <= 2_700; at += 300) impatient.sent(ENTER, at);
    expect(impatient.due?.at).toBeLessThan(4_000);
    const pasting = new ConsolePulse(0);
    for (let at = 0; at <= 9_000; at += 1_000) for (const byte of keys('line\r')) pasting.sent(byte, at);
    expect(pasting.due?.at).toBe(12_000);
  });
});

test('a backslash after a long silence waits for the proof; other keys, and one in the middle of typing, do not', () => {
  const pulse = new ConsolePulse(0);
  pulse.heard('pi@n3:~ $ ', 100);
  expect(pulse.holdsBack(keys('\\'), 9_000)).toBeNull();
  expect(pulse.holdsBack(keys('ls'), 60_000)).toBeNull();
  expect(pulse.holdsBack(keys('a\\'), 60_000)).toMatch(/backslash came after 60 s of silence/);
  pulse.entered(60_050);
  pulse.sent(0x61, 61_000);
  expect(pulse.holdsBack(keys('\\'), 65_000)).toBeNull();
});
