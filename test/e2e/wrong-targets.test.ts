/**
 * Never the wrong cut: force-off at targets that are wrong, ambiguous or unproven, through the server's own socket, so
 * that no check of a client helps. Whatever is refused here, the simulated BMCs must not have executed one `\`.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { RPC_ERROR } from '../../src/api/methods.ts';
import type { Operation, PowerRequest } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, type Stand } from '../support/stand.ts';

const CONFIG = `
name: test rack
port: /dev/null
${eightNodes({ 0: 'role: master', 1: 'protected: true' })}
`;

let rack: Stand;
let client: RackClient;

beforeAll(async () => {
  rack = await innerStand({ sim: ['--time-scale', '50'], config: CONFIG });
  client = await rack.client();
  await client.request('sweep', { addrs: null, interrupt: false });
});
afterAll(() => rack[Symbol.asyncDispose]());
beforeEach(async () => {
  await rack.rack.ctl('clear');
  await rack.rack.ctl('power', { node: 'all', state: 'on' });
  await rack.rack.ctl('noise', { chance: 0 });
});

function request(changes: Partial<PowerRequest>): PowerRequest {
  return {
    verb: 'force-off',
    nodes: [3],
    label: 'n3',
    confirm: 'n3',
    deadlineS: null,
    onDeadline: 'leave',
    takeConsole: false,
    ...changes,
  };
}

async function cutsSoFar(): Promise<number> {
  const { bus, nodes } = await rack.rack.counters();
  return bus.masterCuts + Object.values(nodes).reduce((sum, node) => sum + node.off, 0);
}

/** How it went: the refused rules or error's code, or the ended operation. */
async function attempt(
  changes: Partial<PowerRequest>,
  asking = client,
): Promise<{ code: number; message: string; data: unknown } | Operation> {
  try {
    const { id } = await asking.request('power.start', request(changes));
    return await ended(id);
  } catch (error) {
    return error as { code: number; message: string; data: unknown };
  }
}

function ended(id: string): Promise<Operation> {
  return vi.waitFor(
    async () => {
      const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
      if (operation === undefined || operation.endedAt === null) throw new Error(`operation ${id} has not ended`);
      return operation;
    },
    { timeout: 20_000, interval: 10 },
  );
}

/** What is wrong, what is asked for, and what is prepared in the rack. */
const ATTEMPTS: [string, Partial<PowerRequest>, (() => Promise<unknown>)?][] = [
  ['no confirmation', { confirm: null }],
  ['an empty confirmation', { confirm: '' }],
  ['Enter as confirmation', { confirm: '\r' }],
  ['yes as confirmation', { confirm: 'yes' }],
  ["another node's name", { confirm: 'n4' }],
  ['a name of other case', { confirm: 'N3' }],
  ['a name with a space behind it', { confirm: 'n3 ' }],
  ['the address instead of the name', { confirm: '03' }],
  ['the verb instead of the name', { confirm: 'force-off' }],
  ['several nodes with the name of one', { nodes: [3, 4], label: 'marked', confirm: 'n3' }],
  ['several nodes without their count', { nodes: [3, 4], label: 'marked', confirm: 'marked' }],
  ['several nodes with a wrong count', { nodes: [3, 4], label: 'marked', confirm: 'marked 3' }],
  ['several nodes under another label', { nodes: [3, 4], label: 'marked', confirm: 'row:A 2' }],
  ['no node at all', { nodes: [] }],
  ['a node twice', { nodes: [3, 3], confirm: 'n3 2' }],
  ['an address beyond the bus', { nodes: [0x80] }],
  ['an address of no node', { nodes: [0x50], label: 'node-50', confirm: 'node-50' }],
  ['the master', { nodes: [0], label: 'n0', confirm: 'n0' }],
  ['a protected node', { nodes: [1], label: 'n1', confirm: 'n1' }],
  ['the master among others', { nodes: [0, 3], label: 'marked', confirm: 'marked 2' }],
  ['a silent BMC', {}, () => rack.rack.ctl('silent', { node: '03' })],
  ["a BMC that answers with another's ID", {}, () => rack.rack.ctl('wrong-id', { node: '03', as: '04' })],
  ["a BMC that answers with the master's ID", {}, () => rack.rack.ctl('wrong-id', { node: '03', as: '00' })],
  ['torn replies', {}, () => rack.rack.ctl('torn', { node: '03' })],
  ['garbled replies', {}, () => rack.rack.ctl('garble', { node: '03', share: 1 })],
  ['a node that is disabled', {}, () => rack.rack.ctl('disabled', { node: '03' })],
  ['a verb that does not exist', { verb: 'explode' as never }],
  ['a graceful off without confirmation', { verb: 'off', confirm: null }],
  ['a cycle without confirmation', { verb: 'cycle', confirm: null }],
  ['a force-cycle with a wrong name', { verb: 'force-cycle', confirm: 'n2' }],
];

describe('refused, and nothing is cut', () => {
  test.each(ATTEMPTS)('%s', async (_what, changes, prepare) => {
    await prepare?.();
    const before = await cutsSoFar();
    const result = await attempt(changes);
    if ('code' in result) {
      expect([RPC_ERROR.refused, RPC_ERROR.invalid, RPC_ERROR.unknown]).toContain(result.code);
      expect(result.message.length).toBeGreaterThan(10);
    } else {
      // Accepted, and then refused node by node.
      expect(result.nodes.map((node) => node.outcome)).not.toContain('done');
    }
    expect(await cutsSoFar()).toBe(before);
    expect((await rack.rack.counters()).bus.catastrophe).toBe(false);
  });

  test('from a session that may only look', async () => {
    const before = await cutsSoFar();
    const result = await attempt({}, await rack.client('viewer', true));
    expect(result).toMatchObject({ code: RPC_ERROR.viewOnly });
    expect(await cutsSoFar()).toBe(before);
  });

  test('while the line is unplugged', async () => {
    const before = await cutsSoFar();
    await rack.rack.ctl('unplug');
    const result = await attempt({});
    expect(result).toMatchObject({ code: RPC_ERROR.refused });
    await rack.rack.ctl('replug');
    await client.request('bus.retry', {});
    await vi.waitFor(
      async () =>
        expect((await client.request('sweep', { addrs: null, interrupt: false })).bus).toMatchObject({
          state: 'ready',
        }),
      { timeout: 10_000, interval: 50 },
    );
    expect(await cutsSoFar()).toBe(before);
  });
});

test('the right one is cut once, behind its proof, and verified by two replies', async () => {
  const before = await cutsSoFar();
  const result = (await attempt({})) as Operation;
  expect(result).toMatchObject({ nodes: [{ addr: 3, outcome: 'done' }] });
  const kinds = result.nodes[0]?.evidence.map(({ kind }) => kind) ?? [];
  expect(kinds).toEqual(expect.arrayContaining(['identity', 'verified']));
  expect(await cutsSoFar()).toBe(before + 1);
  expect(await rack.rack.node('03')).toMatchObject({ power: 'off' });
  const audit = rack.audit().filter((entry) => entry['op'] === result.id);
  expect(audit.map((entry) => entry['stage'])).toEqual(['intent', 'outcome']);
  expect(audit[1]).toMatchObject({ verb: 'force-off', outcome: 'done', tries: 1, reportedBy: { user: 'test' } });
});
