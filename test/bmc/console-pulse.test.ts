/** When a console's next key may go, when its BMC is asked first, and when silence is only silence. */
import { describe, expect, test } from 'vitest';
import { ConsoleGuard } from '../../src/bmc/console/guard.ts';

const ENTER = 0x0d;
const code = (key: string): number => key.charCodeAt(0);
const LINE = '[  123.456789] usb 1-1: new high-speed USB device number 4 using xhci_hcd\r\n';
const PROMPT = '\r\npi@n3:~ $ ';
const TITLE = '\x1b]0;pi@n3: ~\x07';

/** A pulse that heard so much, a line each 10 ms, and when the last byte came. */
function flowing(tail: string, lines = 20): { pulse: ConsoleGuard; at: number } {
  const pulse = new ConsoleGuard(0);
  for (let n = 0; n < lines; n++) pulse.onOutput(LINE, n * 10);
  pulse.onOutput(tail, lines * 10);
  return { pulse, at: lines * 10 };
}

/** A pulse that heard this at 0. */
function heard(text: string): ConsoleGuard {
  const pulse = new ConsoleGuard(0);
  pulse.onOutput(text, 0);
  return pulse;
}

const verdict = (pulse: ConsoleGuard, key: string, at: number): string => pulse.checkKey(code(key), at, true).key;

