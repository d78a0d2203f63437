import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byName } from '../../src/lib/natural-order.ts';

describe('byName', () => {
  test.each([
    { what: 'numbers by value', names: ['node-2', 'node-10', 'node-110'] },
    { what: 'numbers beyond 2^53 by value', names: ['s9007199254740992', 's9007199254740993', 's10000000000000000'] },
    { what: 'a name before the names that begin with it', names: ['', 'node', 'node-1', 'node-1a'] },
    { what: 'letters without regard to case', names: ['Alpha', 'beta', 'Gamma'] },
    { what: 'names of the same value by their text', names: ['Node1', 'node01', 'node1'] },
    { what: 'digits before letters', names: ['1a', 'a', 'a1', 'aa'] },
  ])('sorts $what', ({ names }) => {
    expect([...names].reverse().sort(byName)).toEqual(names);
  });

  test('is a total order: two of three names in order are in order with the third', () => {
    const name = fc.string({ unit: fc.constantFrom('0', '1', '9', 'a', 'B', 'b', '-', '_', 'é'), maxLength: 6 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(byName(a, b))).toBe(-Math.sign(byName(b, a)) + 0);
        if (byName(a, b) <= 0 && byName(b, c) <= 0) expect(byName(a, c)).toBeLessThanOrEqual(0);
        expect(byName(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
