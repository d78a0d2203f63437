/**
 * Every view at every size: one golden a view with its characters at all sizes, and at three of them its ASCII and its looks
 * in 256, 16 and no colours. Over all of them: no label is cut without a mark, and no large part of the screen is empty.
 */
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CUT, Frame } from '../../src/tui/canvas/frame.ts';
import { describeLooks, expectText, GOLDENS, TIERS } from './golden.ts';
import { SIZES, VIEWS } from './views.ts';

/** Small, usual and large: for ASCII and for the looks in 256, 16 and no colours. */
const PLAIN_SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;

/** Share of the screen that the largest empty part may have. */
const EMPTY = 0.2;
/** Views that are small where the screen is large, and the reason. */
const SMALL: Readonly<Record<string, string>> = {
  'table 60x16': 'its columns wait for alarms and operations, of which there are few',
  'table 240x70': '24 nodes have 24 rows',
  'run 60x16': 'lines of a run are short, and their time is to come',
  'run 120x40': 'the time to come is blank until it has come',
  'run 160x50': 'the time to come is blank until it has come',
};

/** Returns the share of the screen of its largest blank rectangle. */
function largestBlank({ cols, rows, chars }: Frame): number {
  const heights = new Array<number>(cols).fill(0);
  let most = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) heights[x] = chars[y * cols + x] === ' ' ? (heights[x] ?? 0) + 1 : 0;
    const open: { from: number; height: number }[] = [];
    for (let x = 0; x <= cols; x++) {
      const height = x === cols ? 0 : (heights[x] ?? 0);
      let from = x;
      for (let top = open.at(-1); top !== undefined && top.height >= height; top = open.at(-1)) {
        most = Math.max(most, top.height * (x - top.from));
        from = top.from;
        open.pop();
      }
      if (height > 0) open.push({ from, height });
    }
  }
  return most / (cols * rows);
}

afterEach(() => void vi.restoreAllMocks());

describe.each(Object.entries(VIEWS))('%s', (name, make) => {
  const frames = SIZES.map(([cols, rows]) => [`${cols}x${rows}`, () => make({ cols, rows })] as const);

  test('is its golden at every size, and at three of them in ASCII and in every number of colours', () => {
    const parts = frames.map(([size, made]) => `-- ${size}\n${textOf(made().seen())}`);
    const others = PLAIN_SIZES.flatMap(([cols, rows]) => {
      const scene = make({ cols, rows });
      const looks = TIERS.map((tier) => describeLooks(scene.seen(), tier));
      return [`-- ${cols}x${rows}, ASCII\n${textOf(scene.seen(true))}`, ...looks];
    });
    expectText(`sizes/${name}`, [...parts, ...others].join(''));
  });

  test.each(frames)('at %s no part of a fifth of the screen is empty', (size, made) => {
    const share = largestBlank(made().seen());
    if (SMALL[`${name} ${size}`] === undefined) expect(share).toBeLessThanOrEqual(EMPTY);
    else expect(share, 'is full after all: take it off the list').toBeGreaterThan(EMPTY);
  });

  test.each(frames)('at %s no text is cut without its mark, and none lies over another', (_size, made) => {
    const scene = made();
    // What an overlay covers is cut by it.
    if (scene.state.overlay !== null) return;
    const written: { x: number; y: number; text: string; room: number }[] = [];
    const spy = vi.spyOn(Frame.prototype, 'spans');
    const frame = scene.seen();
    const lines = frame.lines();
    for (const [x, y, all, width] of spy.mock.calls)
      written.push({ x, y, text: all.map(([text]) => text).join(''), room: width ?? Infinity });
    for (const { x, y, text, room } of written) {
      const end = Math.min(frame.cols, x + Math.max(0, room));
      if (text.trim() === '' || end <= x || y >= frame.rows) continue;
      const shown = lines[y]?.slice(x, Math.min(end, x + text.trimEnd().length)) ?? '';
      const whole = shown === text.trimEnd().slice(0, shown.length) && x + text.trimEnd().length <= end;
      expect(whole || shown.includes(CUT) || !shares(shown, text), `"${text}" became "${shown}" in line ${y}`).toBe(
        true,
      );
    }
  });
});

/** Returns whether a part of the text is still there: a text that was replaced as a whole is none that was cut. */
const shares = (shown: string, text: string): boolean =>
  shown.length > 3 && shown.trim().length > 3 && text.startsWith(shown.trimStart().slice(0, 4));

const textOf = (frame: Frame): string =>
  frame
    .lines()
    .map((line) => `${line.trimEnd()}\n`)
    .join('');

test('every golden of the sizes is a view', () => {
  expect(readdirSync(`${GOLDENS}/sizes`).sort()).toEqual(
    Object.keys(VIEWS)
      .map((name) => `${name}.txt`)
      .sort(),
  );
});
