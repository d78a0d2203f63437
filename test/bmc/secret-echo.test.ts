/** What logs and people get of a console on which a secret was typed that the node echoes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redaction } from '../../src/bmc/redaction.ts';
import { SecretEcho } from '../../src/bmc/secret-echo.ts';

const LATER = 10_000;
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Types `secret`, feeds the pieces 10 ms apart and returns what was told by the end. */
function told(secret: string, pieces: string[], before = 'pi login: '): string {
  const echo = new SecretEcho();
  let out = latin1(echo.feed(Buffer.from(before), 0));
  echo.typed(secret, 1);
  pieces.forEach((piece, i) => (out += latin1(echo.feed(Buffer.from(piece), 10 + 10 * i))));
  while (echo.dueIn(LATER) !== null) out += latin1(echo.release(LATER));
  return out.slice(before.length);
}

const KERNEL = '[   95.512345] usb 1-1: new high-speed USB device\r\n';

describe.each(['hunter2!', 'sesame street', 'pässwörd€', 'aabaab', 'x[1]y.*'])('the secret %j, echoed', (secret) => {
  const bytes = latin1(Buffer.from(secret));
  const piece = (from: number, to?: number): string => Buffer.from(bytes.slice(from, to), 'latin1').toString('latin1');
  const feedBytes = (pieces: string[]): string => {
    const echo = new SecretEcho();
    echo.typed(secret, 0);
    let out = '';
    pieces.forEach((text, i) => (out += latin1(echo.feed(Buffer.from(text, 'latin1'), 10 * i))));
    while (echo.dueIn(LATER) !== null) out += latin1(echo.release(LATER));
    return out;
  };

  test('in one piece is a mask of a fixed length', () => {
    expect(feedBytes([`Password: ${bytes}\r\nLogin incorrect\r\n`])).toBe('Password: ********\r\nLogin incorrect\r\n');
  });

  test('byte by byte is the same mask', () => {
    expect(feedBytes(Array.from(`: ${bytes}\r\n$ `))).toBe(': ********\r\n$ ');
  });

  test('twice, as a shell does that did not find such a command, is masked twice', () => {
    expect(feedBytes([`$ ${bytes}\r\n`, `sh: ${bytes}: not found\r\n`])).toBe(
      '$ ********\r\nsh: ********: not found\r\n',
    );
  });

  test('torn by a kernel line leaves the kernel line whole', () => {
    for (let cut = 1; cut < bytes.length; cut++) {
      const out = feedBytes([`: ${piece(0, cut)}`, KERNEL.slice(0, 7), KERNEL.slice(7), `${piece(cut)}\r\n`]);
      expect(out).toBe(`: ********${KERNEL}\r\n`);
    }
  });

  test('with a colour after each byte leaves no two bytes of it side by side', () => {
    const out = feedBytes(Array.from(bytes, (char) => `${char}\x1b[0m`));
    expect(out.replace(/\x1b\[0m/g, '')).toBe('********');
  });

  test('does not show however it is cut and whatever stands around it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 60, maxLength: 60 }), (sizes) => {
        const whole = `pw: ${bytes}\r\n${KERNEL}su: ${bytes}\r\n`;
        const pieces: string[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          pieces.push(whole.slice(at, at + size));
          at += size;
        }
        expect(feedBytes(pieces)).toBe(`pw: ********\r\n${KERNEL}su: ********\r\n`);
      }),
    );
  });
});

describe('a console', () => {
  test.each(['hunter2', 'correct horse', '0000'])('on which %j was not typed lately holds nothing back', (secret) => {
    const echo = new SecretEcho();
    for (const char of secret) {
      expect(latin1(echo.feed(Buffer.from(char), 5))).toBe(char);
      expect(echo.dueIn(5)).toBeNull();
    }
    echo.typed(secret, 10);
    echo.feed(Buffer.from('ok\r\n'), 20);
    for (const char of secret) expect(latin1(echo.feed(Buffer.from(char), 60_000))).toBe(char);
  });

  test('that says what only begins like the secret says it half a second later', () => {
    const echo = new SecretEcho();
    echo.typed('hunter2', 0);
    expect(latin1(echo.feed(Buffer.from('$ h'), 100))).toBe('$ ');
    expect(echo.dueIn(100)).toBe(500);
    expect(latin1(echo.release(600))).toBe('h');
    expect(echo.dueIn(600)).toBeNull();
    expect(latin1(echo.feed(Buffer.from('elp\r\n'), 700))).toBe('elp\r\n');
  });

  test('that pauses in the middle of the secret shows neither half', () => {
    for (const cut of [3, 4, 6]) {
      const echo = new SecretEcho();
      echo.typed('hunter2', 0);
      let out = latin1(echo.feed(Buffer.from('hunter2'.slice(0, cut)), 100));
      out += latin1(echo.release(700));
      out += latin1(echo.feed(Buffer.from(`${'hunter2'.slice(cut)}\r\n`), 900));
      expect(out).toBe('********\r\n');
    }
  });

  test('whose host name begins with the password keeps its name', () => {
    const before = 'raspberrypi login: pi\r\nPassword: ';
    expect(told('raspberry', ['\r\n', 'pi@raspberry', 'pi:~$ '], before)).toBe('\r\npi@raspberrypi:~$ ');
    expect(told('raspberry', ['raspberry', '\r\nLogin incorrect\r\n'], before)).toBe('********\r\nLogin incorrect\r\n');
  });
});

describe('a recording', () => {
  test.each(['pässwörd€', 'schlüssel', 'tür-9-auf'])('masks %j, which is more bytes than characters', (secret) => {
    const mask = new Redaction([secret]);
    const passed = latin1(Buffer.from(`x${secret}y`));
    const pieces = [...mask.feed('out', passed, 0), ...mask.feed('in', passed, 1), ...mask.flush()];
    expect(pieces.map(({ text, secret: is }) => (is ? '*' : text)).join('')).toBe('x*yx*y');
  });

  test.each([1, 4, 7])('masks an echo that a kernel line tears after %i bytes', (cut) => {
    const mask = new Redaction(['hunter2!']);
    const pieces = [`: ${'hunter2!'.slice(0, cut)}`, KERNEL, 'hunter2!'.slice(cut)].flatMap((text, i) =>
      mask.feed('in', text, i),
    );
    const text = [...pieces, ...mask.flush()].map((piece) => piece.text).join('');
    expect(text).toBe(`: ${KERNEL}`);
  });
});
