/**
 * What the interface says, moment by moment, of a rack behind a real ssh and sshd whose line is slow, loses, stalls or is
 * cut: keys arrive in order and once, no verb is sent twice, and nothing that is old is green.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FarMachine, farMachine } from '../support/far-machine.ts';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { eightNodes, PROGRAM, stand, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';

const WAIT = 60_000;

let place: Stand;
let far: FarMachine;
let folder: string;
let screen: TestTerminal;

beforeAll(async () => {
  if (!HAS_SSHD) return;
  folder = mkdtempSync(join(tmpdir(), 'rackui-links-'));
  place = await stand({
    config: `name: far\nport: /dev/null\n${eightNodes({ 0: 'role: master' })}\n`,
    sim: ['--time-scale', '20', '--no-loss'],
  });
}, WAIT);
afterAll(async () => {
  if (!HAS_SSHD) return;
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const sees = (text: RegExp): Promise<void> => screen.waitFor(text, String(text), WAIT);

/** Number of the rack's `node` by its counters. */
async function counted(node: string): Promise<{ off: number; consoleIn: number }> {
  const { nodes } = await place.rack.counters();
  const { off = 0, consoleIn = 0 } = nodes[node] ?? {};
  return { off, consoleIn };
}

/** The colour of what is good now; taken from the sign of a node that has just been read. */
let green: number;
const learnGreen = async (): Promise<void> => {
  await sees(/8 on 0 off/);
  const fresh = screen.find('8 on')?.cells[0];
  if (fresh === undefined) throw new Error('no count');
  green = fresh.fg;
};

/** Text on the screen in the colour of what is good now, but for the legend's sign. */
function greens(): string {
  let text = '';
  for (const [y, line] of screen.lines().entries()) {
    if (line.includes('H ●N on')) continue;
    for (let x = 0; x < screen.cols; x++) {
      const { ch, fg } = screen.cell(x, y);
      if (fg === green && ch.trim() !== '') text += ch;
    }
  }
  return text;
}

