/** What recordings and the exchange log are told: everything, in order, but for secrets. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redaction, type Direction } from '../../src/bmc/redaction.ts';
import { ExchangeLog } from '../../src/bmc/trace.ts';

const SECRET = 'UnLockMe';

/** Feeds pieces and tells what came out, secrets as `*`. */
function masked(pieces: [Direction, string][], secrets = [SECRET]): string {
  const mask = new Redaction(secrets);
  const told = pieces.flatMap(([direction, text], i) => mask.feed(direction, text, i));
  return [...told, ...mask.flush()]
    .map(({ direction, text, secret }) => `${direction}:${secret ? '*' : text}`)
    .join(' ')
    .replace(/(?:(out:\*|in:\*) )(?:\1 )*(?=\1)/g, '');
}

describe('a secret', () => {
  test.each<[string, [Direction, string][], string]>([
    [
      'in one piece',
      [
        ['out', '\x07'],
        ['out', SECRET],
        ['out', '='],
      ],
      'out:\x07 out:* out:=',
    ],
    ['byte by byte', Array.from(SECRET).map((char) => ['out', char]), 'out:*'],
    [
      'echoed',
      [
        ['in', 'x UnLock'],
        ['in', 'Me y'],
      ],
      'in:x  in:* in: y',
    ],
    [
      'begun and not gone on with',
      [
        ['out', 'UnL'],
        ['out', 'x'],
      ],
      'out:UnL out:x',
    ],
    [
      'with its echo between its bytes',
      Array.from(SECRET).flatMap((char) => [
        ['out', char],
        ['in', char],
      ]),
      '',
    ],
  ])('%s', (_name, pieces, expected) => {
    const told = masked(pieces);
    if (expected !== '') expect(told).toBe(expected);
    expect(told).not.toContain('Lock');
  });

  test('is never told, however it is split, and everything else is, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'U', 'Un', SECRET, '[04]|=', 'LockMe', 'UnLockM'), { maxLength: 12 }),
        fc.array(fc.nat(5), { minLength: 40, maxLength: 40 }),
        (words, cuts) => {
          const whole = words.join('');
          const pieces: [Direction, string][] = [];
          for (let at = 0, i = 0; at < whole.length; i++) {
            const size = 1 + (cuts[i % cuts.length] ?? 0);
            pieces.push(['out', whole.slice(at, at + size)]);
            at += size;
          }
          const mask = new Redaction([SECRET]);
          const told = [...pieces.flatMap(([d, text]) => mask.feed(d, text, 0)), ...mask.flush()];
          const text = told.map((piece) => (piece.secret ? '*' : piece.text)).join('');
          expect(text).not.toContain(SECRET);
          // What was kept back at the very end is withheld: nobody knows how it would have gone on.
          const plain = whole.split(SECRET).join('*');
          expect(plain.startsWith(text.replace(/\*$/, ''))).toBe(true);
          expect(plain.length - text.length).toBeLessThan(SECRET.length);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});

test('what is typed at a password prompt is nobody’s business, also after a gap, and what follows is', () => {
  const typed = (text: string): [Direction, string][] => Array.from(text).map((char) => ['out', char]);
  expect(
    masked([
      ['in', 'Password: '],
      ...typed('hun'),
      ['out', '\x07'],
      ['out', '[04]|='],
      ['in', '04|=\r\n04 ff 1 26 98\r\n'],
      ['out', '[00]~'],
      ...typed('ter2\r'),
      ['in', '\r\npi@node:~$ '],
      ...typed('ls\r'),
    ]),
  ).toBe(
    'in:Password:  out:* out:\x07 out:[04]|= in:04|=\r\n04 ff 1 26 98\r\n out:[00]~ out:* out:\r in:\r\npi@node:~$  out:l out:s out:\r',
  );
});

test('the exchange log puts question, answer and close together, and learns whether verbs are echoed', async () => {
  const log = new ExchangeLog();
  const feed = (direction: Direction, text: string, at: number): void =>
    log.feed({ kind: 'bytes', direction, text, at, secret: false });
  log.feed({ kind: 'opened', at: 0, detail: '/dev/x' });
  feed('out', '[04]|=', 1);
  feed('in', '04|=\r\n', 3);
  feed('in', '04 ff 1 26 98\r\n', 5);
  feed('out', '\x07', 6);
  expect(log.verbEcho).toBeNull();
  const news = log.waitForEntry(1, 10_000);
  feed('out', '[05]|=', 7);
  feed('in', '05|=\r\n05 ff 1 26 98\r\n', 8);
  feed('out', '\\', 9);
  feed('out', '=', 9);
  feed('in', '=\r\n05 ff 0 00 00\r\n', 11);
  feed('out', '\x07[06]|=', 12);
  feed('in', '06|=\r\n06 ff 1 26 98\r\n', 14);
  feed('out', '\x07', 15);
  feed('out', '=', 16);
  await news;
  expect(log.after(0, 10).map(({ note, out, in: heard, ms }) => note ?? [out, heard, ms])).toEqual([
    'opened /dev/x',
    ['[04]|=\x07', '04|=\r\n04 ff 1 26 98\r\n', 4],
    ['[05]|=', '05|=\r\n05 ff 1 26 98\r\n', 1],
    ['\\=\x07', '=\r\n05 ff 0 00 00\r\n', 2],
    ['[06]|=\x07', '06|=\r\n06 ff 1 26 98\r\n', 2],
  ]);
  expect(log.verbEcho).toBe(false);
});

test('of what flows in one piece the exchange log keeps its beginning, and memory stays bounded', () => {
  const log = new ExchangeLog();
  for (let n = 0; n < 3; n++)
    log.feed({ kind: 'bytes', direction: 'in', text: `${n}`.repeat(60_000), at: n, secret: false });
  const entries = log.after(0, 10);
  expect(entries.map(({ in: heard }) => heard)).toEqual([0, 1, 2].map((n) => `${`${n}`.repeat(400)}…`));
});
