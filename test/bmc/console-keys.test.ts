/**
 * What an operator types reaches the node in its order or not at all, with everything behind it, and no BIOS: whatever
 * becomes of the pipe meanwhile. Random histories in virtual time; a failing one is shrunk to its shortest form.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBus } from '../../src/bmc/index.ts';
import { PRIORITY } from '../../src/bmc/types.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { MiniRack } from './mini-rack.ts';

const PROMPT = '\r\npi@n2:~ $ ';

type Step =
  | { do: 'type'; text: string }
  | { do: 'print'; text: string }
  | { do: 'drop-pipe' }
  | { do: 'sample' }
  | { do: 'echo'; on: boolean }
  | { do: 'bmc'; answers: boolean }
  | { do: 'wait'; ms: number };

const text = fc.stringMatching(/^[a-f ls/\\|~=#\r\t]{1,12}$/);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('type' as const), text }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('print' as const),
      text: fc.constantFrom('\x07', PROMPT, `${PROMPT}\x07`, `\x1b]0;title\x07${PROMPT}`, 'one\x07two three four\r\n'),
    }),
  },
  fc.record({ do: fc.constant('drop-pipe' as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sample' as const) }) },
  fc.record({ do: fc.constant('echo' as const), on: fc.boolean() }),
  fc.record({ do: fc.constant('bmc' as const), answers: fc.boolean() }),
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 5, 30, 200, 1_100, 4_000, 12_000),
    }),
  },
);

interface Played {
  /** Every key with when it was typed. */
  typed: { key: string; at: number }[];
  reached: string;
  strays: string;
  verbs: string[];
}

async function play(steps: readonly Step[], bellCloses: boolean): Promise<Played> {
  using time = new VirtualTime();
  const pause = (ms: number): Promise<void> => time.until(new Promise((resolve) => setTimeout(resolve, ms)));
  const rack = new MiniRack();
  rack.greeting = PROMPT;
  rack.bellCloses = bellCloses;
  const bus = createBus({ port: 'fake', open: rack.open, now: () => time.now });
  bus.start();
  await pause(300);
  const lease = bus.openConsole(2, 115200, {
    onData: () => undefined,
    onPhase: () => undefined,
    onGap: () => undefined,
  });
  await pause(50);
  expect(lease.phase).toEqual({ phase: 'open', proven: true });
  rack.greeting = '';
  const operator = {};
  const typed: Played['typed'] = [];
  for (const one of steps) {
    if (one.do === 'wait') await pause(one.ms);
    else if (one.do === 'print') rack.print(one.text);
    else if (one.do === 'drop-pipe') {
      // What the node or its BMC said a moment ago proves the pipe for 20 ms.
      do await pause(25);
      while (lease.pending > 0);
      rack.dropPipe();
    } else if (one.do === 'sample') void bus.status(1, PRIORITY.sample);
    else if (one.do === 'echo') rack.echoesKeys = one.on;
    else if (one.do === 'bmc') rack.tamper = (reply, addr) => (addr === 2 && !one.answers ? null : reply);
    else
      for (const key of one.text) {
        typed.push({ key, at: time.now });
        lease.write(Buffer.from(key), operator);
      }
  }
  await pause(20_000);
  await time.until(bus.close());
  return { typed, reached: rack.consoleInput, strays: rack.strays, verbs: rack.verbs };
}

/**
 * Whether `reached` is what was typed, where whatever is missing was followed by a pause before more came through. Where
 * only Enter is missing, Enter may come through at once.
 */
function inOrder(typed: Played['typed'], reached: string): boolean {
  // Which of the keys typed so far may be the last that reached the node, by how many have.
  let states = new Set(['0:whole']);
  for (const [n, { key, at }] of typed.entries()) {
    const paused = n > 0 && at - (typed[n - 1]?.at ?? 0) >= 1_000;
    const next = new Set<string>();
    for (const state of states) {
      const [count = '0', how] = state.split(':');
      const may = how === 'whole' || paused || (how === 'enters' && key === '\r');
      if (may && reached[Number(count)] === key) next.add(`${Number(count) + 1}:whole`);
      next.add(`${count}:${how !== 'broken' && key === '\r' ? 'enters' : 'broken'}`);
    }
    states = next;
  }
  return ['whole', 'enters', 'broken'].some((how) => states.has(`${reached.length}:${how}`));
}

test('keys reach the node in their order or not at all, with everything behind them', async () => {
  const seen = { all: 0, some: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), fc.boolean(), async (steps, bellCloses) => {
      const { typed, reached, verbs, strays } = await play(steps, bellCloses);
      const lost = strays === '' ? reached : null;
      // A key that a fallen pipe took is one that was sent: what is behind it waited, or was typed by somebody who was told.
      if (lost !== null) expect(inOrder(typed, lost), JSON.stringify({ typed, reached })).toBe(true);
      // On is what the master is; nothing else is ever switched.
      expect(verbs.filter((verb) => verb !== '00/')).toEqual([]);
      expect(strays).not.toMatch(/[\\|]/);
      if (reached.length === typed.length) seen.all++;
      else seen.some++;
    }),
    { numRuns: 300, seed: 7, endOnFailure: false },
  );
  expect(Math.min(seen.all, seen.some)).toBeGreaterThan(20);
}, 240_000);

