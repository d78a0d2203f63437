import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../../src/api/power.ts';
import type { Recognition } from '../../src/console/recognizer.ts';
import { update } from '../../src/power/shutdown/machine.ts';
import { viewOf } from '../../src/power/shutdown/progress-view.ts';
import { choicesOf, isSticky, questionOf, type OperatorPromptKind } from '../../src/power/shutdown/prompts.ts';
import { initialShutdown, type Effect, type Shutdown, type ShutdownEvent } from '../../src/power/shutdown/state.ts';
import type { Target } from '../../src/power/shutdown/target.ts';

const LIMITS = {
  preflight: 10_000,
  request: 60_000,
  acknowledged: 15_000,
  stopping: 180_000,
  hard: 300_000,
  settle: 5_000,
  networkGone: 20_000,
  steady: 4_000,
};

const target = fc.record<Target>({
  name: fc.constant('node-a'),
  place: fc.constant('A-3, 03'),
  host: fc.constantFrom('node-a', null),
  limits: fc.constant(LIMITS),
  deadlineAt: fc.constantFrom(null, 40_000, 400_000),
  onDeadline: fc.constantFrom('leave', 'cut'),
  ssh: fc.constantFrom(null, 'pi@192.0.2.3'),
  shares: fc.boolean(),
  hooks: fc.constantFrom(null, { count: 1, limit: 60_000 }),
  cutOn: fc.constantFrom('A', 'B'),
  band: fc.constantFrom(null, { low: 15, high: 20, shutdowns: 1 }),
  unattended: fc.boolean(),
  cutUnasked: fc.boolean(),
  watchedOn: fc.boolean(),
});

const text = fc.constantFrom('some line', 'x');
const host = fc.constantFrom('node-a', 'node-b', null);
const recognition: fc.Arbitrary<Omit<Recognition, 'at'>> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('halt', 'acknowledged', 'target', 'output'), text }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('shell' as const),
      root: fc.boolean(),
      user: fc.constant(null),
      host,
      text,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('login' as const), host, text }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('password' as const), user: fc.constantFrom('pi', 'bob', null), text }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('final', 'firmware'),
      word: fc.constantFrom('63', '0'),
      text,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'wait',
        'reboot',
        'boot',
        'uboot',
        'dirty',
        'oops',
        'stuck',
        'filesystem',
        'panic',
        'emergency',
        'initramfs',
        'denied',
        'inhibited',
        'not-found',
        'fsck',
        'uboot-shell',
        'initramfs-shell',
        'synced',
        'remounted',
      ),
      text,
      unit: fc.constantFrom('systemctl', 'sudo'),
    }),
  },
);

type Timeless = ShutdownEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never;

const event = fc.oneof(
  { weight: 6, arbitrary: recognition.map((heard) => ({ kind: 'recognized', recognition: heard })) },
  {
    weight: 5,
    arbitrary: fc.record({ wanted: fc.boolean(), urgent: fc.boolean() }).map((tick) => ({ kind: 'tick', ...tick })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ open: fc.boolean(), proven: fc.boolean(), why: fc.constant('why') })
      .map((condition) => ({ kind: 'console', condition })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: 'no-console', why: 'held' },
      { kind: 'refused', why: 'away' },
      { kind: 'turn' },
      { kind: 'spaced' },
      { kind: 'unsent' },
      { kind: 'hooks-done', why: '' },
      { kind: 'hooks-done', why: 'exit code 1' },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { kind: 'network', reachable: true, askedAt: 0 },
      { kind: 'network', reachable: false, askedAt: 0 },
      { kind: 'network', reachable: false, askedAt: 0 },
      { kind: 'sample', sample: { power: 'on', current: 17 }, why: '' },
      { kind: 'sample', sample: { power: 'on', current: 17 }, why: '' },
      { kind: 'sample', sample: { power: 'on', current: 33 }, why: '' },
      { kind: 'sample', sample: { power: 'off', current: 0 }, why: '' },
      { kind: 'sample', sample: null, why: 'silent' },
      { kind: 'ssh-done', end: { code: 0, why: '', output: [] } },
      { kind: 'ssh-done', end: { code: 255, why: 'exit code 255', output: ['Connection refused'] } },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom({ kind: 'journalled' }, { kind: 'requested', leftAt: 0 }, { kind: 'ssh-ran' }),
  },
  { weight: 1, arbitrary: fc.constantFrom(' ', '\r\n', '[').map((heard) => ({ kind: 'output', text: heard })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { kind: 'credentials', user: 'pi', why: '' },
      { kind: 'credentials', user: null, why: 'none' },
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('wait', 'retry', 'skip', 'console', 'sync', 'leave', 'force')
      .map((choice) => ({ kind: 'answer', choice, by: 'ada' })),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().chain((ok) =>
      fc.record({
        kind: fc.constant('cut-done'),
        ok: fc.constant(ok),
        sent: fc.boolean(),
        outcome: fc.constantFrom<Outcome>('bus', 'refused', 'failed'),
        detail: fc.constant('d'),
        rule: fc.constantFrom(null, 'unknown'),
        current: fc.constantFrom(null, 17),
      }),
    ),
  },
) as fc.Arbitrary<Timeless>;

