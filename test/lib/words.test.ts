import { describe, expect, test } from 'vitest';
import { count, didYouMean, listed, nearest } from '../../src/lib/words.ts';

test.each([
  [0, '0 nodes'],
  [1, '1 node'],
  [2, '2 nodes'],
])('%i is counted as %s', (number, words) => {
  expect(count(number, 'node')).toBe(words);
});

test('a plural of its own, and lists', () => {
  expect([count(1, 'entry', 'entries'), count(3, 'entry', 'entries')]).toEqual(['1 entry', '3 entries']);
  expect([listed([]), listed(['a']), listed(['a', 'b'], 'or'), listed(['a', 'b', 'c'])]).toEqual([
    ...['', 'a', 'a or b', 'a, b and c'],
  ]);
});

describe('the name that was probably meant', () => {
  const commands = ['status', 'server', 'serve', 'console', 'plan', 'on', 'off', 'alarms', 'events'];
  test.each<[word: string, names: string[]]>([
    ['stauts', ['status']],
    ['sattus', ['status']],
    ['Console', ['console']],
    ['alrams', ['alarms']],
    ['event', ['events']],
    ['plna', ['plan']],
    ['of', ['off']],
    ['stat', ['status']],
    ['serv', ['serve']],
    ['doctor', []],
    ['x', []],
    ['', []],
  ])('%j: %j', (word, names) => {
    expect(nearest(word, commands).slice(0, 1)).toEqual(names);
  });

  test('hyphens, underscores and capitals are no difference', () => {
    expect(nearest('on-deadline', ['onDeadline', 'deadline'])).toEqual(['onDeadline']);
    expect(nearest('K8S_WORKER_01', ['k8s-worker-01', 'k8s-worker-02'])).toEqual(['k8s-worker-01']);
  });

  test('equally near ones are offered together, three at most', () => {
    expect(didYouMean('ns3', ['ns1', 'ns2'])).toBe("; did you mean 'ns1' or 'ns2'?");
    expect(nearest('w0', ['w1', 'w2', 'w3', 'w4'])).toHaveLength(3);
    expect(didYouMean('beta', ['gamma'])).toBe('');
  });
});
