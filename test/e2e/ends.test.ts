/**
 * Every way out, and every way to lose the server or the line: the terminal is given back, the pipe is closed or freed
 * by the next start, nothing is powered off, and an operation goes on or is reported as interrupted.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eightNodes, stand, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const CONFIG = `
name: test rack
port: /dev/null
${eightNodes()}
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 1, stopping: 20, hard: 20 }
`;

let rack: Stand;
let screen: TestTerminal;
beforeEach(async () => {
  rack = await stand({ sim: ['--time-scale', '20'], config: CONFIG });
  screen = rack.open({ cols: 100, rows: 32 });
  await screen.waitFor(/\b8 on\b/);
});
afterEach(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
});

/** What must hold at the end of each test. */
async function nothingWasCut(): Promise<void> {
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 } });
  for (const node of Object.values(nodes)) expect(node).toMatchObject({ off: 0, biosForConsole: { printable: 0 } });
}

async function atConsole(): Promise<void> {
  screen.type('03\r');
  await rack.rack.until(({ bus }) => bus.console === '03');
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor(/n3 login:/);
}

/** A confirmed graceful off whose guest hangs in its shutdown: it runs until somebody decides. */
async function shuttingDown(): Promise<string> {
  await rack.rack.ctl('shutdown-hangs', { node: '03' });
  const client = await rack.client();
  const { id } = await client.request('power.start', {
    verb: 'off',
    nodes: [3],
    label: 'n3',
    confirm: 'n3',
    deadlineS: null,
    onDeadline: 'leave',
    takeConsole: false,
  });
  await screen.waitFor(/off n3 · [━─]+ n3 stopping/);
  return id;
}

const STATES: [name: string, reach: () => Promise<unknown>][] = [
  [
    'on the map, with the mouse',
    async () => {
      screen.type('M');
      await screen.waitFor(/mouse on/);
      expect(screen.modes.mouseTrackingMode).toBe('drag');
    },
  ],
  ['at a console', atConsole],
  [
    'in a power dialog',
    async () => {
      screen.type('03p');
      await screen.waitFor(/Force off +cut power NOW/);
      screen.type('f');
      await screen.waitFor(/To confirm type n3/);
    },
  ],
  ['while a node shuts down', shuttingDown],
];

/** The terminal as it was: its own screen, cursor, mouse, no bracketed paste, no open frame. */
function expectRestored(): void {
  expect(screen.alternate).toBe(false);
  expect(screen.modes).toMatchObject({
    bracketedPasteMode: false,
    synchronizedOutputMode: false,
    mouseTrackingMode: 'none',
  });
  expect(screen.output.lastIndexOf('\x1b[?25h')).toBeGreaterThan(screen.output.lastIndexOf('\x1b[?25l'));
}

describe.each(STATES)('%s', (name, reach) => {
  test.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ])('the interface ended by %s gives the terminal back', async (signal, code) => {
    await reach();
    screen.kill(signal);
    expect(await screen.exited).toMatchObject({ code });
    expectRestored();
    if (name !== 'while a node shuts down') await rack.rack.until(({ bus }) => bus.console === null);
    await nothingWasCut();
  });

  test('the interface killed: its console is closed, and operations go on', async () => {
    const id = await reach();
    screen.kill('SIGKILL');
    await screen.exited;
    if (typeof id === 'string') {
      const client = await rack.client();
      const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
      expect(operation).toMatchObject({ endedAt: null, nodes: [{ phase: 'stopping' }] });
    } else await rack.rack.until(({ bus }) => bus.console === null);
    await nothingWasCut();
  });

  test('the server killed: said at once, back by itself, the pipe freed, an operation reported as interrupted', async () => {
    const id = await reach();
    await rack.killServer();
    await screen.waitFor(/NO SERVER/);
    await rack.startServer();
    await screen.waitFor((s) => !s.text().includes('NO SERVER'));
    await rack.rack.until(({ bus }) => bus.console === null && bus.pipe === null);
    if (typeof id === 'string') {
      const client = await rack.client();
      const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
      expect(operation).toMatchObject({ nodes: [{ outcome: 'interrupted' }] });
      expect(operation?.nodes[0]?.detail).toContain('its power was not cut');
      await screen.waitFor(/interrupted/);
    }
    await nothingWasCut();
  });

  test('the line unplugged and plugged in again: said, and usable again by itself', async () => {
    await reach();
    await rack.rack.ctl('unplug');
    await screen.waitFor(/bus down/);
    await rack.rack.ctl('replug');
    await screen.waitFor(/bus (?:ready|paused)/);
    await nothingWasCut();
  });
});
