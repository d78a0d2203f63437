import { expect, test } from 'vitest';
import type { Recognition } from '../../src/console/recognizer.ts';
import { mayBoot } from '../../src/power/boot-stagger.ts';
import {
  initialBoot,
  update,
  type Boot,
  type BootEffect,
  type BootEvent,
  type BootTarget,
} from '../../src/power/boot.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import { FakeConsole, FakeNetwork, FakeRack, hex, OPERATOR, settle } from './fake-rack.ts';

type Timeless = BootEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never;

const TARGET: BootTarget = { name: 'node-a', host: 'node-a', console: true, ssh: true, limitMs: 120_000 };

/** Seconds after power came, and what happened. */
function play(
  target: Partial<BootTarget>,
  events: [s: number, event: Timeless][],
): { state: Boot; effects: BootEffect[] } {
  let state = initialBoot({ ...TARGET, ...target }, 0);
  const effects: BootEffect[] = [];
  for (const [s, event] of events) {
    const step = update(state, { ...event, at: s * 1000 });
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

const heard = (recognition: Omit<Recognition, 'at'>): Timeless =>
  ({ kind: 'recognized', recognition: { at: 0, ...recognition } }) as Timeless;
const login = (host: string | null): Timeless => heard({ kind: 'login', host, text: 'login:' } as Recognition);
const line = (kind: string, text: string): Timeless => heard({ kind, text } as Recognition);
const TICK: Timeless = { kind: 'tick' };
const HELD: Timeless = { kind: 'no-console', why: 'bob uses the console' };

test.each<[what: string, target: Partial<BootTarget>, events: [number, Timeless][], up: boolean | null, words: string]>(
  [
    ['a login prompt', {}, [[28, login('node-a')]], true, 'its console shows a login prompt, 28 s after power came'],
    ['a login prompt without a name', {}, [[28, login(null)]], true, 'login prompt'],
    ['a greeting', {}, [[31, { kind: 'greeting' }]], true, 'its ssh server answers, 31 s after'],
    ['a greeting where only the console counts', { ssh: false }, [[31, { kind: 'greeting' }]], null, ''],
    ['a prompt where only ssh counts', { console: false }, [[28, login('node-a')]], null, ''],
    ['another machine', {}, [[28, login('node-b')]], false, 'came up as ‘node-b’, not as ‘node-a’'],
    ['a panic', {}, [[5, line('panic', 'Kernel panic - not syncing')]], false, '“Kernel panic - not syncing”'],
    ['emergency mode', {}, [[9, line('emergency', 'You are in emergency mode')]], false, 'did not come up'],
    ['initramfs', {}, [[9, line('initramfs-shell', '(initramfs)')]], false, 'did not come up'],
    ["U-Boot's prompt", {}, [[9, line('uboot-shell', '=>')]], false, 'did not come up'],
    ['kernel lines', {}, [[9, line('boot', 'Linux version 6.12')]], null, ''],
    [
      'nothing in time',
      {},
      [
        [119, TICK],
        [120, TICK],
      ],
      false,
      'no prompt and no ssh login showed within 120 s',
    ],
    [
      'a prompt from before its console was opened, shown again to Enter at the limit',
      { ssh: false, limitMs: 10_000 },
      [
        [1, { kind: 'console' }],
        [14, TICK],
        [15, login('node-a')],
      ],
      true,
      'its console shows a login prompt, 15 s after power came',
    ],
    [
      'no answer to Enter at the limit',
      { ssh: false, limitMs: 10_000 },
      [
        [1, { kind: 'console' }],
        [14, TICK],
        [16, TICK],
        [17, TICK],
      ],
      false,
      'no prompt showed within 17 s',
    ],
    [
      'a last word',
      { ssh: false },
      [
        [9, line('output', 'stuck')],
        [120, TICK],
      ],
      false,
      'its last output: “stuck”',
    ],
    [
      'no current at all',
      {},
      [
        [9, { kind: 'sample', current: 0 }],
        [120, TICK],
      ],
      false,
      'draws no current',
    ],
    [
      'nobody could look',
      { ssh: false },
      [
        [3, HELD],
        [120, TICK],
      ],
      true,
      'is unknown (bob uses the console)',
    ],
    ['only its console, which others that boot have', { ssh: false }, [[300, TICK]], null, ''],
    [
      'its console for a moment only',
      { ssh: false },
      [
        [3, { kind: 'console' }],
        [16, { kind: 'handed-on' }],
        [290, { kind: 'console' }],
        [302, TICK],
      ],
      null,
      '',
    ],
    [
      'its console for long enough, late',
      { ssh: false },
      [
        [290, { kind: 'console' }],
        [303, TICK],
        [306, TICK],
      ],
      false,
      'no prompt showed within 306 s',
    ],
    [
      'ssh could be seen',
      {},
      [
        [3, HELD],
        [120, TICK],
      ],
      false,
      'no prompt and no ssh login',
    ],
    [
      'it could be looked at later',
      { ssh: false },
      [
        [3, HELD],
        [9, { kind: 'console' }],
        [120, TICK],
        [123, TICK],
      ],
      false,
      'no prompt',
    ],
  ],
)('%s', (_what, target, events, up, words) => {
  const { end } = play(target, events).state;
  expect(end?.up ?? null).toBe(up);
  if (end !== null) expect(end.detail).toContain(words);
});

test('Enter is pressed late, and on a quiet console only: any key stops U-Boot', () => {
  const wakes = (events: [number, Timeless][]): number =>
    play({}, events).effects.filter((effect) => effect.do === 'wake').length;
  expect(
    wakes([
      [5, TICK],
      [15, TICK],
      [29.9, TICK],
    ]),
  ).toBe(0);
  expect(
    wakes([
      [25, line('output', 'starting')],
      [30, TICK],
      [34.9, TICK],
    ]),
  ).toBe(0);
  expect(
    wakes([
      [25, line('output', 'starting')],
      [35, TICK],
      [36, TICK],
      [45, TICK],
    ]),
  ).toBe(2);
});

test('after its end nothing changes any more', () => {
  const { state } = play({}, [[28, login('node-a')]]);
  expect(update(state, { at: 999_000, kind: 'tick' })).toEqual({ state, effects: [] });
});

test('a blade is free when its boot is seen to be over, the rack after two seconds', () => {
  const starts = new Map([
    [1, { since: 0, until: Infinity }],
    [5, { since: 1_000, until: 9_000 }],
  ]);
  expect([2, 6, 8].map((addr) => mayBoot(addr, starts, 4_000))).toEqual([Infinity, 9_000, 4_000]);
  expect(mayBoot(8, starts, 1_500)).toBe(3_000);
});

/** A rack whose nodes show a login prompt `bootS` seconds after power came. */
function bootingRack(bootS: number): FakeRack {
  const rack = new FakeRack();
  rack.boot = { proof: 'any', limit: 120 };
  const names = new Map(rack.inventory.nodes.map(({ addr, name }) => [addr, name]));
  rack.consoleFor = (addr) => {
    const console = new FakeConsole();
    rack.consoles.set(addr, console);
    return console;
  };
  const onAt = new Map<number, number>();
  rack.clock.every(500, () => {
    for (const { verb, at } of rack.verbs) if (verb.startsWith('on')) onAt.set(Number.parseInt(verb.slice(3), 16), at);
    for (const [addr, at] of onAt) {
      const age = (rack.clock.time - rack.startedAt) / 1000 - at;
      if (age >= bootS && age < bootS + 0.5)
        rack.consoles.get(addr)?.say(`\r\n${names.get(addr) ?? ''} login: `, rack.clock.time);
    }
  });
  return rack;
}

test('on: verified by its BMC, then seen at its login; the next on its blade waits for that', async () => {
  const rack = bootingRack(20);
  for (const addr of [1, 2]) rack.power.set(addr, 'off');
  rack.hooks = [
    {
      when: 'after-on',
      text: 'kubectl uncordon',
      limit: 60,
      run: () => Promise.resolve({ code: 1, why: 'exit code 1', output: ['no such node'] }),
    },
  ];
  await rack.start({ verb: 'on', nodes: [1, 2], label: 'x' });
  await rack.clock.advance(15_000);
  expect(rack.operation.nodes.map(({ phase }) => phase)).toEqual(['verify', 'waiting']);
  await rack.clock.advance(45_000);
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['on 01', 'on 02']);
  expect(rack.verbs[1]?.at).toBeGreaterThan(20);
  expect(rack.verbs[1]?.at).toBeLessThan(23);
  for (const end of rack.ends)
    expect(end).toMatch(
      /^done: is on, confirmed by two status replies; its console shows a login prompt, 2\d s after power came; a program that runs after it failed/,
    );
  // It is looked at, and nothing is typed into a boot.
  expect(rack.consoles.get(1)?.typed).toEqual([]);
});

test('many boot at once, and only the one console can show it: each is seen in its turn', async () => {
  const rack = bootingRack(28);
  rack.boot = { proof: 'console', limit: 40 };
  const addrs = [4, 8, 12, 16, 20, 24];
  rack.inventory.nodes = [0, ...addrs].map((addr) => ({ ...unnamedNode(addr), role: addr === 0 ? 'master' : null }));
  for (const addr of addrs) rack.power.set(addr, 'off');
  const make = rack.consoleFor;
  rack.consoleFor = (addr) => {
    const console = make?.(addr) ?? new FakeConsole();
    console.onTyped = () => {
      const stop = rack.clock.every(5, () => {
        stop();
        console.say('\r\nlogin: ', rack.clock.time);
      });
    };
    return console;
  };
  await rack.start({ verb: 'on', nodes: addrs, label: 'x' });
  await rack.clock.advance(200_000);
  expect(rack.ends.map((end) => end.replace(/\d+ s/, 'N s'))).toEqual(
    addrs.map(
      () => 'done: is on, confirmed by two status replies; its console shows a login prompt, N s after power came',
    ),
  );
  expect(rack.took.map((took) => took.slice(0, 5)).sort()).toEqual(addrs.map((addr) => `on ${hex(addr)}`));
});

test('one that never boots is said to have failed; ssh shows what its console does not', async () => {
  const rack = bootingRack(500);
  rack.power.set(3, 'off');
  await rack.start({ verb: 'on' });
  await rack.clock.advance(125_000);
  expect(rack.ends[0]).toMatch(/^failed: is on, confirmed by two status replies; no prompt showed within 120 s/);
  const other = bootingRack(500);
  other.network = new FakeNetwork();
  other.power.set(3, 'off');
  await other.start({ verb: 'on' });
  await other.clock.advance(10_000);
  expect(other.ends[0]).toMatch(/^done: is on, confirmed by two status replies; its ssh server answers/);
});

test('a rolling cycle stops at the first node that does not come back', async () => {
  const rack = bootingRack(500);
  await rack.start({ verb: 'force-cycle', nodes: [3, 5], label: 'x', confirm: 'x 2' });
  await rack.clock.advance(130_000);
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03', 'on 03']);
  expect(rack.ends[0]).toMatch(/^failed: is on again, confirmed by two status replies; no prompt showed/);
  expect(rack.ends[1]).toBe('refused: nothing was sent: k8s-worker-04, the node before it, did not come back');
});

test('who aborts while it comes up is told that it is on, and was not watched to its end', async () => {
  const rack = bootingRack(60);
  await rack.start({ verb: 'force-cycle', confirm: 'k8s-worker-04' });
  await rack.clock.advance(10_000);
  rack.operations.abort(rack.operation.id, OPERATOR);
  await settle();
  expect(rack.ends[0]).toMatch(
    /^done: is on again, confirmed by two status replies.*; it was not watched to its login$/,
  );
  expect(rack.consoles.get(3)?.released).toBe(1);
});

test('nobody loses his console to a boot', async () => {
  const rack = bootingRack(20);
  rack.power.set(3, 'off');
  rack.holder = { addr: 5, session: 1, name: 'ada' };
  await rack.start({ verb: 'on' });
  await rack.clock.advance(60_000);
  expect(rack.log).not.toContain('console 03');
  await rack.clock.advance(70_000);
  expect(rack.ends[0]).toBe(
    'done: is on, confirmed by two status replies; whether it came up is unknown (ada uses the console)',
  );
});

test.each([
  ['said nothing', [], 1],
  ['spoke', [line('boot', 'Linux version 6.12')], 0],
])('Enter at the limit, on a console that %s', (_what, said, presses) => {
  const events: [number, Timeless][] = [[1, { kind: 'console' }], ...said.map((one): [number, Timeless] => [2, one])];
  const { effects } = play({ ssh: false, limitMs: 10_000 }, [...events, [16, TICK], [19, TICK]]);
  expect(effects.filter((effect) => effect.do === 'wake')).toHaveLength(presses);
});
