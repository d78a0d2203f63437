import { expect, test } from 'vitest';
import { circles, files, imports, isOwn } from './imports.ts';

const graph = (edges: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(edges));

test('circles names the files that reach each other, once, the largest group first', () => {
  const found = circles(
    graph({ a: ['b', 'x'], b: ['c'], c: ['a', 'd'], d: ['e'], e: ['d'], x: ['c'], alone: ['a'], top: ['alone'] }),
  );
  expect(found).toEqual([
    ['a', 'b', 'c', 'x'],
    ['d', 'e'],
  ]);
});

test('circles finds nothing where two paths only meet again', () => {
  expect(circles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
});

test('every relative import leads to a file', () => {
  const paths = imports.filter((one) => /^[^@:]*\.tsx?$/.test(one.target) && !isOwn(one));
  expect(paths).toEqual([]);
  expect(files.length).toBeGreaterThan(200);
});
