/** The emergency panel, by the real program on a simulated rack: what a plan cuts, and what cuts nothing. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const CONFIG = `
name: test rack
port: /dev/null
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: w1, role: worker }
  - { addr: "02", name: w2, role: worker, protected: true }
  - { addr: "03", name: w3, role: worker }
  - { addr: "04", name: ns1, role: dns }
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 1, stopping: 20, hard: 30 }
plans:
  shed:
    steps:
      - { name: workers, action: off, selector: "w1 w3", parallel: 1 }
  guarded:
    steps:
      - { name: held, action: off, selector: w2, onFail: skip }
      - { name: free, action: off, selector: w3 }
`;

let rack: Stand;
let screen: TestTerminal;
beforeEach(async () => {
  rack = await innerStand({ sim: ['--time-scale', '40'], config: CONFIG });
  screen = rack.open({ cols: 80, rows: 24 });
  await screen.waitFor(/5 on/);
  screen.type('!');
  await screen.waitFor(/a ARMS shed/);
});
afterEach(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
});

/** Power cuts that reached a BMC, the master's own included. */
async function cuts(): Promise<number> {
  const { bus, nodes } = await rack.rack.counters();
  return bus.masterCuts + Object.values(nodes).reduce((sum, node) => sum + node.off, 0);
}

/** Arms, and waits until keys count: what comes before the words could be read is left out. */
async function arm(words: string): Promise<void> {
  screen.type('a');
  await screen.waitFor(`Type ${words} and press Enter`);
  while (!screen.text().includes('does not match')) {
    screen.type('q');
    await pause(100);
  }
  screen.type('\x15');
  await screen.waitFor((s) => !s.text().includes('does not match'));
}

/** As fingers do it: each key seen before the next. A blank is seen by the cursor alone. */
async function typeWords(words: string): Promise<void> {
  const { x } = screen.cursor;
  for (let typed = 1; typed <= words.length; typed++) {
    screen.type(words[typed - 1] ?? '');
    await screen.waitFor((s) => s.cursor.x === x + typed, `${words.slice(0, typed)} typed`);
  }
}

/** Asks for the abort, and answers; anew, where the answer came before the question could be read. */
async function abort(): Promise<void> {
  for (;;) {
    screen.type('a');
    await screen.waitFor(/ABORT shed\?/);
    await pause(400);
    screen.type('y');
    await screen.waitFor(/shed (ABORTING|ENDED)|Nothing was sent/);
    if (!screen.text().includes('Nothing was sent')) return;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a plan, armed and confirmed, takes its nodes down in order, and the result stays', async () => {
  await arm('shed 2');
  await typeWords('shed 2');
  screen.type('\r');
  await screen.waitFor(/shed RUNNING/);
  await screen.waitFor(/shed ENDED .*2 of 2 done/, 'the end of the plan', 60_000);
  expect(await cuts()).toBe(2);
  const ended = rack.audit().filter((entry) => entry['stage'] === 'outcome');
  expect(ended).toMatchObject([
    { outcome: 'done', node: { addr: '01' } },
    { outcome: 'done', node: { addr: '03' } },
  ]);
  screen.type('q');
  await screen.waitFor(/✓ shed ENDED .*! shows it/);
  screen.type('x');
  await screen.waitFor((s) => !s.text().includes('shed ENDED'));
  // Two shutdowns, one after the other.
}, 90_000);

test('armed and not confirmed by its words: Enter, q, a paste, type-ahead and Esc cut nothing', async () => {
  await arm('shed 2');
  screen.paste('shed 2\r');
  await screen.waitFor(/A paste starts nothing/);
  screen.type('\r');
  await screen.waitFor(/Enter alone starts nothing: type shed 2 first/);
  screen.type('shed 2\r');
  await screen.waitFor(/came too fast/);
  screen.type('q');
  await screen.waitFor(/does not match/);
  expect(screen.text()).toContain('ARMED');
  screen.type('\x1b');
  await screen.waitFor(/Disarmed: nothing was sent/);
  screen.type('shed 2\r');
  screen.type('\x1b');
  await screen.waitFor((s) => !s.text().includes('EMERGENCY'));
  expect(await cuts()).toBe(0);
  const client = await rack.client();
  expect((await client.request('plan.list', {})).runs).toEqual([]);
});

test('an abort ends what runs and begins nothing more: nothing is cut', async () => {
  await rack.rack.ctl('shutdown-hangs', { node: '01' });
  await arm('shed 2');
  await typeWords('shed 2');
  screen.type('\r');
  await screen.waitFor(/◐ {1,2}01 w1 +(stopping|acknowledged)/, 'the shutdown of w1', 30_000);
  // Another operator, who comes later, sees it; leaving does not end it, and says so.
  const other = rack.open({ cols: 80, rows: 24 });
  try {
    await other.waitFor(/shed RUNNING .*! shows it/);
    other.type('q');
    await other.exited;
    expect(other.output).toMatch(/still running in the server: plan shed \(\w+, running\)/);
  } finally {
    await other.close();
  }
  await abort();
  await screen.waitFor(/shed ENDED .*0 of 2 done/, 'the end of the plan', 60_000);
  expect(await cuts()).toBe(0);
  expect(await rack.rack.node('03')).toMatchObject({ power: 'on' });
});

test('what a rule holds back says so by its name before anything is armed, and stays on', async () => {
  screen.type('j');
  await screen.waitFor(/protected: w2 \(A-2, 02\) is protected/);
  await screen.waitFor(/1 of 2 nodes go OFF/);
  await arm('guarded 2');
  await typeWords('guarded 2');
  screen.type('\r');
  await screen.waitFor(/guarded ENDED .*1 of 2 done/, 'the end of the plan', 60_000);
  await screen.waitFor(/w2 refused: .*protected/);
  expect(await rack.rack.node('02')).toMatchObject({ power: 'on' });
  expect(await cuts()).toBe(1);
}, 90_000);
