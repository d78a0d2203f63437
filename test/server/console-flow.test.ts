import { expect, test } from 'vitest';
import { FloodDetector, type FloodChange } from '../../src/server/consoles/flood-detector.ts';

const text = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0x61);

/** So many bytes every 100 ms, for so long. */
function play(flow: FloodDetector, from: number, ms: number, bytes: number): FloodChange[] {
  const news: FloodChange[] = [];
  for (let at = from; at < from + ms; at += 100) news.push(...flow.feed(text(bytes), at));
  return news;
}

test('a node that fills its line for seconds floods, once; a boot does not', () => {
  const flow = new FloodDetector(115200);
  expect(play(flow, 0, 4_000, 1100)).toEqual([]);
  expect(play(flow, 4_000, 6_000, 10)).toEqual([]);
  const flood = play(flow, 10_000, 20_000, 1100);
  expect(flood).toMatchObject([{ kind: 'flood' }]);
  expect(flow.tick(31_500)).toEqual([]);
  expect(flow.tick(33_000)).toMatchObject([{ kind: 'calm' }]);
  expect(flow.tick(40_000)).toEqual([]);
});

test('the same amount floods a slower line and not a faster one', () => {
  expect(play(new FloodDetector(9600), 0, 8_000, 90)).toMatchObject([{ kind: 'flood' }]);
  expect(play(new FloodDetector(57600), 0, 8_000, 90)).toEqual([]);
});

test('text in any language is readable; what another rate makes of it is not', () => {
  const readable = Buffer.from('Grüße, 日本語, \x1b[1mcolour\x1b[0m\r\n'.repeat(20));
  expect(new FloodDetector(115200).feed(readable, 0)).toEqual([]);
  const wrong = readable.map((byte) => ((byte << 3) ^ 0xe5 ^ (byte >> 2)) & 0xff);
  expect(new FloodDetector(115200).feed(wrong, 0)).toEqual([{ kind: 'unreadable' }]);
});
