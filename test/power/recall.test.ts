/**
 * On the way from the judgement to the verb: what withdraws it, ground by ground, and what becomes of the shutdown
 * then.
 */
import { expect, test } from 'vitest';
import type { Recognition } from '../../src/console/recognizer.ts';
import { update } from '../../src/power/shutdown/machine.ts';
import {
  initialShutdown,
  type Ground,
  type Shutdown,
  type ShutdownEvent,
  type Stage,
} from '../../src/power/shutdown/state.ts';
import type { Target } from '../../src/power/shutdown/target.ts';

const TARGET: Target = {
  name: 'node-a',
  place: 'A-3, 03',
  host: 'node-a',
  limits: {
    ...{ preflight: 10_000, request: 60_000, acknowledged: 15_000, stopping: 180_000, hard: 300_000 },
    ...{ settle: 5_000, networkGone: 20_000, steady: 4_000 },
  },
  ssh: 'pi@192.0.2.3',
  shares: false,
  hooks: null,
  cutOn: 'B',
  band: null,
  deadlineAt: null,
  onDeadline: 'cut',
  unattended: false,
  cutUnasked: false,
  watchedOn: false,
};

const FROM: Record<Ground, Stage> = {
  halted: { is: 'settle', marker: 'reboot: Power down', firmware: false, touch: null },
  composite: { is: 'testing', hardUntil: 500_000, presses: 3, pressedAt: 90_000 },
  deadline: { is: 'stopping', hardUntil: 500_000, unit: null },
  forced: { is: 'stopping', hardUntil: 500_000, unit: null },
};

/** Asked at 10 s, halted at 90 s, being cut since 100 s. */
function cutting(ground: Ground): Shutdown {
  const state = initialShutdown(TARGET, 0);
  return {
    ...state,
    ...{ requestedAt: 10_000, haltedAt: ground === 'halted' ? 90_000 : null },
    console: { ...state.console, held: true, open: true, proven: true, closedAt: null, printedBefore: true },
    stage: { is: 'cutting', ground, from: FROM[ground], recalled: null },
  };
}

/** What the machine does about `event`, and where it is once the bus has given the verb back. */
function play(ground: Ground, event: ShutdownEvent): { recalled: boolean; after: Shutdown } {
  const step = update(cutting(ground), event);
  const recalled = step.effects.some((effect) => effect.do === 'recall');
  const given: ShutdownEvent = {
    ...{ kind: 'cut-done', at: event.at + 20, ok: false, sent: false, outcome: 'aborted' },
    ...{ detail: 'aborted before the verb was sent', rule: null, current: null },
  };
  return { recalled, after: recalled ? update(step.state, given).state : step.state };
}

const heard = (recognition: Omit<Recognition, 'at' | 'text'>, text: string): ShutdownEvent =>
  ({ kind: 'recognized', at: 101_000, recognition: { ...recognition, at: 101_000, text } }) as ShutdownEvent;

const BOOT = heard({ kind: 'boot' }, '[    0.000000] Booting Linux on physical CPU 0x0');
const UBOOT = heard({ kind: 'uboot' }, 'U-Boot 2024.01');
const LOGIN = heard({ kind: 'login', host: 'node-a' } as Omit<Recognition, 'at' | 'text'>, 'node-a login:');
const WORDS = heard({ kind: 'output' }, 'systemd[1]: Stopped something');
const NOISE = heard({ kind: 'output' }, '~}');
const AGAIN = heard({ kind: 'halt' }, 'reboot: Power down');
const STALL: ShutdownEvent = { kind: 'stalled', at: 101_000, ms: 8_000 };
const network = (reachable: boolean, askedAt: number): ShutdownEvent => ({
  kind: 'network',
  at: 101_000,
  reachable,
  askedAt,
});

test.each<[Ground, string, ShutdownEvent, RegExp | null]>([
  ['halted', 'a kernel that starts', BOOT, /rebooted/],
  ['halted', 'a boot loader', UBOOT, /rebooted/],
  ['halted', 'a login prompt', LOGIN, /speaking/],
  ['halted', 'words', WORDS, /speaking/],
  ['halted', 'its network', network(true, 95_000), /alive-after-halt/],
  ['halted', 'noise', NOISE, null],
  ['halted', 'its last line once more', AGAIN, null],
  ['halted', 'a network that does not answer', network(false, 95_000), null],
  ['halted', 'a network that answered before the last line', network(true, 80_000), null],
  ['composite', 'a kernel that starts', BOOT, /rebooted/],
  ['composite', 'its network', network(true, 100_500), /rebooted/],
  ['composite', 'noise', NOISE, null],
  ['deadline', 'a kernel that starts', BOOT, /none/],
  ['deadline', 'a login prompt', LOGIN, null],
  ['deadline', 'its network', network(true, 100_500), null],
  ['forced', 'a kernel that starts', BOOT, null],
  ['forced', 'its network', network(true, 100_500), null],
  ['forced', 'a stall', STALL, null],
])('a cut on ground %s, and %s: withdrawn with a question, or not (%#)', (ground, _sign, event, trouble) => {
  const { recalled, after } = play(ground, event);
  expect(recalled).toBe(trouble !== null);
  if (trouble === null) expect(after.stage.is).toBe('cutting');
  else {
    expect(after.stage.is).not.toBe('cutting');
    if (ground === 'deadline') expect(after.neverCut).toBe('it started again');
    else expect(after.prompt?.kind).toMatch(trouble);
  }
});

test.each<[Ground, Stage['is']]>([
  ['halted', 'settle'],
  ['composite', 'gone'],
  ['deadline', 'stopping'],
])('a stall on the way to a cut on ground %s: what was judged is to be seen again', (ground, stage) => {
  const { recalled, after } = play(ground, STALL);
  expect([recalled, after.stage.is, after.prompt]).toEqual([true, stage, null]);
  // Nothing cuts before it has settled, or has been silent, anew.
  const soon = update(after, { kind: 'tick', at: 102_000, wanted: false });
  expect(soon.effects.filter((effect) => effect.do === 'cut')).toEqual([]);
});

test('a verb that left all the same ends it as it was sent', () => {
  const step = update(cutting('halted'), BOOT);
  const sent: ShutdownEvent = {
    ...{ kind: 'cut-done', at: 102_000, ok: true, sent: true, outcome: 'done' },
    ...{ detail: 'is off', rule: null, current: null },
  };
  expect(update(step.state, sent).state.stage).toMatchObject({ is: 'ended', off: true });
});
