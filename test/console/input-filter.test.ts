import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BELL, filterInput } from '../../src/console/input-filter.ts';

test('every byte value but 0x07 passes, in order', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const { bytes, blocked } = filterInput(all);
  expect(blocked).toBe(1);
  expect([...bytes]).toEqual([...all].filter((byte) => byte !== BELL));
});

test('input without 0x07 is handed on as it is', () => {
  const input = new TextEncoder().encode('ls -l\r');
  expect(filterInput(input)).toEqual({ bytes: input, blocked: 0 });
});

test('no input lets 0x07 through, and nothing else is lost', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 9 }), (input) => {
      const { bytes, blocked } = filterInput(input);
      expect(bytes.includes(BELL)).toBe(false);
      expect(bytes.length + blocked).toBe(input.length);
    }),
  );
});
