/** The times of a terminal's lines follow them: scrolled, inserted, deleted, erased, wrapped anew, copied. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NodeTerminal } from '../../src/console/emulator.ts';
import { LineTimes, type LineTime } from '../../src/console/line-times.ts';
import { NodeScreen } from '../../src/console/screen.ts';

interface Printed {
  text: string;
  at: LineTime;
}

class Timed {
  readonly terminal: NodeTerminal;
  readonly times: LineTimes;

  constructor(cols = 12, rows = 5, scrollback = 6) {
    this.terminal = new NodeTerminal({ cols, rows, scrollback });
    this.times = new LineTimes(this.terminal);
  }

  async print(text: string, at: LineTime): Promise<this> {
    await new Promise<void>((resolve) =>
      this.terminal.write(text, () => {
        this.times.stamp(at);
        resolve();
      }),
    );
    return this;
  }

  async printAll(all: readonly Printed[]): Promise<this> {
    for (const { text, at } of all) await this.print(text, at);
    return this;
  }

  /** The lines with a time, from the oldest: `text time`; `text ?` where it is not known. */
  get lines(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from({ length: active.length }, (_, y) => {
      const at = this.times.of(y);
      const text = active.getLine(y)?.translateToString(true) ?? '';
      return at === undefined ? '' : `${text} ${at ?? '?'}`;
    }).filter((line) => line !== '');
  }
}

test.each<[name: string, printed: [text: string, at: number][], lines: string[]]>([
  ['a line has the time of its first character', [['\r\nlog', 1], ['in: ', 2], ['pi\r\n', 3], ['ok', 4]], ['login: pi 1', 'ok 4']], // oxfmt-ignore
  [
    'a wrapped line has one time',
    [
      ['abcdefghijkl', 1],
      ['mnop\r\nx', 2],
    ],
    ['abcdefghijkl 1', 'x 2'],
  ],
  ['lines that scrolled out keep theirs, the oldest go', [...Array(14).keys()].map((n) => [`${n}\r\n`, n]), [...Array(10).keys()].map((n) => `${n + 4} ${n + 4}`)], // oxfmt-ignore
  [
    'an erased screen begins anew',
    [
      ['one\r\ntwo', 1],
      ['\x1b[H\x1b[2Jnew', 2],
    ],
    ['new 2'],
  ],
  [
    'an erased line begins anew',
    [
      ['10 %', 1],
      ['\r\x1b[K20 %', 2],
    ],
    ['20 % 2'],
  ],
  [
    'the alternate screen has none and changes none',
    [
      ['sh', 1],
      ['\x1b[?1049h\x1b[Hvi', 2],
    ],
    [],
  ],
  [
    'the normal screen has its times back',
    [
      ['sh', 1],
      ['\x1b[?1049h\x1b[Hvi', 2],
      ['\x1b[?1049l', 3],
    ],
    ['sh 1'],
  ],
  [
    'a full reset forgets them',
    [
      ['one', 1],
      ['\x1bctwo', 2],
    ],
    ['two 2'],
  ],
])('%s', async (_, printed, lines) => {
  const timed = await new Timed().printAll(printed.map(([text, at]) => ({ text, at })));
  expect(timed.lines).toEqual(lines);
});

test('a copy has the times of the lines that it has; a screen from a log has none', async () => {
  const screen = new NodeScreen({ cols: 12, rows: 5, scrollback: 6 });
  for (let n = 0; n < 9; n++) screen.write(Buffer.from(`line ${n}\r\n`), n);
  await screen.flush();
  const copy = new Timed();
  await copy.print(screen.copy(3).toString(), null);
  copy.times.restore(screen.times(3));
  await copy.print('next', 9);
  expect(copy.lines).toEqual([...[2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n} ${n}`), 'next 9']);
  expect(copy.times.sinceLast(copy.terminal.buffer.active.baseY + copy.terminal.buffer.active.cursorY)).toBe(1);
  const restored = new Timed();
  await restored.print('old\r\nlogin: ', null);
  await restored.print('pi\r\nnew', 7);
  expect(restored.lines).toEqual(['old ?', 'login: pi ?', 'new 7']);
  expect(restored.times.sinceLast(2)).toBeNull();
  screen.dispose();
});

test('the emulator’s list of lines has the events and the method that are followed', () => {
  const { _core: core } = new Timed().terminal as unknown as { _core: { buffers: { normal: { lines: object } } } };
  for (const name of ['onTrim', 'onInsert', 'onDelete', 'shiftElements'])
    expect(typeof (core.buffers.normal.lines as Record<string, unknown>)[name], name).toBe('function');
});

const row = fc.integer({ min: 1, max: 6 });
const control = fc.oneof(
  fc.constantFrom('\r\n', '\n', '\x1bM', '\x1bD', '\x1bE', '\x1b[2J', '\x1b[J', '\x1b[r', '\x1b7', '\x1b8'),
  fc.constantFrom('\x1b[?1049h', '\x1b[?1049l', '\x1b[?6h', '\x1b[?6l', '\x1b[3J'),
  fc.tuple(row, fc.constantFrom(...Array.from('LMSTABd'))).map(([n, final]) => `\x1b[${n}${final}`),
  fc.tuple(row, row).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
);
/** A number: a line with it is written. Two: the terminal gets this size. */
const step = fc.oneof(fc.constant('line' as const), control, fc.tuple(fc.integer({ min: 3, max: 8 }), row));

test('whatever moves lines, a line that says when it was written has that time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const timed = new Timed(8, 5, 6);
      for (const [at, one] of steps.entries()) {
        if (typeof one !== 'string') timed.terminal.resize(one[0] + 3, one[1]);
        else await timed.print(one === 'line' ? `\r\x1b[2K${at}` : one, at);
      }
      for (const line of timed.lines) {
        const [text, time] = line.split(' ');
        expect(time, `${line} of ${JSON.stringify(steps)}`).toBe(text);
      }
      timed.terminal.dispose();
    }),
    { numRuns: 400 },
  );
});
