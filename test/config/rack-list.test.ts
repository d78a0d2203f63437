import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRackList, loadWishes } from '../../src/config/rack-list.ts';

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

test('what it says of the operator’s terminal holds for all of them; what a rack’s own file says does not', () => {
  writeFileSync(
    join(dir, 'own.yaml'),
    'name: own\nport: /dev/o\ninterface: { bell: true }\nkeys: { map: { quit: Q } }\n',
  );
  const path = join(dir, 'list.yaml');
  const wishes = (text: string): object => {
    writeFileSync(path, text);
    const { interface: terminal, keys } = loadWishes(path);
    return { terminal, keys };
  };
  expect(wishes('racks: [own.yaml]\ninterface: { mouse: true }\nkeys: { map: { power: W } }\n')).toEqual({
    terminal: { mouse: true, bell: false },
    keys: { map: { power: 'W' } },
  });
  expect(wishes('racks: [own.yaml]\n')).toEqual({ terminal: { mouse: false, bell: false }, keys: {} });
  expect(loadWishes(join(dir, 'own.yaml')).keys).toEqual({ map: { quit: 'Q' } });
});

test('one rack’s configuration is no list', () => {
  expect(load('name: x\nplans: {}\n')).toBeNull();
});

test('racks on other machines stand in the order of the file, beside those on this one', () => {
  const { all, racks } = load('racks: [{ name: far, ssh: pi@mcp-far, viewOnly: true }, a.yaml]\n') ?? {
    all: [],
    racks: [],
  };
  expect(all.map(({ name }) => name)).toEqual(['far', 'north']);
  expect(racks.map(({ config }) => config.name)).toEqual(['north']);
  expect(all[0]).toMatchObject({ remote: { ssh: 'pi@mcp-far', options: [], viewOnly: true } });
});

describe('what is wrong is said with its place', () => {
  test.each([
    [
      'racks: []\n',
      'list.yaml:1:8: racks: found an empty list; expected a list of racks, e.g. [north.yaml, { name: south, ssh: pi@mcp-south }]',
    ],
    ['racks: a.yaml\n', "list.yaml:1:8: racks: found the text 'a.yaml'; expected a list of racks"],
    ['racks:\n', 'list.yaml:'],
    ['racks: [a.yaml, 3]\n', 'list.yaml:1:17: racks.1: found 3; expected the path of a rack’s configuration file'],
    [
      'racks: [a.yaml]\nport: /dev/x\n',
      'list.yaml:2:1: port: a file with racks: may only have plans, interface, keys and commands beside it',
    ],
    ['racks: [a.yaml]\ninterface: { mouse: yes }\n', 'list.yaml:2:21: interface.mouse: '],
    [
      'racks: [a.yaml]\ninterface: { moose: true }\n',
      "list.yaml:2:14: interface.moose: no such setting; did you mean 'mouse'?",
    ],
    ['racks: [a.yaml, same-name.yaml]\n', 'list.yaml:1:17: racks.1: same-name.yaml: the name North is already used by'],
    [
      'racks: [a.yaml, same-port.yaml]\n',
      'list.yaml:1:17: racks.1: same-port.yaml: the port /dev/a is already used by north',
    ],
    ['racks: [a.yaml, missing.yaml]\n', 'missing.yaml: there is no such file'],
    ['racks: [wrong.yaml]\n', 'wrong.yaml:2:1: prot: no such setting'],
    ['racks: [list.yaml]\n', 'list.yaml:1:1: racks: no such setting'],
    [
      `racks: [${Array.from({ length: 65 }, () => 'a.yaml').join(', ')}]\n`,
      'list.yaml:1:8: racks: found a list; 64 at most',
    ],
    ['racks: [a.yaml, { name: NORTH, ssh: pi@b }]\n', 'racks.1: pi@b: the name NORTH is already used by'],
    ['racks: [{ name: b, ssh: -oProxyCommand=x }]\n', 'racks.0'],
    ['racks: [{ name: b, ssh: "pi@h;reboot" }]\n', 'racks.0'],
    ['racks: [{ name: b, ssh: pi@h, options: [ProxyCommand=x] }]\n', 'racks.0'],
    ['racks: [{ name: b }]\n', 'racks.0'],
    [
      'racks: [{ name: role, ssh: pi@b }]\n',
      "racks.0: pi@b: 'role': the name of one of several racks precedes a colon in selectors",
    ],
    ['racks: [a.yaml\n', 'list.yaml:2:1: not YAML'],
  ])('%s', (text, message) => {
    expect(() => load(text)).toThrow(message);
  });
});

test('plans of several racks are checked against the racks’ own, each problem with its place', () => {
  writeFileSync(
    join(dir, 'master.yaml'),
    [
      ...['name: here', 'port: /dev/m', 'poweroff: [systemctl, poweroff]'],
      'nodes: [{ addr: "00", name: boss, role: master }, { addr: "01", name: n1 }]',
      'plans:',
      '  all: { steps: [{ name: a, action: off, selector: n1 }, { name: b, action: off, selector: boss }] }',
      '  workers: { steps: [{ name: a, action: off, selector: n1 }] }',
      '',
    ].join('\n'),
  );
  const racks = 'racks: [master.yaml, { name: far, ssh: pi@far }]\n';
  const good = 'plans: { p: { steps: [{ name: a, plans: [here/workers, far/x] }, { name: b, plans: [here/all] }] } }\n';
  expect(load(racks + good)?.plans['p']?.steps.map(({ onFail }) => onFail)).toEqual(['pause', 'pause']);
  const problemsOf = (plans: string): string => {
    try {
      load(`${racks}plans: { p: { steps: [${plans}] } }\n`);
    } catch (error) {
      return error instanceof Error ? error.message.replaceAll(`${dir}/`, '') : '';
    }
    return '';
  };
  expect(problemsOf('{ name: a, plans: [here/wokers] }')).toBe(
    "list.yaml:2:42: plans.p.steps.0.plans.0: rack here has no plan 'wokers'; its plans: all, workers; did you mean 'workers'?",
  );
  expect(problemsOf('{ name: a, plans: [here/all] }, { name: b, plans: [far/x] }')).toMatch(
    /^list\.yaml:2:42: plans\.p\.steps\.0\.plans\.0: here\/all shuts down this machine, .* alone in the last step$/,
  );
  expect(problemsOf('{ name: a, plans: [] }')).toMatch(/plans\.p\.steps\.0\.plans/);
});