test.each([
  ['a bell', [{ do: 'print', text: '\x07' }]],
  ['a prompt that rings', [{ do: 'print', text: `${PROMPT}\x07` }]],
  ['a title that rings', [{ do: 'print', text: `\x1b]0;pi@n2: ~\x07${PROMPT}` }]],
] as [string, Step[]][])(
  'behind %s that closes the pipe every key reaches the node, none a BIOS',
  async (_what, before) => {
    for (const ms of [1, 5, 30, 200, 1_100]) {
      const steps: Step[] = [...before, { do: 'wait', ms }, { do: 'type', text: 'a\\ b/c | less\r' }];
      const { reached, strays } = await play(steps, true);
      expect({ reached, strays }).toEqual({ reached: 'a\\ b/c | less\r', strays: '' });
    }
  },
);

test('a pipe that fell shut unheard takes one letter at most, and never what does harm', async () => {
  for (const text of ['cafe\\', 'six keys\\', 'x', '\\', '|']) {
    const { strays } = await play([{ do: 'wait', ms: 500 }, { do: 'drop-pipe' }, { do: 'type', text }], false);
    expect(strays.length).toBeLessThanOrEqual(1);
    expect(strays).not.toMatch(/[\\|]/);
  }
});

test('who types for a minute at a node that only echoes never waits for a question to its BMC', async () => {
  using time = new VirtualTime();
  const pause = (ms: number): Promise<void> => time.until(new Promise((resolve) => setTimeout(resolve, ms)));
  const rack = new MiniRack();
  rack.greeting = PROMPT;
  const bus = createBus({ port: 'fake', open: rack.open, now: () => time.now });
  bus.start();
  await pause(300);
  const gaps: string[] = [];
  const lease = bus.openConsole(2, 115200, {
    onData: () => undefined,
    onPhase: () => undefined,
    onGap: ({ why }) => gaps.push(why),
  });
  await pause(50);
  rack.greeting = '';
  const waited: number[] = [];
  for (let key = 1; key <= 300; key++) {
    lease.write(Buffer.from('x'));
    if (lease.pending > 0) waited.push(key);
    await pause(200);
  }
  expect(waited).toEqual([]);
  expect(rack.consoleInput).toBe('x'.repeat(300));
  // Each proof lasts 10 s.
  expect(gaps.length).toBeGreaterThanOrEqual(6);
  expect(gaps.every((why) => why.endsWith('between two keys'))).toBe(true);
  await time.until(bus.close());
});

test('Enter pressed again and again behind Enter that was dropped comes through when the node answers, a letter does not', async () => {
  const press = (text: string): Step[] => [
    { do: 'type', text },
    { do: 'wait', ms: 300 },
  ];
  const lost: Step[] = [
    { do: 'bmc', answers: false },
    { do: 'sample' },
    { do: 'wait', ms: 2_000 },
    ...Array<Step[]>(4).fill(press('\r')).flat(),
    { do: 'bmc', answers: true },
  ];
  const again = await play([...lost, ...Array<Step[]>(30).fill(press('\r')).flat()], false);
  expect(again.reached.length).toBeGreaterThan(5);
  const letters = await play([...lost, ...press('y'), ...press('\r'), ...press('\r')], false);
  expect(letters.reached).toBe('');
});

test.each([
  ...[20, 60, 120, 200].map((lateMs) => [2, lateMs] as const),
  ...[60, 120].map((lateMs) => [1, lateMs] as const),
])('BMC %d answers %d ms late: none of its answers passes for words of node 2', async (slow, lateMs) => {
  using time = new VirtualTime();
  const pause = (ms: number): Promise<void> => time.until(new Promise((resolve) => setTimeout(resolve, ms)));
  const rack = new MiniRack();
  rack.style = { ...rack.style, echo: 'none' };
  rack.greeting = PROMPT;
  const bus = createBus({ port: 'fake', open: rack.open, now: () => time.now });
  bus.start();
  await pause(300);
  let late = true;
  rack.tamper = (reply, addr) => {
    if (addr !== slow || !late) return reply;
    setTimeout(() => rack.say(reply), lateMs);
    return null;
  };
  for (let asked = 0; asked < 2; asked++) await time.until(bus.status(slow, PRIORITY.operator));
  let heard = '';
  bus.openConsole(2, 115200, {
    onData: (bytes) => (heard += Buffer.from(bytes).toString('latin1')),
    onPhase: () => undefined,
    onGap: () => undefined,
  });
  await pause(3_000);
  late = false;
  await pause(3_000);
  expect(heard).toContain(PROMPT);
  expect(heard).not.toMatch(/0\d ff/);
  await time.until(bus.close());
});