describe.skipIf(!HAS_SSHD)('a rack behind a bad line; needs openssh-server and openssh-client', () => {
  beforeAll(async () => {
    far = await farMachine(place.socket);
    const config = join(folder, 'racks.yaml');
    const here = '{ name: south, ssh: nobody@127.0.0.1, port: 1 }';
    writeFileSync(config, `racks:\n  - ${far.entry('north')}\n  - ${here}\n`, { mode: 0o600 });
    const env = {
      ...process.env,
      ...{ RACKUI_SOCKET: undefined, RACKUI_CONFIG: config },
      ...{ HOME: folder, XDG_STATE_HOME: join(folder, 'state') },
    };
    screen = openTerminal(process.execPath, [PROGRAM], { cols: 100, rows: 30, env });
  }, WAIT);
  afterAll(async () => {
    await screen.close();
    await far[Symbol.asyncDispose]();
  });
  beforeEach(learnGreen);
  afterEach(() => far.line.mend());

  test('with 200 ms delay and lost pieces every key arrives once and in order; a cut line takes no key with it later', async () => {
    far.line.delayMs = 200;
    far.line.losesEvery = 10;
    screen.type('03\r');
    await sees(/Enter wakes it/);
    screen.type('\r');
    await sees(/n3 login:/);
    const before = await counted('03');
    const word = 'abcdefghijklmnopqrstuvwxyz0123456789';
    for (const [i, letter] of Array.from(word).entries()) {
      screen.type(letter);
      // One key a piece: the echoes of the first ones arrive while the last ones are typed.
      if (i % 4 === 3) await screen.waitFor(new RegExp(`n3 login: ${word.slice(0, i - 2)}`), 'the echo', WAIT);
    }
    await sees(new RegExp(`n3 login: ${word}`));
    expect((await counted('03')).consoleIn - before.consoleIn).toBe(word.length);
    expect(far.line.lost).toBeGreaterThan(3);

    // A key that a stalled line held when it was cut is lost, not sent later; what the console showed is there again.
    far.line.stalled = true;
    screen.type('X');
    await expect.poll(() => far.line.held, { timeout: WAIT, interval: 20 }).toBeGreaterThan(0);
    far.line.cut();
    far.line.mend();
    await sees(/NO SERVER|reconnected to the server/);
    await sees(/reconnected to the server/);
    screen.type('\r');
    await sees(/Enter wakes it/);
    expect(screen.text()).toMatch(new RegExp(`n3 login: ${word}(?!X)`));
    expect((await counted('03')).consoleIn - before.consoleIn).toBe(word.length);
    await detach();
  }, 120_000);

  test('a stall of 20 s: values age, then no server is said, nothing is green meanwhile, and it comes back by itself', async () => {
    screen.type('04\r');
    await sees(/Enter wakes it/);
    screen.type('\r');
    await sees(/n4 login:/);
    const before = await counted('04');
    screen.type('\x1dd');
    await sees(/8 on 0 off/);
    await screen.waitFor(() => greens().includes('8on'), 'fresh values', WAIT);
    const began = performance.now();
    far.line.stalled = true;
    // First the readings are old, while nothing says yet that the link is gone.
    await screen.waitFor(() => !greens().includes('8on'), 'ageing values', WAIT);
    expect(screen.text()).not.toContain('NO SERVER');
    await expect.poll(greens, { timeout: WAIT }).toBe('');
    expect(performance.now() - began).toBeLessThan(18_000);
    screen.type('04\rx');
    await sees(/NO SERVER/);
    expect(performance.now() - began).toBeGreaterThan(15_000);
    expect(greens()).toBe('');
    await sees(/nothing came from the other machine for \d+ s/);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 20_000 - (performance.now() - began))));
    expect(greens()).toBe('');
    far.line.stalled = false;
    await sees(/reconnected to the server/);
    await screen.waitFor(() => !screen.text().includes('NO SERVER'), 'the server', WAIT);
    // The key of the stall was older than it may be when the line was free again.
    expect((await counted('04')).consoleIn).toBe(before.consoleIn);
    await detach();
  }, 150_000);

  test('keys that a stall of 8 s held back are not typed when it ends, and those after it are', async () => {
    screen.type('02\r');
    await sees(/Enter wakes it/);
    screen.type('\r');
    await sees(/n2 login:/);
    const before = await counted('02');
    far.line.stalled = true;
    const began = performance.now();
    screen.type('late');
    await new Promise((resolve) => setTimeout(resolve, 8000 - (performance.now() - began)));
    expect(screen.text()).not.toContain('NO SERVER');
    far.line.stalled = false;
    await sees(/not sent/);
    // Keys right behind them would not be sent either: they may have been meant to follow.
    await screen.waitFor(() => !screen.text().includes('not sent'), 'the end of the notice', WAIT);
    screen.type('new');
    await sees(/n2 login: new/);
    expect((await counted('02')).consoleIn - before.consoleIn).toBe('new'.length);
    await detach();
  }, 120_000);

  test('a cut while a verb is on its way: it is not sent there, nor again after the reconnection', async () => {
    await confirmForceOff('05');
    far.line.delayMs = 1500;
    const before = far.line.pieces;
    screen.type('\r');
    await expect.poll(() => far.line.pieces, { timeout: WAIT, interval: 20 }).toBeGreaterThan(before);
    far.line.cut();
    await sees(/NO SERVER/);
    far.line.delayMs = 0;
    await sees(/reconnected to the server/);
    await sees(/8 on 0 off/);
    expect((await counted('05')).off).toBe(0);
  }, 120_000);

  test('a cut after the verb was sent there: its operation ends there, once, and is shown after the reconnection', async () => {
    await confirmForceOff('06');
    far.line.delayMs = 500;
    screen.type('\r');
    await expect.poll(async () => (await counted('06')).off, { timeout: WAIT, interval: 20 }).toBe(1);
    far.line.cut();
    far.line.delayMs = 0;
    await sees(/reconnected to the server/);
    await sees(/7 on 1 off/);
    await sees(/✓ +force-off n6/);
    expect((await counted('06')).off).toBe(1);
  }, 120_000);
});

/** Leaves the console for the map. */
async function detach(): Promise<void> {
  screen.type('\x1dd');
  await sees(/Enter console/);
}

/** Opens the dialog of a force-off and types its words, all but Enter. */
async function confirmForceOff(node: string): Promise<void> {
  const name = `n${Number(node)}`;
  screen.type(node);
  screen.type('p');
  await sees(/Force off +cut power NOW/);
  screen.type('f');
  await sees(new RegExp(`To confirm type ${name}`));
  // Keys count once the dialog has been seen for a moment.
  while (!screen.text().includes('Enter confirms')) {
    screen.type('\x15');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (let typed = 1; typed <= name.length; typed++) {
    screen.type(name[typed - 1] ?? '');
    await sees(new RegExp(`│ +${name.slice(0, typed)} *│`));
  }
}