describe('output that flows', () => {
  test('stops in the middle of a line: asked after a moment, once', () => {
    const { pulse, at } = flowing('[  124.0] usb 1-1: new hi');
    expect(pulse.due).toEqual({
      at: at + 1_500,
      why: 'its output stopped within a line: its BMC was queried',
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
    ['an editor that steps back', '\x1b[24;1H-- INSERT --\x1b[3;4Hword\b'],
    ['a word in a drawn screen', '\x1b[2;1Hfirst line\x1b[3;1Hsecond'],
    ['a hidden cursor', 'top - 12:00\x1b[?25l'],
    ['a half-typed line behind a prompt', `${PROMPT}less /etc/apt/sources.l`],
    ['a half-typed line of root', '\r\nroot@n3:/etc# vi net'],
  ])('stops at %s: nobody is disturbed, and keys go', (_what, tail) => {
    const { pulse, at } = flowing(tail);
    expect(pulse.due).toBeNull();
    expect(verdict(pulse, 'x', at + 5_000)).toBe('go');
  });

  test('a word or two, and the echo of a paste, are none', () => {
    const short = heard('Working');
    expect(short.due).toBeNull();
    const pasted = new ConsoleGuard(0);
    for (let n = 0; n < 600; n++) {
      pasted.sent(0x61, n * 2);
      pasted.onOutput('a', n * 2 + 1);
    }
    expect(pasted.due).toBeNull();
  });

  test('has its own rhythm: what pauses often is not asked about for a pause', () => {
    const pulse = new ConsoleGuard(0);
    for (let n = 0; n < 20; n++) pulse.onOutput(`${LINE.trim()}x`, n * 900);
    expect(pulse.due?.at).toBe(19 * 900 + 4 * 900);
  });
});

describe('Enter', () => {
  test('without an answer is asked about after 3 s, and not again for 30 s', () => {
    const pulse = new ConsoleGuard(0);
    pulse.sent(ENTER, 100);
    expect(pulse.due?.at).toBe(3_100);
    pulse.lookedInto(3_100);
    expect(pulse.due?.at).toBe(33_100);
    pulse.onOutput('login: ', 4_000);
    expect(pulse.due).toBeNull();
  });

  test('pressed again and again does not put the question off; the lines of a paste do', () => {
    const impatient = new ConsoleGuard(0);
    for (let at = 0; at <= 2_700; at += 300) impatient.sent(ENTER, at);
    expect(impatient.due?.at).toBeLessThan(4_000);
    const pasting = new ConsoleGuard(0);
    for (let at = 0; at <= 9_000; at += 1_000) for (const char of 'line\r') pasting.sent(code(char), at);
    expect(pasting.due?.at).toBe(12_000);
  });
});

describe('keys without an answer', () => {
  test('the first behind a pause goes alone; where its echo came, eight may be on their way', () => {
    const pulse = heard(PROMPT);
    expect(verdict(pulse, 'l', 100)).toBe('go');
    pulse.sent(code('l'), 100);
    expect(pulse.checkKey(code('s'), 102, true)).toEqual({ key: 'wait', until: 350 });
    pulse.onOutput('l', 104);
    for (let n = 0; n < 8; n++) {
      expect(verdict(pulse, 's', 104 + 2 * n)).toBe('go');
      pulse.sent(code('s'), 104 + 2 * n);
    }
    expect(verdict(pulse, 's', 122)).toBe('wait');
  });

  test.each(['\t', '\r', '\x7f', '\x03'])(
    'behind %j, which a bell may answer, the next waits; inside an escape sequence it does not',
    (key) => {
      const pulse = heard(PROMPT);
      pulse.sent(code('l'), 100);
      pulse.onOutput('l', 104);
      pulse.sent(code(key), 106);
      expect(verdict(pulse, 'a', 108)).toBe('wait');
      pulse.onOutput('x', 110);
      pulse.sent(0x1b, 112);
      expect(verdict(pulse, '[', 114)).toBe('go');
    },
  );

  test('the next is asked about; where the BMC answered, a node that does not echo gets its password, and no backslash', () => {
    const pulse = heard('\r\nPassword: ');
    pulse.sent(code('s'), 100);
    expect(pulse.checkKey(code('e'), 400, true)).toMatchObject({ key: 'ask', unanswered: true });
    pulse.entered(410, 'unanswered');
    for (let n = 0; n < 40; n++) {
      expect(verdict(pulse, 'e', 410 + n * 150)).toBe('go');
      pulse.sent(code('e'), 410 + n * 150);
    }
    expect(verdict(pulse, '\\', 6_500)).toBe('ask');
    expect(verdict(pulse, 'e', 11_000)).toBe('ask');
  });

  test('of a program that reads lines without an echo: asked about once, not for each line', () => {
    const pulse = heard('\r\nready\r\n');
    pulse.sent(code('l'), 100);
    expect(verdict(pulse, 'i', 400)).toBe('ask');
    pulse.entered(410, 'unanswered');
    for (let at = 410; at < 3_000; at += 100) {
      for (let n = 0; n < 20; n++) {
        expect(verdict(pulse, 'x', at + 2 * n)).toBe('go');
        pulse.sent(code('x'), at + 2 * n);
      }
      pulse.onOutput('xxx xxx\r\n', at + 50);
    }
    // An answer to one key is an echo.
    pulse.sent(code('x'), 3_000);
    pulse.onOutput('x', 3_002);
    pulse.sent(code('x'), 3_100);
    expect(verdict(pulse, 'x', 3_400)).toBe('ask');
  });

  test('asked about twice in vain, and no echo of its opening: its console may not have come up, until it speaks', () => {
    const pulse = heard(PROMPT);
    for (const at of [1_000, 2_000]) {
      expect(pulse.mayBeBios(false)).toBe(false);
      pulse.sent(code('x'), at);
      pulse.entered(at + 300, 'unanswered');
    }
    expect(pulse.mayBeBios(false)).toBe(true);
    expect(pulse.mayBeBios(true)).toBe(false);
    pulse.onOutput(PROMPT, 4_000);
    expect(pulse.mayBeBios(false)).toBe(false);
  });

  test('nor may it where the bus was needed for something else, and the node has not spoken since', () => {
    const pulse = heard(PROMPT);
    pulse.entered(1_000, null);
    expect(pulse.mayBeBios(true)).toBe(true);
    pulse.onOutput(PROMPT, 1_100);
    expect(pulse.mayBeBios(true)).toBe(false);
  });
});

describe('silence', () => {
  test.each(['\\', '|'])(
    'of 20 ms: %s waits for the BMC, a letter does not; what it says itself makes it go',
    (key) => {
      const pulse = heard(PROMPT);
      expect(verdict(pulse, key, 15)).toBe('go');
      expect(verdict(pulse, key, 40)).toBe('ask');
      expect(verdict(pulse, 'x', 9_000)).toBe('go');
      pulse.onOutput('\x1b[4;1Htext', 9_500);
      expect(verdict(pulse, key, 9_515)).toBe('go');
      pulse.entered(20_000, 'otherwise');
      expect(verdict(pulse, key, 20_015)).toBe('go');
    },
  );

  test('of 2 s: a slash waits too', () => {
    const pulse = heard(PROMPT);
    expect(verdict(pulse, '/', 1_900)).toBe('go');
    expect(verdict(pulse, '/', 2_100)).toBe('ask');
  });

  test('of 10 s: a printable key is asked about, Enter and ^C are not', () => {
    const pulse = heard(PROMPT);
    expect(verdict(pulse, 'a', 10_500)).toBe('ask');
    expect(verdict(pulse, '\r', 10_500)).toBe('go');
    expect(verdict(pulse, '\x03', 10_500)).toBe('go');
  });

  test('an echo is no word of the node: a BIOS echoes too', () => {
    const pulse = heard(PROMPT);
    for (let at = 1_000; at < 10_000; at += 200) {
      pulse.sent(code('c'), at);
      pulse.onOutput('c', at + 3);
    }
    expect(verdict(pulse, '\\', 10_000)).toBe('ask');
    expect(verdict(pulse, 'c', 10_500)).toBe('ask');
  });

  test('of 8 s while keys are echoed: asked about behind an echo, before a key has to wait for it', () => {
    const pulse = heard(PROMPT);
    expect(pulse.dueBetweenKeys).toBeNull();
    for (const at of [7_000, 8_500]) {
      expect(pulse.dueBetweenKeys).toBeNull();
      pulse.sent(code('c'), at);
      expect(pulse.dueBetweenKeys).toBeNull();
      pulse.onOutput('c', at + 3);
    }
    expect(pulse.dueBetweenKeys).toMatchObject({ at: 8_505 });
    pulse.entered(8_510, 'otherwise');
    expect(pulse.dueBetweenKeys).toBeNull();
    expect(verdict(pulse, 'c', 18_000)).toBe('go');
  });

  test('of 8 s: nothing is asked about behind what the node prints by itself, or in answer to a line', () => {
    const pulse = heard(PROMPT);
    pulse.onOutput('.', 9_000);
    expect(pulse.dueBetweenKeys).toBeNull();
    pulse.sent(ENTER, 9_100);
    pulse.onOutput(`\r\nls: no such file\r\n${PROMPT}`, 9_105);
    expect(pulse.dueBetweenKeys).toBeNull();
  });
});

describe('a bell in its output', () => {
  test.each([
    ['alone', '\x07'],
    ['at the end of a prompt', `${PROMPT}\x07`],
    ['in a title, a short prompt behind it', `\r\n${TITLE}# `],
    ['with a status line behind it', '\x0703 ff 1 1b 6c\r\n'],
  ])('%s: no key goes before the BMC was asked', (_what, text) => {
    const pulse = heard(text);
    for (const key of ['a', '\r', '\x03', '\\']) expect(verdict(pulse, key, 5)).toBe('wait');
    for (const key of ['a', '\r', '\x03', '\\']) expect(verdict(pulse, key, 20)).toBe('ask');
    expect(pulse.due).toMatchObject({ at: 250 });
    pulse.entered(30, 'otherwise');
    expect(verdict(pulse, 'a', 31)).toBe('go');
  });

  test('is heard before the console is proven too', () => {
    expect(heard('\x07').checkKey(ENTER, 20, false).key).toBe('ask');
    expect(new ConsoleGuard(0).checkKey(ENTER, 20, false).key).toBe('go');
  });

  test('with enough behind it did not close the pipe; three such, and bells of this node are believed', () => {
    const pulse = heard(`\r\n${TITLE}pi@n3:~ $ `);
    expect(verdict(pulse, 'a', 5)).toBe('go');
    pulse.onOutput('\x07', 100);
    expect(verdict(pulse, 'a', 120)).toBe('ask');
    pulse.entered(130, 'otherwise');
    for (const at of [200, 300]) {
      pulse.onOutput('\x07', at);
      pulse.onOutput('more of the output', at + 5);
    }
    pulse.onOutput('\x07', 400);
    expect(verdict(pulse, 'a', 420)).toBe('go');
  });
});