/** From the events alone: all three signs, and the configuration's leave. */
function expectGradeB(start: Target, past: ShutdownEvent[], now: number): void {
  expect(start.cutOn).toBe('B');
  const { band } = start;
  if (band === null) throw new Error('cut on grade B without a halt band');
  // The network answered once, and since then, for so long, not at all.
  const network = past.flatMap((one) => (one.kind === 'network' ? [one] : []));
  const lastSeen = network.findLastIndex(({ reachable }) => reachable);
  expect(lastSeen, 'it answered before').toBeGreaterThanOrEqual(0);
  const goneAt = network[lastSeen + 1]?.at ?? Infinity;
  expect(now - goneAt, 'gone').toBeGreaterThanOrEqual(LIMITS.networkGone);
  // The last samples, over the whole time, lie in the band, without a hole between two of them.
  const samples = past.flatMap((one) => (one.kind === 'sample' ? [one] : []));
  const steady = samples.slice(samples.findLastIndex(({ sample }) => !inBand(sample?.current, band)) + 1);
  const first = steady.findLastIndex(({ at }, index) => at - (steady[index - 1]?.at ?? -Infinity) > 5_000);
  expect((steady.at(-1)?.at ?? 0) - (steady[first]?.at ?? Infinity), 'steady').toBeGreaterThanOrEqual(LIMITS.steady);
  // It spoke once, and says nothing after three presses of Enter.
  const heard = past.flatMap((one) => (one.kind === 'recognized' ? [one.recognition] : []));
  expect(
    heard.some(({ kind }) => kind === 'shell' || kind === 'login'),
    'it spoke',
  ).toBe(true);
  const last = heard.filter(({ text }) => /[\x20-\x7e]{3}/.test(text)).at(-1);
  expect(now - (last?.at ?? now), 'silent').toBeGreaterThanOrEqual(3_000);
}

/** From events and typing alone: Enter was pressed behind a pipe that its BMC answered in, and nothing came of it. */
function expectDead(start: Target, past: Happening[], haltedAt: number, now: number): void {
  const pressed = past.findLastIndex(({ effects }) =>
    effects.some((one) => one.do === 'type' && one.text.endsWith('\r')),
  );
  const pressedAt = past[pressed]?.event.at ?? Infinity;
  expect(pressedAt, 'Enter after the last line').toBeGreaterThanOrEqual(haltedAt);
  expect(now - pressedAt, 'waited for').toBeGreaterThanOrEqual(1_000);
  expect(past.slice(pressed).filter(({ event: one }) => one.kind === 'tick').length, 'looked at').toBeGreaterThan(4);
  const before = past.slice(0, pressed).map((one) => one.event);
  const asked = past.findLastIndex(({ effects }) => effects.some((one) => one.do === 'sample'));
  expect(past[asked]?.event.at, 'its BMC asked after the last line').toBeGreaterThanOrEqual(haltedAt);
  expect(before.slice(asked).some((one) => one.kind === 'sample' && one.sample?.power === 'on')).toBe(true);
  const after = past.slice(pressed).map((one) => one.event);
  expect(after.filter((one) => one.kind === 'output' || (one.kind === 'console' && !one.condition.open))).toEqual([]);
  if (start.ssh === null) return;
  const look = past.map((one) => one.event).findLast((one) => one.kind === 'network');
  expect(look).toMatchObject({ reachable: false });
  expect(look?.at).toBeGreaterThanOrEqual(haltedAt);
}

