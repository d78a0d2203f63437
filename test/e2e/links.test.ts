/** A bad link between program and terminal: one that takes nothing for a while, and one of 9600 bytes a second. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../bench/measure.ts';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

/** What may be on its way when the link takes bytes again: the kernel's buffer, and the frame that was half written. */
const ON_ITS_WAY = 40_000;
/** Long enough for some hundred frames, and far beyond what any buffer on the way takes. */
const STALL_MS = 4_000;

const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of disposables.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

let rack: Stand;
beforeAll(async () => {
  rack = await innerStand({
    sim: ['--time-scale', '20', '--no-loss'],
    config: 'port: /dev/null\npoll: { interval: 0.2 }\n',
  });
});
afterAll(() => rack[Symbol.asyncDispose]());

/** A console of which every frame is another: as much to draw as there can be. Each test has a node of its own. */
async function floodedConsole(node: string): Promise<TestTerminal> {
  const screen = rack.open({ cols: 120, rows: 40 });
  disposables.push(screen);
  await screen.waitFor(/\b24 on\b/);
  screen.type(`${node}\r`);
  await rack.rack.until((state) => state.bus.console === node);
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor(/login: /);
  await rack.rack.ctl('flood', { node });
  disposables.push({ [Symbol.asyncDispose]: async () => void (await rack.rack.ctl('flood', { node, on: false })) });
  const before = screen.output.length;
  await screen.waitFor((s) => s.output.length > before + 30_000, 'a flood');
  return screen;
}

test('a link that stalls: the server goes on, keys act in their order, and then comes the newest frame', async () => {
  const screen = await floodedConsole('02');
  const second = await rack.client('second');
  let open: number | null = null;
  let proven: number | null = null;
  second.on('update', ({ console }) => {
    open = console?.state === 'open' ? console.addr : null;
    if (console?.state === 'open') proven = console.unproven === null ? console.addr : null;
  });
  screen.stall();
  const [began, received] = [performance.now(), screen.output.length];
  // Left and opened elsewhere by keys that nobody sees act: each must wait for the one before.
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  screen.type('05\r');
  // A key that comes before the server knows of the open console is refused, not kept.
  await until('the console is open', () => open === 5);
  screen.type('\r');
  await until('the node has answered', () => proven === 5);
  screen.type('first');
  screen.type('-second');
  // The one who looks elsewhere waits for nobody.
  const answers: number[] = [];
  while (performance.now() - began < STALL_MS) {
    const asked = performance.now();
    await second.request('events.list', { limit: 5 });
    answers.push(performance.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(answers.length).toBeGreaterThan(10);
  expect(Math.max(...answers)).toBeLessThan(2_000);
  expect(screen.output.length).toBe(received);
  screen.flow();
  await screen.waitFor(/login: first-second/);
  expect(screen.output.length - received).toBeLessThan(ON_ITS_WAY);
});

test('9600 bytes a second under a flood: keys act, and what is shown is never older than what fits on the way', async () => {
  const screen = await floodedConsole('06');
  screen.flow(9600);
  const begun = screen.output.length;
  await screen.waitFor((s) => s.output.length > begun + 20_000, 'some seconds of the slow link');
  const received = screen.output.length;
  await rack.rack.ctl('flood', { node: '06', on: false });
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  await screen.waitFor((s) => !/Ctrl-\]/.test(s.lines().at(-1) ?? '') && /\b24 on\b/.test(s.text()), 'the map', 30_000);
  expect(screen.output.length - received).toBeLessThan(ON_ITS_WAY);
  // A map that is looked at fits through such a link: nothing piles up.
  screen.type('?');
  await screen.waitFor(/open the selected node’s console/);
  screen.type('q');
  await screen.waitFor((s) => !s.text().includes('open the selected node’s console'));
  screen.type('q');
  expect((await screen.exited).code).toBe(0);
});

test('a pipe that takes everything and hands on 9600 bytes a second: the terminal’s answers tell, and nothing piles up', async () => {
  const screen = await floodedConsole('07');
  screen.longPipe(9600);
  const begun = screen.output.length;
  let most = 0;
  await screen.waitFor((s) => {
    most = Math.max(most, s.onItsWay);
    return s.output.length > begun + 40_000;
  }, 'some seconds of the slow pipe');
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  await screen.waitFor((s) => !/Ctrl-\]/.test(s.lines().at(-1) ?? '') && /\b24 on\b/.test(s.text()), 'the map', 20_000);
  expect(most).toBeLessThan(20_000);
  screen.type('q');
  expect((await screen.exited).code).toBe(0);
});

/** Takes all room in the kernel's buffer of a terminal from its program. */
function fillTerminal({ pid }: TestTerminal): void {
  const fd = openSync(`/proc/${pid}/fd/1`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    expect(() => {
      for (;;) writeSync(fd, '.'.repeat(256));
    }).toThrow(/EAGAIN/);
  } finally {
    closeSync(fd);
  }
}

test('a terminal that takes nothing any more does not keep the program from leaving', async () => {
  const screen = await floodedConsole('08');
  screen.stall();
  fillTerminal(screen);
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  screen.type('q');
  const other = await rack.client('second');
  await until('it has left', async () => {
    const { sessions } = await other.request('server.info', {});
    return !sessions.some(({ who }) => who.program === 'interface');
  });
});

/** What stands in the dialog's field: on the line below the words that ask for it. */
function typedField(screen: TestTerminal): string {
  const lines = screen.lines();
  const y = lines.findIndex((line) => line.includes('To confirm type'));
  const x = lines[y]?.indexOf('To confirm type') ?? -1;
  return y < 0 ? '' : (lines[y + 1]?.slice(x).split('│')[0]?.trim() ?? '');
}

test('what confirms a cut, typed before the dialog can have arrived, confirms nothing', async () => {
  const screen = rack.open({ cols: 120, rows: 40 });
  disposables.push(screen);
  await screen.waitFor(/\b24 on\b/);
  screen.type('03');
  screen.type('p');
  await screen.waitFor(/Force off/);
  // The dialog's frame is written, and lies in the pipe.
  screen.longPipe(0);
  screen.type('f');
  await until('the dialog is written', () => screen.output.includes('To confirm type'));
  for (const key of 'node-03') {
    screen.type(key);
    // As fingers do it: together they would be left out for that alone.
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  screen.longPipe(100_000);
  await screen.waitFor(/To confirm type node-03/);
  await screen.waitFor(/came too fast/);
  expect(typedField(screen)).toBe('');
  // Once it has been seen for a moment keys are believed; which is the first of them only the dialog knows.
  while (typedField(screen) === '') {
    screen.type('n');
    await screen.waitFor((s) => typedField(s) !== '', 'a key that is believed', 1_000).catch(() => undefined);
  }
  screen.type('\x15');
  await screen.waitFor((s) => typedField(s) === '', 'an empty field');
  for (const [n, key] of Array.from('node-03').entries()) {
    screen.type(key);
    await screen.waitFor((s) => typedField(s) === 'node-03'.slice(0, n + 1), `${key} in the field`);
  }
  screen.type('\r');
  await rack.rack.until(({ nodes }) => nodes.some(({ addr, power }) => addr === '03' && power === 'off'));
});
