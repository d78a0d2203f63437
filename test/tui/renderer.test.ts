/** When frames are drawn: output of a console does not wait for the time of a frame that showed something else. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Frame } from '../../src/tui/canvas/frame.ts';
import type { RackSession } from '../../src/tui/rack-session.ts';
import { Renderer } from '../../src/tui/renderer.ts';
import type { Terminal } from '../../src/tui/terminal/terminal.ts';
import { Scene } from '../screens/scene.ts';

const SIZE = { cols: 120, rows: 40 };

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }));
afterEach(() => void vi.useRealTimers());

interface Stage {
  scene: Scene;
  renderer: Renderer;
  /** Every frame that was shown, and the rows that were compared. */
  frames: { frame: Frame; rows: number }[];
}

function stage(): Stage {
  const scene = new Scene(SIZE).keys('03', '\r').attached('login: ');
  const frames: Stage['frames'] = [];
  const show = (frame: Frame, _sure: boolean, rows: { height: number } = { height: frame.rows }): boolean =>
    frames.push({ frame, rows: rows.height }) > 0;
  const terminal = { congested: false, settled: true, onDrain: () => undefined, show } as unknown as Terminal;
  const session = {
    get state() {
      return scene.state;
    },
    screens: scene.screens,
    limitScroll: () => undefined,
  } as unknown as RackSession;
  const renderer = new Renderer({ terminal, sessions: [session], active: () => 0, size: () => SIZE, ascii: 'no' });
  return { scene, renderer, frames };
}

test('the echo of a key is drawn in the turn of its arrival, though a frame was drawn a moment ago', () => {
  const { renderer, frames } = stage();
  renderer.draw();
  vi.advanceTimersByTime(0);
  expect(frames.map(({ rows }) => rows)).toEqual([SIZE.rows]);
  vi.advanceTimersByTime(3);
  renderer.drawOutput();
  vi.advanceTimersByTime(0);
  expect(frames).toHaveLength(2);
  expect(frames[1]?.rows).toBeLessThan(SIZE.rows);
});

test('the echo of a key is drawn at once behind the output before it', () => {
  const { renderer, frames } = stage();
  renderer.draw();
  vi.advanceTimersByTime(100);
  for (const ms of [0, 4, 4]) {
    vi.advanceTimersByTime(ms);
    renderer.drawOutput();
  }
  expect(frames).toHaveLength(4);
});

test('a console that prints without pause is drawn once in the time of a frame', () => {
  const { renderer, frames } = stage();
  renderer.draw();
  vi.advanceTimersByTime(0);
  for (let ms = 0; ms < 320; ms++) {
    renderer.drawOutput();
    vi.advanceTimersByTime(1);
  }
  expect(frames.length - 1).toBeGreaterThan(18);
  expect(frames.length - 1).toBeLessThanOrEqual(23);
});

test('output that comes with another change is drawn with it, whole', () => {
  const { scene, renderer, frames } = stage();
  renderer.draw();
  vi.advanceTimersByTime(0);
  scene.later(20_000);
  renderer.draw();
  renderer.drawOutput();
  vi.advanceTimersByTime(0);
  expect(frames.map(({ rows }) => rows)).toEqual([SIZE.rows, SIZE.rows]);
  expect(frames[1]?.frame.lines()).toEqual(scene.seen().lines());
  vi.advanceTimersByTime(100);
  expect(frames).toHaveLength(2);
});
