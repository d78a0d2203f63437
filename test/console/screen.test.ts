import { afterEach, expect, test } from 'vitest';
import { NodeScreen } from '../../src/console/screen.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const open: NodeScreen[] = [];
afterEach(() => {
  for (const screen of open.splice(0)) screen.dispose();
});
function screenOf(cols = 40, rows = 5, scrollback = 100): NodeScreen {
  const screen = new NodeScreen({ cols, rows, scrollback });
  open.push(screen);
  return screen;
}

test('shows what a terminal would show', async () => {
  const screen = screenOf();
  screen.write(encode('one\r\n\x1b[31mtwo\x1b[0m\x1b[3;5Hthree'));
  await screen.flush();
  expect(screen.text()).toBe('one\ntwo\n    three\n\n');
});

test('a buffer may be reused right after write', async () => {
  const screen = screenOf();
  const buffer = encode('first');
  screen.write(buffer);
  buffer.fill(0x78);
  await screen.flush();
  expect(screen.text().split('\n')[0]).toBe('first');
});

test('a UTF-8 character split over two writes is one character', async () => {
  const screen = screenOf();
  const bytes = encode('größe');
  screen.write(bytes.subarray(0, 3));
  screen.write(bytes.subarray(3));
  await screen.flush();
  expect(screen.text().split('\n')[0]).toBe('größe');
});

test('serialize rebuilds screen and as much scrollback as asked in another screen', async () => {
  const screen = screenOf();
  for (let n = 1; n <= 50; n++) screen.write(encode(`line ${n}\r\n`));
  await screen.flush();
  const late = screenOf();
  late.write(encode(screen.serialize(10)));
  await late.flush();
  expect(late.text()).toBe(screen.text());
  const above = late.serialize(100);
  expect(above).toContain('line 40');
  expect(above).not.toContain('line 30\r');
});

test('serialize carries nothing that acts on the terminal of who reads it', async () => {
  const screen = screenOf();
  screen.write(encode('\x1b]52;c;c2VjcmV0\x07\x1b]0;title\x07\x1bP+q544e\x1b\\\x1b[c\x1b[6n\x1b[5i\x07text'));
  await screen.flush();
  const out = screen.serialize(100);
  expect(out).toContain('text');
  expect(out).not.toMatch(/\x1b[\]P^_X]|\x07|\x1b\[[\d;]*[cni]/);
});

test('answers of the terminal are offered once each', async () => {
  const screen = screenOf();
  const replies: string[] = [];
  const off = screen.onReply((bytes) => replies.push(new TextDecoder().decode(bytes)));
  screen.write(encode('ab\x1b[6n'));
  await screen.flush();
  expect(replies).toEqual(['\x1b[1;3R']);
  off();
  screen.write(encode('\x1b[6n'));
  await screen.flush();
  expect(replies).toHaveLength(1);
});

// The line the cursor stands on belongs to the program that draws it: the emulator wraps only finished ones.
test('resize keeps the text', async () => {
  const screen = screenOf(20, 4);
  screen.write(encode('abcdefghijklmnopqrst\r\n'));
  await screen.flush();
  screen.resize(10, 4);
  expect([screen.cols, screen.rows]).toEqual([10, 4]);
  expect(screen.text().replaceAll('\n', '')).toBe('abcdefghijklmnopqrst');
});

test('who joins late has the scrolling region, too: what scrolls then scrolls the same rows', async () => {
  const screen = screenOf();
  screen.write(encode('top\r\n\x1b[2;4r\x1b[5;1Hfoot\x1b[2;1Ha\r\nb\r\nc\x1b[?25l\x1b[4 q'));
  await screen.flush();
  const late = screenOf();
  const copy = screen.serialize(10);
  expect(copy).toContain('\x1b[?25l\x1b[4 q');
  late.write(encode(copy));
  for (const one of [screen, late]) {
    one.write(encode('\r\nd'));
    await one.flush();
    expect(one.text()).toBe('top\nb\nc\nd\nfoot');
  }
});
