/** A recording says again what it heard. */
import { expect, test } from 'vitest';
import { Replay } from '../../src/sim/replay.ts';

const HEAD = '{"format":"rackui-recording","version":1}';
const recording = (...lines: [number, 'in' | 'out', string][]): string =>
  [HEAD, ...lines.map(([t, d, b]) => JSON.stringify({ t, d, b }))].join('\n');
const words = (replay: Replay, text: string): [number, string][] =>
  replay.hear(text, 0).map(({ after, text: said }) => [after, said]);

test('every question has its answers in their order, silence too, and the last one again and again', () => {
  const replay = new Replay(
    recording(
      [0, 'out', '\x07'],
      [1, 'out', '='],
      [300, 'out', '='],
      [303, 'in', '=\r\n'],
      [304, 'in', '00 00 1 1d 74\r\n'],
      [310, 'out', '[04]|='],
      [313, 'in', '04|=\r\n04 ff 1 26 98\r\n'],
      [314, 'out', '\x07'],
      [320, 'out', '[04]|='],
      [322, 'in', '04|=\r\n04 ff 0 00 00\r\n'],
    ),
  );
  expect(words(replay, '\x07')).toEqual([]);
  expect(words(replay, '=')).toEqual([]);
  expect(words(replay, 'UnLockMe')).toEqual([]);
  const master: [number, string][] = [
    [3, '=\r\n'],
    [4, '00 00 1 1d 74\r\n'],
  ];
  expect(words(replay, '=')).toEqual(master);
  expect(words(replay, '=')).toEqual(master);
  expect(words(replay, '[04]|=')).toEqual([[3, '04|=\r\n04 ff 1 26 98\r\n']]);
  // In the pipe a bare `=` is another question than at the master: this one was never asked.
  expect(words(replay, '=')).toEqual([]);
  words(replay, '\x07');
  expect(words(replay, '[04]|=')).toEqual([[2, '04|=\r\n04 ff 0 00 00\r\n']]);
  words(replay, '\x07');
  expect(words(replay, '[05]|=')).toEqual([]);
});

test('a console goes on by itself, and waits where a key was pressed', () => {
  const replay = new Replay(
    recording(
      [0, 'out', '[04]|='],
      [2, 'in', '04|=\r\n04 ff 1 26 98\r\n'],
      [3, 'out', '[00]~'],
      [5, 'in', '00~'],
      [50, 'out', '\r'],
      [60, 'in', 'ns01 login: '],
    ),
  );
  words(replay, '[04]|=');
  words(replay, '[00]~');
  expect(replay.tell(1)).toEqual({ wait: 1 });
  expect(replay.tell(2)).toEqual({ text: '00~' });
  expect(replay.tell(5_000)).toBeNull();
  replay.hear('\r', 6_000);
  expect(replay.tell(6_004)).toEqual({ wait: 6 });
  expect(replay.tell(6_010)).toEqual({ text: 'ns01 login: ' });
  words(replay, '\x07');
  expect(replay.tell(9_000)).toBeNull();
});

test.each(['', 'x', '{"format":"rackui-recording","version":2}'])('%j is no recording', (text) => {
  expect(() => new Replay(text)).toThrow(/no recording/);
});
