/** Events: the weighty ones stay on the screen, one line each; the list filters by level and follows new ones. */
import { expect, test } from 'vitest';
import type { EventRecord } from '../../src/api/methods.ts';
import { weightiest } from '../../src/tui/screen/event-lines.ts';
import { MIXED, NOW, Scene } from '../screens/scene.ts';

const event = (seq: number, level: EventRecord['level'], minutesAgo: number): EventRecord => ({
  ...{ seq, level, at: NOW - minutesAgo * 60_000, topic: 'session', addr: null },
  text: `${level} ${seq}`,
});

test('sessions that come and go do not push an alarm away, until it is half a day old', () => {
  const joins = Array.from({ length: 50 }, (_, i) => event(i + 2, 'info', 49 - i));
  expect(weightiest([event(1, 'alarm', 60), ...joins], 3).map(({ seq }) => seq)).toEqual([1, 50, 51]);
  expect(weightiest([event(1, 'alarm', 13 * 60), ...joins], 3).map(({ seq }) => seq)).toEqual([49, 50, 51]);
});

test('events of one level stand by their time, as many as there is room for', () => {
  const alarms = Array.from({ length: 5 }, (_, i) => event(i + 1, 'alarm', 5 - i));
  expect(weightiest(alarms, 2).map(({ seq }) => seq)).toEqual([4, 5]);
  expect(weightiest(alarms, 9)).toHaveLength(5);
  expect(weightiest(alarms, 0)).toEqual([]);
});

test('a long event takes one line below the map, with the mark of a cut, and stands in full in the list', () => {
  const scene = new Scene({ cols: 80, rows: 24, nodes: MIXED });
  const text = `a sentence that goes on ${'and on '.repeat(15)}to its end`;
  scene.dispatch({ type: 'event', note: { ...event(9, 'alarm', 0), text } });
  const lines = scene
    .seen()
    .lines()
    .filter((line) => line.includes('a sentence'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^ ▲ \d\d:\d\d:\d\d a sentence.*…/);
  expect(scene.seen().lines().join('\n')).not.toContain('to its end');
  expect(scene.keys('e').seen().lines().join('\n')).toContain('to its end');
});

test('an event longer than the screen is cut with its mark, inside the box', () => {
  const scene = new Scene({ cols: 60, rows: 16, nodes: MIXED });
  scene.dispatch({ type: 'event', note: { ...event(9, 'alarm', 0), text: 'and on '.repeat(300) } });
  const lines = scene.keys('e').seen().lines();
  expect(lines.filter((line) => line.includes('╰') && line.includes('╯'))).toHaveLength(1);
  expect(lines.findLast((line) => line.includes('and on'))).toMatch(/…/);
});

test('the list leaves out levels in turn, keeps its place while events come, and goes to the node', () => {
  const scene = new Scene({ cols: 80, rows: 24, nodes: MIXED }).keys('e');
  const shown = (): string => scene.seen().lines().join('\n');
  expect(shown()).toContain('the bus is ready');
  scene.keys('f');
  expect(shown()).not.toContain('the bus is ready');
  scene.keys('f');
  expect(shown()).toContain('does not answer any more');
  expect(shown()).not.toContain('was switched off by eve');
  // One up: the warning. A new alarm leaves it selected.
  scene.keys('k').dispatch({ type: 'event', note: event(9, 'alarm', 0) });
  expect(scene.keys('\r').state).toMatchObject({ overlay: null, cursor: 0x11, focus: 'map' });
});