function inBand(current: number | undefined, band: { low: number; high: number }): boolean {
  return current !== undefined && current >= band.low && current <= band.high;
}

/** Small steps and great ones: settling times, limits and deadlines all pass in some run. */
const script = fc.array(fc.tuple(fc.constantFrom(0, 10, 400, 1_000, 3_000, 5_000, 16_000, 61_000), event), {
  maxLength: 60,
});

/** On the disk, then on the wire. */
const ASKED: [number, Timeless][] = [
  [10, { kind: 'journalled' }],
  [10, { kind: 'requested', leftAt: 0 }],
];

/** A node that ssh asked, whose network is gone, while its console is away: what grade B is judged from. */
function wayToB(dropped: number): [number, Timeless][] {
  const way: [number, Timeless][] = [
    [0, { kind: 'turn' }],
    [0, { kind: 'console', condition: { open: true, proven: true, why: '' } }],
    [400, { kind: 'recognized', recognition: { kind: 'login', host: 'node-a', at: 0, text: 'node-a login:' } }],
    [10, { kind: 'hooks-done', why: '' }],
    [10, { kind: 'spaced' }],
    ...ASKED,
    [10, { kind: 'network', reachable: true, askedAt: 0 }],
    [10, { kind: 'ssh-done', end: { code: 0, why: '', output: [] } }],
    [2_000, { kind: 'network', reachable: false, askedAt: 0 }],
    [10_000, { kind: 'tick', wanted: false }],
    [10_000, { kind: 'tick', wanted: false }],
    [10, { kind: 'turn' }],
    [0, { kind: 'console', condition: { open: true, proven: true, why: '' } }],
    ...Array.from({ length: 8 }, (): [number, Timeless][] => [
      [500, { kind: 'sample', sample: { power: 'on', current: 17 }, why: '' }],
      [500, { kind: 'tick', wanted: false }],
    ]).flat(),
  ];
  // Not to its end: there random events meet it on its way.
  return way.slice(0, way.length - dropped);
}

/**
 * A node that was asked at its shell, said its last line and was silent for the settling time: what grade A is judged
 * from.
 */
function wayToA(dropped: number): [number, Timeless][] {
  const tick: [number, Timeless] = [500, { kind: 'tick', wanted: false }];
  const way: [number, Timeless][] = [
    [0, { kind: 'turn' }],
    [0, { kind: 'console', condition: { open: true, proven: true, why: '' } }],
    [
      10,
      { kind: 'recognized', recognition: { kind: 'shell', root: true, user: null, host: 'node-a', at: 0, text: '#' } },
    ],
    [10, { kind: 'hooks-done', why: '' }],
    [10, { kind: 'spaced' }],
    ...ASKED,
    [10, { kind: 'turn' }],
    [0, { kind: 'console', condition: { open: true, proven: true, why: '' } }],
    [10, { kind: 'recognized', recognition: { kind: 'acknowledged', at: 0, text: 'going down' } }],
    [10, { kind: 'ssh-done', end: { code: 0, why: '', output: ['99.00 1.00'] } }],
    [10, { kind: 'recognized', recognition: { kind: 'halt', at: 0, text: 'Power down' } }],
    [10, { kind: 'network', reachable: false, askedAt: 0 }],
    [5_000, { kind: 'tick', wanted: false }],
    ...Array.from({ length: 9 }, () => tick),
    [10, { kind: 'console', condition: { open: false, proven: false, why: 'its BMC is asked' } }],
    [10, { kind: 'sample', sample: { power: 'on', current: 17 }, why: '' }],
    [10, { kind: 'console', condition: { open: true, proven: false, why: '' } }],
    ...Array.from({ length: 9 }, () => tick),
  ];
  return way.slice(0, way.length - dropped);
}

