import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRackList } from '../../src/config/rack-list.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rackui-list-'));
  const files = {
    'a.yaml': 'name: north\nport: /dev/a\n',
    'b.yaml': 'name: south\nport: /dev/b\n',
    'same-name.yaml': 'name: North\nport: /dev/c\n',
    'same-port.yaml': 'name: east\nport: /dev/a\n',
    'wrong.yaml': 'name: x\nprot: /dev/a\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function load(text: string): ReturnType<typeof loadRackList> {
  const path = join(dir, 'list.yaml');
  writeFileSync(path, text);
  return loadRackList(path);
}

test('the racks in the order of the file, their paths beside it', () => {
  const list = load('# two\nracks:\n  - b.yaml\n  - a.yaml\n');
  expect(list?.racks.map(({ config, path }) => [config.name, path])).toEqual([
    ['south', join(dir, 'b.yaml')],
    ['north', join(dir, 'a.yaml')],
  ]);
});

test('one rack’s configuration is no list', () => {
  expect(load('name: x\nplans: {}\n')).toBeNull();
});

describe('what is wrong is said with its place', () => {
  test.each([
    ['racks: []\n', 'list.yaml:1:8: racks: a list of the racks’ files, e.g. [north.yaml, south.yaml]'],
    ['racks: a.yaml\n', 'list.yaml:1:8: racks: a list of the racks’ files'],
    ['racks:\n', 'list.yaml:'],
    ['racks: [a.yaml, 3]\n', 'list.yaml:1:17: racks: the path of a rack’s configuration file'],
    ['racks: [a.yaml]\nport: /dev/x\n', 'list.yaml:2:1: a file with racks: holds nothing else'],
    ['racks: [a.yaml, same-name.yaml]\n', 'list.yaml:1:17: same-name.yaml: the name North is already that of'],
    ['racks: [a.yaml, same-port.yaml]\n', 'list.yaml:1:17: same-port.yaml: the port /dev/a is already that of north'],
    ['racks: [a.yaml, missing.yaml]\n', 'missing.yaml: there is no such file'],
    ['racks: [wrong.yaml]\n', 'wrong.yaml:2:1: prot: no such setting'],
    ['racks: [list.yaml]\n', 'list.yaml:1:1: racks: no such setting'],
    [`racks: [${Array.from({ length: 9 }, () => 'a.yaml').join(', ')}]\n`, 'list.yaml:1:8: racks: 8 at most'],
    ['racks: [a.yaml\n', 'list.yaml:2:1: not YAML'],
  ])('%s', (text, message) => {
    expect(() => load(text)).toThrow(message);
  });
});
