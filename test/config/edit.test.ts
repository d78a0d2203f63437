import { expect, test } from 'vitest';
import { withNodes, withSetting } from '../../src/config/edit.ts';
import { parseConfig } from '../../src/config/load.ts';

const VALUE = { amps: 0.0125, zero: 3 };
const WORDS = '{ amps: 0.0125, zero: 3 }';

test.each<[what: string, path: (string | number)[], before: string, after: string]>([
  ["the file's own", [], 'name: a # mine\nport: /dev/x\n', `name: a # mine\nport: /dev/x\ncalibration: ${WORDS}\n`],
  ['no line end at the end', [], 'name: a', `name: a\ncalibration: ${WORDS}\n`],
  ['there already', [], 'calibration: { amps: 1 } # old\nname: a\n', `calibration: ${WORDS} # old\nname: a\n`],
  [
    'a node in one line, remarks behind it',
    ['nodes', 1],
    'nodes:\n  - { addr: "00" }\n  - { addr: "01",  name: b }   # second\n',
    `nodes:\n  - { addr: "00" }\n  - { addr: "01",  name: b, calibration: ${WORDS} }   # second\n`,
  ],
  [
    'a node in several lines',
    ['nodes', 0],
    'nodes:\n  # first\n  - addr: "00"  # top\n    name: a\n  - addr: "01"\n',
    `nodes:\n  # first\n  - addr: "00"  # top\n    calibration: ${WORDS}\n    name: a\n  - addr: "01"\n`,
  ],
  [
    'in several lines, the last word of the file',
    ['nodes', 0],
    'nodes:\n  - addr: "00"',
    `nodes:\n  - addr: "00"\n    calibration: ${WORDS}`,
  ],
  [
    'a block of its own there already',
    ['nodes', 0],
    'nodes:\n  - addr: "00"\n    calibration:\n      amps: 1\n    name: a\n',
    `nodes:\n  - addr: "00"\n    calibration:\n      ${WORDS}\n    name: a\n`,
  ],
])('%s: one setting, every other byte as it was', (_what, path, before, after) => {
  expect(withSetting(before, path, 'calibration', VALUE)).toBe(after);
});

test.each([
  ['nothing there', ['nodes', 4], 'nodes:\n  - { addr: "00" }\n'],
  ['no mapping', ['nodes'], 'nodes: []\n'],
  ['an anchor that others share', ['nodes', 1], 'x: &x { addr: "00" }\nnodes:\n  - *x\n  - *x\n'],
])('%s: left to its owner', (_what, path, text) => {
  expect(withSetting(text, path, 'calibration', VALUE)).toBeNull();
});

test('nodes of a sheet replace values, keep other settings and comments, and are added where they are missing', () => {
  const before = [
    '# mine',
    'name: lab',
    'nodes:',
    '  # top',
    '  - { pos: A-0, addr: "00", name: boss, role: master } # the master',
    '  - pos: A-1',
    '    name: old',
    '',
  ].join('\n');
  expect(
    withNodes(before, [
      { addr: 0, ip: '10.0.0.1', name: undefined },
      { addr: 1, name: 'new', vlan: 7 },
      { addr: 0x1e, name: 'n1e' },
    ]),
  ).toBe(
    [
      '# mine',
      'name: lab',
      'nodes:',
      '  # top',
      '  - { pos: A-0, addr: "00", name: boss, role: master, ip: 10.0.0.1 } # the master',
      '  - pos: A-1',
      '    name: new',
      '    vlan: 7',
      '  - { pos: H-2, addr: "1e", name: n1e }',
      '',
    ].join('\n'),
  );
});

test('a sheet without a configuration makes one that loads', () => {
  const text = withNodes('', [{ addr: 0x10, name: 'n10', mac: 'e4:5f:01:40:58:80' }]);
  expect(parseConfig(text, 'x').nodes).toEqual([{ pos: 'E-0', addr: 0x10, name: 'n10', mac: 'e4:5f:01:40:58:80' }]);
});