/** Goes a healthy way first, so that random events find a shutdown in all its stages. */
const prefix = fc.constantFrom<(Timeless | [number, Timeless])[]>(
  [],
  wayToA(0),
  wayToA(2),
  wayToA(4),
  wayToA(6),
  wayToA(9),
  wayToA(12),
  wayToA(20),
  wayToB(0),
  wayToB(3),
  wayToB(9),
  [{ kind: 'console', condition: { open: true, proven: true, why: '' } }],
  [
    { kind: 'console', condition: { open: true, proven: true, why: '' } },
    { kind: 'recognized', recognition: { kind: 'shell', root: true, user: null, host: 'node-a', at: 0, text: '#' } },
  ],
  [
    { kind: 'console', condition: { open: true, proven: true, why: '' } },
    { kind: 'recognized', recognition: { kind: 'shell', root: true, user: null, host: 'node-a', at: 0, text: '#' } },
    ...ASKED,
    { kind: 'recognized', recognition: { kind: 'acknowledged', at: 0, text: 'going down' } },
    { kind: 'recognized', recognition: { kind: 'halt', at: 0, text: 'Power down' } },
  ],
  [
    { kind: 'console', condition: { open: true, proven: true, why: '' } },
    { kind: 'recognized', recognition: { kind: 'shell', root: true, user: null, host: 'node-a', at: 0, text: '#' } },
    ...ASKED,
    { kind: 'recognized', recognition: { kind: 'dirty', at: 0, text: 'Unable to unmount file systems' } },
    { kind: 'recognized', recognition: { kind: 'halt', at: 0, text: 'Power down' } },
  ],
);

interface Happening {
  event: ShutdownEvent;
  before: Shutdown;
  effects: Effect[];
}

function play(start: Target, first: (Timeless | [number, Timeless])[], rest: [number, Timeless][]): Happening[] {
  let at = 0;
  let state = initialShutdown(start, at);
  const happened: Happening[] = [];
  const steps = [[0, { kind: 'start' }], ...first.map((one) => (Array.isArray(one) ? one : [0, one])), ...rest];
  for (const [ms, what] of steps as [number, Timeless][]) {
    at += ms;
    const next: ShutdownEvent =
      what.kind === 'recognized'
        ? { ...what, at, recognition: { ...what.recognition, at } }
        : what.kind === 'network'
          ? { ...what, at, askedAt: at }
          : what.kind === 'requested'
            ? { ...what, at, leftAt: at }
            : { ...what, at };
    const step = update(state, next);
    happened.push({ event: next, before: state, effects: step.effects });
    state = step.state;
  }
  return happened;
}

