/** Power from the screen: nothing that is not deliberate cuts, and what is deliberate is proven. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

let rack: Stand;
let screen: TestTerminal;
/** Cuts that were wanted so far; each row cuts a node of its own. */
let wanted = 0;
beforeAll(async () => {
  rack = await innerStand({ sim: ['--time-scale', '40'], config: CONFIG });
  screen = rack.open({ cols: 100, rows: 32 });
  await screen.waitFor(/8 on/);
});
// What a row has left open. Rows end with no key on its way: behind it this Escape would close nothing, and be another key
// together with what the next row types.
beforeEach(async () => {
  if (!onMap(screen)) screen.type('\x1b');
  await screen.waitFor(onMap, 'the map');
});
afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
});

function onMap(terminal: TestTerminal): boolean {
  return !/To confirm type|cut power NOW|nothing can be confirmed/.test(terminal.text());
}

const CONFIG = `
name: test rack
port: /dev/null
${eightNodes()}
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 1, stopping: 5, hard: 8 }
`;

async function cuts(): Promise<number> {
  const { bus, nodes } = await rack.rack.counters();
  return bus.masterCuts + Object.values(nodes).reduce((sum, node) => sum + node.off, 0);
}

/** Types as a person does: when the dialog takes keys, and each key seen before the next. */
async function typeSlowly(text: string): Promise<void> {
  while (!screen.text().includes('Enter confirms')) {
    screen.type('\x15');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (let typed = 1; typed <= text.length; typed++) {
    screen.type(text[typed - 1] ?? '');
    await screen.waitFor(new RegExp(`│ +${text.slice(0, typed)} *│`));
  }
}

async function forceOffDialog(): Promise<void> {
  screen.type('03');
  screen.type('p');
  await screen.waitFor(/Force off +cut power NOW/);
  screen.type('f');
  await screen.waitFor(/To confirm type n\d/);
}

describe('nothing is cut by', () => {
  test('Enter, however often', async () => {
    screen.type('03p');
    await screen.waitFor(/Force off +cut power NOW/);
    for (const verb of ['s', 'c', 'f', 'h']) {
      screen.type(verb);
      await screen.waitFor(/To confirm type n3/);
      screen.type('\r');
      await screen.waitFor((s) => !s.text().includes('To confirm'));
      screen.type('p');
      await screen.waitFor(/Force off +cut power NOW/);
    }
    expect(await cuts()).toBe(wanted);
  });

  test('the confirmation pasted', async () => {
    await forceOffDialog();
    screen.paste('n3\r');
    await screen.waitFor(/paste confirms nothing/i);
    screen.type('\r');
    await screen.waitFor((s) => !s.text().includes('To confirm'));
    expect(await cuts()).toBe(wanted);
  });

  test('the confirmation and Enter all at once, as type-ahead comes', async () => {
    screen.type('03pfn3\r');
    await screen.waitFor(/To confirm type n3/);
    screen.type('\x1b');
    await screen.waitFor((s) => !s.text().includes('To confirm'));
    await forceOffDialog();
    screen.type('n3\r');
    await screen.waitFor(/ignored/);
    expect(await cuts()).toBe(wanted);
  });

  test("another node's name", async () => {
    await forceOffDialog();
    await typeSlowly('n4');
    screen.type('\r');
    await screen.waitFor(/does not match/);
    expect(await cuts()).toBe(wanted);
  });

  test('a dialog for the master', async () => {
    screen.type('00p');
    await screen.waitFor(/Force off +cut power NOW/);
    screen.type('f');
    await screen.waitFor(/manages this bus/);
    await screen.waitFor(/nothing can be confirmed/);
    screen.type('n0\r');
    await screen.waitFor(/came too fast/);
    screen.type('\r');
    await screen.waitFor(onMap, 'the map');
    expect(await cuts()).toBe(wanted);
  });

  test('a dialog whose node has fallen silent', async () => {
    await rack.rack.ctl('silent', { node: '07' });
    screen.type('07p');
    await screen.waitFor(/Force off +cut power NOW/);
    screen.type('f');
    await screen.waitFor(/does not answer/);
    await screen.waitFor(/nothing can be confirmed/);
    expect(await cuts()).toBe(wanted);
  });

  test('a session that may only look', async () => {
    const viewer = rack.open({ cols: 100, rows: 32, args: ['--view-only'] });
    try {
      await viewer.waitFor(/view only/);
      viewer.type('03p');
      await viewer.waitFor(/this is a view-only session/);
    } finally {
      await viewer.close();
    }
    expect(await cuts()).toBe(wanted);
  });
});

test('force off, typed: cut once, verified twice, and the result stays', async () => {
  await forceOffDialog();
  await typeSlowly('n3');
  screen.type('\r');
  await screen.waitFor(/○F ?03/);
  await screen.waitFor(/✓ +force-off n3/);
  expect(await cuts()).toBe(++wanted);
  screen.type('o');
  await screen.waitFor(/verified/);
  screen.type('\x1b');
  await screen.waitFor((s) => !s.text().includes('verified'));
  screen.type('x');
  await screen.waitFor((s) => !/✓ +force-off n3/.test(s.text()));
});

test('graceful off: the shutdown is seen, the marker recognised, then the cut; the audit log has the evidence', async () => {
  screen.type('05p');
  await screen.waitFor(/Off +shut down/);
  screen.type('s');
  await screen.waitFor(/To confirm type n5/);
  await typeSlowly('n5');
  screen.type('\r');
  await screen.waitFor(/○F ?05/, 'the node off', 20_000);
  await screen.waitFor(/✓ +off n5/);
  const entries = rack.audit().filter(({ stage, verb }) => stage === 'outcome' && verb === 'off');
  expect(entries).toMatchObject([{ verb: 'off', outcome: 'done', node: { addr: '05' } }]);
  const kinds = (entries[0]?.['evidence'] as { kind: string }[] | undefined)?.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['marker', 'identity', 'verified']));
  expect(JSON.stringify(rack.audit())).not.toContain('raspberry');
  expect(await cuts()).toBe(++wanted);
});

test('a guest that hangs in its shutdown is not cut: the operator is asked', async () => {
  await rack.rack.ctl('shutdown-hangs', { node: '06' });
  screen.type('06p');
  await screen.waitFor(/Off +shut down/);
  screen.type('s');
  await screen.waitFor(/To confirm type n6/);
  await typeSlowly('n6');
  screen.type('\r');
  await screen.waitFor(/o answers/, 'the question', 20_000);
  screen.type('o');
  await screen.waitFor(/1 /);
  expect(await cuts()).toBe(wanted);
  expect(await rack.rack.node('06')).toMatchObject({ power: 'on' });
});
