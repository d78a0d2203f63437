/**
 * Every way out, and every way to lose the server or the line: the terminal is given back, the pipe is closed or freed
 * by the next start, nothing is powered off, and an operation goes on or is reported as interrupted.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../src/api/power.ts';
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
/** Node of a row: each has another than the ones before it. */
let node = 0;
let operation: string | null = null;
beforeAll(async () => {
  rack = await stand({ sim: ['--time-scale', '20'], config: CONFIG });
});
afterAll(() => rack[Symbol.asyncDispose]());
beforeEach(async () => {
  node = (node % 7) + 1;
  operation = null;
  // What another row has chosen must not leak in.
  screen = rack.open({ cols: 100, rows: 32, env: { XDG_STATE_HOME: mkdtempSync(join(rack.folder, 'row-')) } });
  // Nodes that go down are not counted.
  await screen.waitFor(/\b[4-8] on\b/);
});
afterEach(async () => {
  await screen.close();
  if (operation !== null) await (await rack.client()).request('ops.abort', { id: operation });
});

/** What must hold at the end of each test. */
async function nothingWasCut(): Promise<void> {
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 } });
  for (const node of Object.values(nodes)) expect(node).toMatchObject({ off: 0, biosForConsole: { printable: 0 } });
}

async function atConsole(): Promise<void> {
  screen.type(`0${node}\r`);
  await rack.rack.until(({ bus }) => bus.console === `0${node}`);
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor(new RegExp(`n${node} login:`));
}

/** A confirmed graceful off whose guest hangs in its shutdown: it runs until somebody decides. */
async function shuttingDown(): Promise<void> {
  const name = `n${node}`;
  await rack.rack.ctl('shutdown-hangs', { node: `0${node}` });
  const client = await rack.client();
  const { id } = await client.request('power.start', {
    verb: 'off',
    nodes: [node],
    label: name,
    confirm: name,
    deadlineS: null,
    onDeadline: 'leave',
    takeConsole: false,
  });
  operation = id;
  await screen.waitFor(new RegExp(`off ${name} · [━─]+ ${name} stopping`));
}

/** Each state, and one of the signals, which the interface handles alike. */
const STATES: [name: string, signal: NodeJS.Signals, code: number, reach: () => Promise<unknown>][] = [
  [
    'on the map, with the mouse',
    'SIGTERM',
    143,
    async () => {
      screen.type('M');
      await screen.waitFor(/mouse on/);
      expect(screen.modes.mouseTrackingMode).toBe('drag');
    },
  ],
  ['at a console', 'SIGHUP', 129, atConsole],
  [
    'in a power dialog',
    'SIGINT',
    130,
    async () => {
      screen.type(`0${node}p`);
      await screen.waitFor(/Force off +cut power NOW/);
      screen.type('f');
      await screen.waitFor(new RegExp(`To confirm type n${node}`));
    },
  ],
  ['while a node shuts down', 'SIGTERM', 143, shuttingDown],
];

async function progressOf(id: string): Promise<Operation | undefined> {
  return (await (await rack.client()).request('ops.list', {})).find((one) => one.id === id);
}

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

describe.each(STATES)('%s', (_name, signal, code, reach) => {
  test(`the interface ended by ${signal} gives the terminal back`, async () => {
    await reach();
    screen.kill(signal);
    expect(await screen.exited).toMatchObject({ code });
    expectRestored();
    if (operation === null) await rack.rack.until(({ bus }) => bus.console === null);
    await nothingWasCut();
  });

  test('the interface killed: its console is closed, and operations go on', async () => {
    await reach();
    screen.kill('SIGKILL');
    await screen.exited;
    if (operation !== null)
      expect(await progressOf(operation)).toMatchObject({ endedAt: null, nodes: [{ phase: 'stopping' }] });
    else await rack.rack.until(({ bus }) => bus.console === null);
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

  test('the server killed: said at once, back by itself, the pipe freed, an operation reported as interrupted', async () => {
    await reach();
    await rack.killServer();
    await screen.waitFor(/NO SERVER/);
    await rack.startServer();
    await screen.waitFor((s) => !s.text().includes('NO SERVER'));
    await rack.rack.until(({ bus }) => bus.console === null && bus.pipe === null);
    if (operation !== null) {
      const progress = await progressOf(operation);
      expect(progress).toMatchObject({ nodes: [{ outcome: 'interrupted' }] });
      expect(progress?.nodes[0]?.detail).toContain('its power was not cut');
      await screen.waitFor(/interrupted/);
      operation = null;
    }
    await nothingWasCut();
  });
});