test('no cut without halt and silence, a chosen force, or a deadline for which it was confirmed', () => {
  let cuts = { halted: 0, composite: 0, forced: 0, deadline: 0 };
  fc.assert(
    fc.property(target, prefix, script, (start, first, rest) => {
      const happened = play(start, first, rest);
      for (const [index, { event: now, before, effects }] of happened.entries())
        for (const effect of effects) {
          if (effect.do !== 'cut') continue;
          cuts = { ...cuts, [effect.ground]: cuts[effect.ground] + 1 };
          if (effect.ground === 'forced') {
            expect(now).toMatchObject({ kind: 'answer', choice: 'force' });
            expect(before.prompt && choicesOf(before.prompt.kind)).toContain('force');
          } else if (effect.ground === 'deadline') {
            expect(start.onDeadline).toBe('cut');
            expect(start.deadlineAt).not.toBeNull();
            expect(now.at).toBeGreaterThanOrEqual(start.deadlineAt ?? Infinity);
            expect(before.neverCut).toBeNull();
          } else if (effect.ground === 'composite') {
            expectGradeB(
              start,
              happened.slice(0, index + 1).map((one) => one.event),
              now.at,
            );
            expect(before.console.open).toBe(true);
          } else {
            // Judged from the events alone, not from the machine's own state.
            const past = happened.slice(0, index + 1).map((one) => one.event);
            const heard = past.flatMap((one) => (one.kind === 'recognized' ? [one.recognition] : []));
            const halts = heard.filter(({ kind }) => kind === 'halt');
            const last = halts.at(-1);
            expect(last, 'a halt line').toBeDefined();
            expect(now.at - (last?.at ?? 0), 'settled').toBeGreaterThanOrEqual(LIMITS.settle);
            const after = heard.slice(last ? heard.indexOf(last) + 1 : 0).map(({ kind }) => kind);
            expect(
              after.filter((kind) => !['output', 'firmware'].includes(kind)),
              'silence',
            ).toEqual([]);
            // What was meant is no request: its last byte left, ssh said that it ran, or somebody does it by hand.
            const request = happened.find(
              (one) =>
                (one.event.kind === 'requested' && one.before.stage.is === 'requesting') ||
                ((one.event.kind === 'ssh-ran' || one.event.kind === 'ssh-done') && one.before.sshRuns) ||
                one.effects.some((e) => e.do === 'listen'),
            );
            expect(request, 'a request').toBeDefined();
            expect(request?.event.at).toBeLessThanOrEqual(last?.at ?? -1);
            const dirtied = happened
              .slice(0, index)
              .filter(({ before: { stage } }) =>
                ['ssh', 'asked', 'by-hand', 'stopping', 'gone', 'testing'].includes(stage.is),
              )
              .flatMap((one) => (one.event.kind === 'recognized' ? [one.event.recognition.kind] : []))
              .filter((kind) => ['dirty', 'oops', 'filesystem'].includes(kind));
            expect(dirtied, 'clean').toEqual([]);
            expect(before.console.open).toBe(true);
            expectDead(start, happened.slice(0, index + 1), last?.at ?? 0, now.at);
          }
        }
    }),
    { numRuns: 5_000 },
  );
  // A property that never sees its case proves nothing.
  expect(Math.min(cuts.halted, cuts.composite, cuts.forced, cuts.deadline), JSON.stringify(cuts)).toBeGreaterThan(0);
});

