/** A cycle is held against the kernel's boot id where ssh tells it, before and after: in virtual time. */
import { describe, expect, test } from 'vitest';
import type { VerbOutcome } from '../../src/bmc/types.ts';
import { bootIdCommands, assessReset, readBootId } from '../../src/power/boot.ts';
import { FakeNetwork, FakeRack } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const OLD = '0c4f1a52-7d0e-4b8e-9a66-1f0d2a3b4c5d';
const NEW = 'e1b0a7c3-55d2-4f1b-8f11-90ab12cd34ef';
const UNSEEN: VerbOutcome = {
  ok: false,
  sent: true,
  reason: 'unverified',
  detail: 'its status did not change',
  tries: 2,
} as VerbOutcome;

test.each([
  [OLD, NEW, true, 'reset'],
  [OLD, NEW, false, 'reset'],
  [OLD, OLD, true, 'not-reset'],
  [OLD, OLD, false, 'not-reset'],
  [OLD, null, true, 'reset'],
  [OLD, null, false, 'unproven'],
  [null, null, true, 'reset'],
  [null, null, false, 'unproven'],
] as const)('boot id %s before, %s after, power seen off %s: %s', (before, after, seenOff, is) => {
  expect(assessReset({ before, after, seenOff }).is).toBe(is);
});

describe('a boot id is read behind the word that was asked for', () => {
  test.each<[what: string, lines: string[], id: string | null]>([
    ['in its place', ['300.00 1080.00', 'rackui-1', OLD, 'sudo: x'], OLD],
    ['behind a banner with another id', [NEW, 'Welcome', 'rackui-1', OLD], OLD],
    ['without the word: a command of the key’s own', ['300.00 1080.00', OLD], null],
    ['behind another word', ['rackui-2', OLD], null],
    ['where there is no such file', ['rackui-1', 'cat: /proc/sys/kernel/random/boot_id: No such file'], null],
    ['not yet whole', ['rackui-1', OLD.slice(0, 20)], null],
    ['not yet there', ['rackui-1'], null],
    ['in the words of a shell that quotes what was asked', [`sh: ${bootIdCommands('rackui-1')}: refused`, OLD], null],
  ])('%s', (_what, lines, id) => {
    expect(readBootId(lines, 'rackui-1')).toBe(id);
  });
});

/** A node that ssh asks, that halts, is cut and comes up; `after`: its boot id then. */
async function cycled(before: string | null, after: string | null, onVerb?: FakeRack['onVerb']): Promise<FakeRack> {
  const rack = new FakeRack();
  const network = new FakeNetwork();
  rack.network = network;
  rack.boot = { proof: 'ssh', limit: 120 };
  let prompt = `\r\n${NAME} login: `;
  rack.console.onTyped = () => prompt !== '' && rack.says(prompt);
  if (before !== null) network.bootIds.set(3, before);
  await rack.start({ verb: 'cycle', confirm: NAME });
  await rack.clock.advance(2_000);
  network.gone.add(3);
  prompt = '';
  rack.says('[  312.345678] reboot: Power down\r\n');
  rack.onVerb = (addr, verb) => {
    if (verb === 'on') {
      network.gone.delete(3);
      if (after === null) network.bootIds.delete(3);
      else network.bootIds.set(3, after);
    }
    return onVerb?.(addr, verb) ?? null;
  };
  await rack.clock.advance(90_000);
  return rack;
}

const grounds = (rack: FakeRack): string[] =>
  rack.operation.nodes.flatMap(({ evidence }) =>
    evidence.filter(({ kind }) => kind === 'boot-id').map(({ text }) => text),
  );

test('a new boot id proves the reset', async () => {
  const rack = await cycled(OLD, NEW);
  expect(rack.ends[0]).toMatch(/^done: is on again, confirmed by two status replies; its ssh server answers/);
  expect(grounds(rack)).toEqual([`its kernel was restarted: boot id ${OLD} before, ${NEW} now`]);
});

test('the same boot id is no reset, whatever the BMC said of its power', async () => {
  const rack = await cycled(OLD, OLD);
  expect(rack.ends[0]).toMatch(/^failed: is on and was not reset \(its kernel was not restarted/);
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03', 'on 03']);
});

test('a boot id that cannot be read again leaves power seen off to stand for it, and says so', async () => {
  const rack = await cycled(OLD, null);
  expect(rack.ends[0]).toMatch(/^done: is on again, confirmed by two status replies/);
  expect(grounds(rack)[0]).toMatch(/could not be read by ssh again: its power was seen off, which proves the reset/);
});

test('a machine that told no boot id before is not asked by ssh again', async () => {
  const rack = await cycled(null, NEW);
  expect(rack.ends[0]).toMatch(/^done: is on again, confirmed by two status replies/);
  expect(rack.network?.askedBoot).toEqual([]);
  expect(grounds(rack)).toEqual([]);
});

test.each([
  [NEW, /^done: is on again; its ssh server answers/],
  [OLD, /^failed: is on and was not reset/],
  [null, /^failed: is on, but it is not certain that its power was ever off/],
])('power that was never seen off, and boot id %s afterwards', async (after, words) => {
  const rack = await cycled(OLD, after, (_addr, verb) => (verb === 'off' ? UNSEEN : null));
  expect(rack.ends[0]).toMatch(words);
});

test('an off asks for no boot id', async () => {
  const rack = new FakeRack();
  const network = new FakeNetwork();
  rack.network = network;
  rack.console.onTyped = () => rack.says(`\r\n${NAME} login: `);
  let asked: unknown = 'nothing yet';
  network.shutDown = (_addr, _signal, _ran, boots) => {
    asked = boots;
    return new Promise(() => undefined);
  };
  await rack.start({ verb: 'off', confirm: NAME });
  await rack.clock.advance(2_000);
  expect(asked).toBeNull();
});
