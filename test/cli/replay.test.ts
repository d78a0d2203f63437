/** A console's log as a recording and as a page: the formats, the times, and what a node can do to neither. */
import { expect, test } from 'vitest';
import type { TimedEvent } from '../../src/api/node.ts';
import { CastWriter, type CastOptions } from '../../src/cli/console/cast.ts';
import { PageWriter } from '../../src/cli/console/page.ts';
import { clockSet } from '../../src/console/log-lines.ts';
import { emulatorOf } from '../support/twin.ts';

const AT = Date.UTC(2026, 6, 14, 12, 0, 0);
const output = (ms: number, text: string, size = { cols: 80, rows: 24 }): TimedEvent => ({
  at: AT + ms,
  is: 'output',
  bytes: Buffer.from(text).toString('base64'),
  ...size,
});
const mark = (ms: number, text: string): TimedEvent => ({ at: AT + ms, is: 'mark', text });

async function cast(events: readonly TimedEvent[], options: Partial<CastOptions> = {}): Promise<unknown[]> {
  const lines: unknown[] = [];
  const all = { version: 3, title: 'console of n3', idleS: null, ...options } as const;
  const writer = new CastWriter(all, null, (line) => void lines.push(JSON.parse(line)));
  for (const event of events) await writer.feed(event);
  writer.end();
  return lines;
}

/** The screen after all output of a cast of version 3, and the bytes that drew it. */
async function play(lines: readonly unknown[]): Promise<{ screen: string[]; bytes: string }> {
  const bytes = (lines.slice(1) as [number, string, string][])
    .filter(([, code]) => code === 'o')
    .map(([, , data]) => data)
    .join('');
  const emulator = emulatorOf(80, 24);
  await new Promise<void>((resolve) => emulator.write(bytes, resolve));
  const screen = Array.from({ length: 24 }, (_, y) => emulator.buffer.active.getLine(y)?.translateToString(true) ?? '');
  emulator.dispose();
  return { screen, bytes };
}

const EVENTS = [mark(0, 'console opened'), output(1500, 'one\r\n'), output(1750, 'two'), mark(4000, 'bob types')];

test('a cast of version 3 has the size in its header, and the time since the event before', async () => {
  const [header, ...events] = await cast(EVENTS, { idleS: 2 });
  expect(header).toEqual({
    version: 3,
    term: { cols: 80, rows: 24, type: 'xterm-256color' },
    timestamp: AT / 1000,
    title: 'console of n3',
    idle_time_limit: 2,
  });
  expect(events).toEqual([
    [0, 'o', expect.stringContaining('\x1b[2J')],
    [0, 'm', 'console opened'],
    [1.5, 'o', expect.stringContaining('one')],
    [0.25, 'o', expect.stringContaining('two')],
    [2.25, 'm', 'bob types'],
    [0, 'o', expect.any(String)],
  ]);
});

test('a cast of version 2 has its own header, and the time since the beginning', async () => {
  const [header, ...events] = await cast(EVENTS, { version: 2 });
  expect(header).toMatchObject({ version: 2, width: 80, height: 24, timestamp: AT / 1000 });
  expect((events as [number][]).map(([at]) => at)).toEqual([0, 0, 1.5, 1.75, 4, 4]);
});

test('where the clock was set, the time between two events stays what it was', async () => {
  const lines = await cast([output(0, 'a'), mark(3_601_000, clockSet(3_600_000)), output(3_602_000, 'b')]);
  expect((lines.slice(2) as [number, string][]).map(([after, code]) => [after, code])).toEqual([
    [0, 'o'],
    [1, 'm'],
    [1, 'o'],
    [0, 'o'],
  ]);
});

test('a cast begins with the screen of its first moment, follows sizes, and resets modes where the console did', async () => {
  const lines = await cast([
    { at: AT, is: 'before', bytes: Buffer.from('torn\r\nprompt$ ').toString('base64'), cols: 80, rows: 24 },
    output(0, 'ls\r\n\x1b(0qqq'),
    { at: AT + 500, is: 'reset' },
    output(600, 'qqq'),
    output(1000, 'wide', { cols: 120, rows: 40 }),
  ]);
  expect((lines.slice(1) as [number, string, string][]).find(([, code]) => code === 'r')).toEqual([0.4, 'r', '120x40']);
  expect((await play(lines)).screen.slice(0, 2)).toEqual(['prompt$ ls', '───qqqwide']);
});

test('a cast brings nothing of a node but cells: no title, no clipboard, no question, no mode', async () => {
  const hostile =
    '\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1bP+q\x1b\\\x1b[c\x1b[6n\x1b[?1000h\x1b[?2004h\x1b[8;1;1t\x1b[2147483647b\x05ok';
  const { screen, bytes } = await play(await cast([output(0, `${hostile}\x1b[31mred\x1b[m`)]));
  expect(screen[0]).toBe('okred');
  // Positions, colours, erasing, the scrolling region, the cursor: what the painter of the bare console sends.
  expect(bytes.replace(/\x1b(?:\[[\d;]*[HKJmr]|\[\?25h|[78])/g, '')).toMatch(/^[ -~\n]*$/);
});

function page(events: readonly TimedEvent[]): string {
  const lines: string[] = [];
  const writer = new PageWriter('console of n3 <A-3>', (line) => lines.push(line));
  for (const event of events) writer.feed(event);
  writer.end();
  return lines.join('\n');
}
const rows = (html: string): string[] =>
  [...html.matchAll(/<p id="l\d+"[^>]*><a [^>]*><time [^>]*>([^<]*)<\/time><\/a> {2}(.*)<\/p>/g)].map(
    ([, time = '', text = '']) => `${time} ${text}`,
  );

test('a page has each line with the time of its first character, and marks behind the line that they met', () => {
  const html = page([
    mark(0, 'console opened'),
    output(1000, 'log'),
    mark(1010, 'bob joined'),
    output(1020, 'in: \r\n'),
    output(2000, 'Password: '),
    mark(9000, 'bob left'),
    output(9500, '\x1b[?1049hvim'),
  ]);
  expect(rows(html)).toEqual([
    '12:00:00.000 * console opened',
    '12:00:01.000 login:',
    '12:00:01.010 * bob joined',
    '12:00:02.000 Password:',
    '12:00:09.000 * bob left',
    expect.stringMatching(/^12:00:09.500 \* a program uses the whole screen/),
  ]);
});

test('a page shows colours and styles of all kinds', () => {
  const [row] = rows(
    page([output(0, '\x1b[1;31mA\x1b[0;38;5;208;4mB\x1b[0;48;2;1;2;3mC\x1b[38:2::9:8:7mD\x1b[7;27;3mE\x1b[m.\r\n')]),
  );
  expect(row?.replace(/^\S+ /, '')).toBe(
    [
      '<span class="b" style="color:#ef8791">A</span>',
      '<span class="u" style="color:#ff8700">B</span>',
      '<span style="background:#010203">C</span>',
      '<span style="color:#090807;background:#010203">D</span>',
      '<span class="i" style="color:#090807;background:#010203">E</span>.',
    ].join(''),
  );
});

test('what a node prints is text in a page: no element, no entity, no script, no address', () => {
  const html = page([
    output(0, '</p><script>alert(1)</script><img src="http://x/">&amp;\u202e\x1b]8;;http://y/\x07z\r\n'),
  ]);
  expect(rows(html)[0]).toContain(
    '&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=&quot;http://x/&quot;&gt;&amp;amp;z',
  );
  expect(html).not.toMatch(/<script|<img|src="|href="(?!#)/);
  expect(html).toContain('console of n3 &lt;A-3&gt;');
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
});