test('0x07 is in nothing that is typed, and nothing is typed after the end or while a cut is under way', () => {
  fc.assert(
    fc.property(target, prefix, script, (start, first, rest) => {
      for (const { before, effects } of play(start, first, rest)) {
        for (const effect of effects)
          if (effect.do === 'type' || effect.do === 'request') expect(effect.text).not.toContain('\x07');
        if (before.stage.is === 'ended') expect(effects).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('the one password is typed at a password prompt only, once for a login and once for sudo', () => {
  fc.assert(
    fc.property(target, prefix, script, (start, first, rest) => {
      let budget = 2;
      let lastHeard = '';
      for (const { event: now, effects } of play(start, first, rest)) {
        if (now.kind === 'recognized') lastHeard = now.recognition.kind;
        // Each is the operator's wish to try once more.
        if (now.kind === 'answer' && ['retry', 'wait'].includes(now.choice)) budget += 2;
        // A node without systemd is asked a second time, so sudo may ask a second time.
        if (effects.some((effect) => effect.do === 'request')) budget += 1;
        for (const effect of effects)
          if (effect.do === 'type-password') {
            budget--;
            if (now.kind === 'recognized') expect(lastHeard).toBe('password');
          }
      }
      expect(budget).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 500 },
  );
});

test('update changes nothing that it was given', () => {
  fc.assert(
    fc.property(target, prefix, script, (start, first, rest) => {
      let state = initialShutdown(start, 0);
      for (const { event: now } of play(start, first, rest)) {
        const copy = structuredClone(state);
        const step = update(state, now);
        expect(state).toEqual(copy);
        state = step.state;
        const view = viewOf(state);
        expect(view.detail).not.toBe('');
        expect(view.question === null).toBe(view.phase !== 'asking');
        if (state.stage.is === 'opening' && view.question === null)
          expect(view.phase === 'waiting', 'waits for its turn at the console').toBe(!state.console.held);
      }
    }),
    { numRuns: 200 },
  );
});

test('a node that gives its console away while it asks waits for it again, and is given its whole time then', () => {
  const waits = target.map((any) => ({ ...any, deadlineAt: null, ssh: null, shares: true, unattended: false }));
  for (const start of fc.sample(waits, 5)) {
    let state = initialShutdown(start, 0);
    const send = (event: ShutdownEvent): Effect[] => {
      const step = update(state, event);
      state = step.state;
      return step.effects;
    };
    const open = { open: true, proven: true, why: '' };
    send({ kind: 'turn', at: 0 });
    send({ kind: 'console', at: 0, condition: open });
    send({ kind: 'tick', at: 11_000, wanted: false });
    expect(state.prompt?.kind).toBe('silent');
    expect(send({ kind: 'tick', at: 12_000, wanted: true })).toContainEqual({ do: 'let-go' });
    const answer: ShutdownEvent = { kind: 'answer', at: 13_000, choice: 'wait', by: 'ada' };
    expect(send(answer)).toContainEqual({ do: 'acquire', use: 'ask' });
    for (const at of [14_000, 80_000, 3_600_000]) {
      send({ kind: 'tick', at, wanted: true });
      expect(viewOf(state)).toMatchObject({ phase: 'waiting', until: null, question: null });
    }
    send({ kind: 'turn', at: 3_600_000 });
    expect(viewOf(state)).toMatchObject({
      phase: 'preflight',
      detail: 'the console is being opened',
      until: 3_610_000,
    });
    send({ kind: 'console', at: 3_600_100, condition: open });
    expect(send({ kind: 'tick', at: 3_609_000, wanted: false })).toContainEqual({ do: 'look' });
    expect(state.prompt).toBeNull();
  }
});

test('every question begins with a choice that cuts nothing, offers to leave the node on, and confirms a cut by name', () => {
  const kinds: OperatorPromptKind[] = [
    'console-held',
    'console-lost',
    'refused',
    'silent',
    'no-prompt',
    'other-host',
    'no-login',
    'login-failed',
    'login-unfinished',
    'taken',
    'nameless',
    'nameless-login',
    'not-allowed',
    'inhibited',
    'unheard',
    'idle',
    'stalled',
    'emergency',
    'dirty',
    'panic',
    'rebooted',
    'speaking',
    'alive-after-halt',
    'hook-failed',
    'no-path',
    'alive',
    'unproven',
    'bmc-lost',
    'rescued',
    'rescue-failed',
    'cut-failed',
    'force-failed',
  ];
  const start: Target = {
    name: 'node-a',
    place: 'A-3, 03',
    host: 'node-a',
    limits: LIMITS,
    deadlineAt: null,
    onDeadline: 'leave',
    ssh: null,
    shares: false,
    hooks: null,
    cutOn: 'A',
    band: null,
    unattended: false,
    cutUnasked: true,
    watchedOn: false,
  };
  const texts = kinds.map((kind) => {
    const { text: words, choices } = questionOf({ kind, detail: 'said', since: 0, until: 1 }, start);
    expect(choices[0]?.danger).toBe(false);
    expect(choices.map(({ key }) => key)).toContain('leave');
    for (const { key, danger, confirm } of choices)
      expect([danger, confirm]).toEqual(key === 'force' ? [true, 'node-a'] : [false, null]);
    expect(words).toMatch(/node-a|A-3/);
    return words;
  });
  // Each has its own words.
  expect(new Set(texts).size).toBe(kinds.length);
  expect(isSticky('rebooted')).toBe(true);
});
