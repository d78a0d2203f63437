/** What may be given to a BIOS by hand. */
import { expect, test } from 'vitest';
import { checkRawCommand } from '../../src/bmc/raw-commands.ts';

const MASTER = 0;

test.each<[string, number | null, string[]]>([
  ['#', 4, []],
  ['=', null, []],
  ['M', 4, []],
  ['[', 4, ['[']],
  ['[1f]', 4, [']', '[']],
  ['/', 4, ['/']],
  ['\\', 4, ['\\']],
  ['[00]~', 4, ['~', ']', '[']],
  ['[00]~\x07', 4, ['~', ']', '[', '^G']],
  ['[04]|=\x07', null, ['|', ']', '[', '^G']],
])('%j for %s needs confirmation for %j', (text, target, confirm) => {
  expect(checkRawCommand(text, target, MASTER)).toEqual({ refused: null, confirm });
});

test.each<[string, number | null, RegExp]>([
  ['\\', null, /backslash at the master/],
  ['\\', 0, /backslash at the master/],
  ['[04]|\\', null, /backslash at the master/],
  ['\x07\\', 4, /without proof of its address/],
  ['[04]|/', null, /without proof of its address/],
  ['[05]|\\', 4, /without proof of its address/],
  ['[00]~\\', 4, /rackui console/],
  ['\x07=', 4, /only be last/],
  ['', 4, /1 to/],
  ['x'.repeat(65), 4, /1 to/],
  ['a\r', 4, /printable/],
  ['\x1b', null, /printable/],
])('%j for %s is refused', (text, target, why) => {
  expect(checkRawCommand(text, target, MASTER).refused).toMatch(why);
});
