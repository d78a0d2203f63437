import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inventoryOf, loadConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { formatAddress, formatPosition } from '../../src/rack/address.ts';
import { compressNames, select } from '../../src/rack/selectors.ts';

const { inventory: er24a } = loadConfig('src/config/racks/er24a.yaml');

function rackOf(...nodes: [addr: string, name: string][]): typeof er24a {
  return inventoryOf(configSchema.parse({ name: 'test', nodes: nodes.map(([addr, name]) => ({ addr, name })) }));
}

/** The names meant, in address order, or the problem. */
function meaning(words: string, rack = er24a): string {
  const selection = select([words], rack);
  return selection.ok ? selection.nodes.map(({ name }) => name).join(' ') : selection.problem;
}

describe('what a selector means', () => {
  test.each([
    ['ns01', 'ns01'],
    ['NS01', 'ns01'],
    ['03', 'k8s-worker-04'],
    ['0x03', 'k8s-worker-04'],
    ['3', 'k8s-worker-04'],
    ['A-3', 'k8s-worker-04'],
    ['a3', 'k8s-worker-04'],
    ['04-06', 'ns01 dk8s-worker-02 k8s-controlplane-02'],
    ['16-7f', 'k8s-worker-03 k8s-worker-09'],
    ['k8s-worker-[01-02]', 'k8s-worker-01 k8s-worker-02'],
    ['k8s-worker-[01,03-04]', 'k8s-worker-04 k8s-worker-01 k8s-worker-03'],
    ['k8s-worker-[01, 03]', 'k8s-worker-01 k8s-worker-03'],
    ['row:A', 'mcp01 dk8s-worker-01 k8s-controlplane-01 k8s-worker-04'],
    ['row:a !mcp01', 'dk8s-worker-01 k8s-controlplane-01 k8s-worker-04'],
    ['!00 row:A', 'dk8s-worker-01 k8s-controlplane-01 k8s-worker-04'],
    ['role:dns', 'ns01 ns02'],
    ['cluster:dev !role:worker', 'dk8s-controlplane-01 dk8s-controlplane-02 dk8s-controlplane-03'],
    ['ns01,ns02', 'ns01 ns02'],
    ['ns01, ns02  ns01', 'ns01 ns02'],
    ['name:ns01 addr:03 pos:A-1', 'dk8s-worker-01 k8s-worker-04 ns01'],
    ['addr:04-05', 'ns01 dk8s-worker-02'],
  ])('%s', (words, names) => {
    expect(meaning(words)).toBe(names);
  });

  test.each([
    ['', 'give at least one node'],
    [' , ', 'give at least one node'],
    ['nosuch', "'nosuch' is not a node of er24a"],
    ['worker', 'did you mean dk8s-worker-[01-06], k8s-worker-[01-09]?'],
    ['ns03', "'ns03' is not a node of er24a; did you mean 'ns01' or 'ns02'?"],
    ['k8s-wroker-05', "did you mean 'k8s-worker-05'?"],
    [
      'rol:worker',
      "there is no 'rol:'; groups: row:, role:, cluster:, name:, addr:, pos:; did you mean 'role:worker'?",
    ],
    ['role:wokrer', "no node has that role; roles: controlplane, dns, master, worker; did you mean 'worker'?"],
    ['cluster:prdo', "did you mean 'prod'?"],
    ['name:ns1', "no node has that name; did you mean 'ns01'?"],
    ['18', "'18' is not a node"],
    ['80', "'80' is not a node"],
    ['20-30', "'20-30' is not a node"],
    ['17-0c', "'17-0c' is not a node"],
    ['k8s-worker-[08-10]', 'there is no node k8s-worker-10'],
    ['k8s-worker-[04-01]', 'is reversed'],
    ['k8s-worker-[x]', "'x' is not a number"],
    ['k8s-worker-[01', 'brackets contain numbers'],
    ['k8s-worker-[0-999999]', 'too long'],
    ['row:Z', 'rows: A, B, C, D, E, F'],
    ['role:', 'roles: controlplane, dns, master, worker'],
    ['cluster:x', 'clusters: dev, prod'],
    ['!ns01', "write 'all !ns01'"],
    ['ns01 !ns01', 'excludes every node'],
    ['ns01 !nosuch', "'nosuch' is not a node"],
    ['addr:zz', 'two hex digits'],
  ])('%s is refused', (words, problem) => {
    expect(select([words], er24a).ok).toBe(false);
    expect(meaning(words)).toContain(problem);
  });

  test('a node named like the address of another is ambiguous, and can be told apart', () => {
    const rack = rackOf(['03', 'left'], ['05', '03']);
    expect(meaning('03', rack)).toBe("'03' is ambiguous: write name:03 (B-1, 05) or addr:03 (left, A-3, 03)");
    expect(meaning('name:03', rack)).toBe('03');
    expect(meaning('addr:03', rack)).toBe('left');
    expect(meaning('03', rackOf(['03', '03']))).toBe('03');
    expect(meaning('a-3', rackOf(['04', 'a-3'], ['03', 'x']))).toContain('is ambiguous');
    expect(meaning('01-02', rackOf(['01', 'x'], ['07', '01-02']))).toContain('is ambiguous');
  });
});

describe('properties', () => {
  const node = fc.constantFrom(...er24a.nodes);
  const nodes = fc.uniqueArray(node, { minLength: 1, selector: ({ addr }) => addr });

  test('name, address and position of a node mean that node', () => {
    fc.assert(
      fc.property(node, ({ addr, name }) => {
        for (const word of [name, formatAddress(addr), formatPosition(addr)]) expect(meaning(word)).toBe(name);
      }),
    );
  });

  test('what is printed compressed is a selector for the same nodes', () => {
    fc.assert(
      fc.property(nodes, (chosen) => {
        const selection = select([compressNames(chosen.map(({ name }) => name))], er24a);
        expect(selection.ok && selection.nodes.map(({ addr }) => addr)).toEqual(
          chosen.map(({ addr }) => addr).sort((a, b) => a - b),
        );
      }),
    );
  });

  test('all except some is the rest, in any order of words', () => {
    fc.assert(
      fc.property(nodes, fc.boolean(), (out, first) => {
        const not = out.map(({ name }) => `!${name}`);
        const selection = select(first ? ['all', ...not] : [...not, 'all'], er24a);
        const rest = er24a.nodes.filter((one) => !out.includes(one));
        expect(selection.ok ? selection.nodes : []).toEqual(rest);
      }),
    );
  });

  test('any text gives a selection or a sentence, never an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const selection = select(words, er24a);
        expect(selection.ok ? selection.nodes.length : selection.problem.length).toBeGreaterThan(0);
      }),
    );
  });
});

test.each([
  [['ns01'], 'ns01'],
  [['k8s-worker-01', 'k8s-worker-03', 'k8s-worker-02', 'ns01'], 'k8s-worker-[01-03], ns01'],
  [['n1', 'n2', 'n01'], 'n01, n[1-2]'],
  [['alpha', 'beta'], 'alpha, beta'],
  [[], ''],
])('%j is printed as %s', (names, text) => {
  expect(compressNames(names)).toBe(text);
});
