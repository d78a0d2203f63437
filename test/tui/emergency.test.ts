/** What starts a plan from the emergency panel, and what does not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import type { Effect } from '../../src/tui/model/events.ts';
import { DONE, preview, run } from '../screens/plans.ts';
import { NOW, Scene } from '../screens/scene.ts';

const WORDS = 'shed-dev 9';

const open = (): Scene => new Scene({}).keys('!').plans().previewed(preview('shed-dev'));
const armed = (): Scene => open().keys('a');
const begun = (scene: Scene): Effect[] => scene.effects.filter((effect) => effect.do === 'plan-run');

test('a plan is started by arming it, its words typed key by key, and Enter', () => {
  const request = { name: 'shed-dev', confirm: WORDS, armed: false, deadlineS: null };
  expect(begun(armed().typed(WORDS).keys('\r'))).toMatchObject([{ do: 'plan-run', request }]);
});

test('a plan that cuts nothing needs arming and Enter', () => {
  const scene = open().keys('k').previewed(preview('bring-up')).keys('a', '\r');
  expect(begun(scene)).toMatchObject([{ request: { name: 'bring-up', confirm: null } }]);
});

test.each<[string, (scene: Scene) => Scene]>([
  ['Enter, however often', (scene) => scene.keys('a', '\r', '\r', '\r')],
  ['the words without arming', (scene) => scene.typed(WORDS).keys('\r')],
  ['the words pasted', (scene) => scene.keys('a', `\x1b[200~${WORDS}\x1b[201~`, '\r')],
  ['the words pasted without brackets', (scene) => scene.keys('a', WORDS, '\r')],
  ['everything typed ahead', (scene) => scene.keys(`a${WORDS}\r`)],
  ['another plan’s words', (scene) => scene.keys('a').typed('shed-all 24').keys('\r')],
  ['another count', (scene) => scene.keys('a').typed('shed-dev 8').keys('\r')],
  [
    'words that were disarmed half way',
    (scene) => scene.keys('a').typed('shed-').keys('\x1b').typed('dev 9').keys('\r'),
  ],
  ['the end of words begun before', (scene) => scene.keys('a').typed('shed-').keys('\r').typed('dev 9').keys('\r')],
])('%s: nothing is started', (_what, play) => {
  expect(begun(play(open()))).toEqual([]);
});

test('keys that come before the words could be read do not count', () => {
  const scene = armed();
  // No frame was shown since: the panel still waits to be seen.
  const event = { type: 'token', burst: 1, local: scene.now } as const;
  for (const ch of [...Array.from(WORDS), '\r']) {
    const name = ch === '\r' ? 'enter' : ch === ' ' ? 'space' : ch;
    scene.dispatch({ ...event, token: { kind: 'key', name, bytes: Buffer.from(ch) } });
  }
  expect(begun(scene)).toEqual([]);
});

test('what was asked long ago starts nothing', () => {
  expect(begun(armed().typed(WORDS).later(11_000).keys('\r'))).toEqual([]);
});

test('a plan of which every node is refused cannot be armed', () => {
  const refusal = { rule: 'bus', message: 'the bus is not usable (down): the port is gone', override: null };
  const all = Object.fromEntries(Array.from({ length: 24 }, (_, addr) => [addr, [refusal]]));
  const scene = new Scene({}).keys('!').plans().previewed(preview('shed-dev', all)).keys('a').typed(WORDS).keys('\r');
  expect(begun(scene)).toEqual([]);
});

test('it does not stay armed when nobody types', () => {
  const scene = armed();
  for (let second = 0; second < 70; second += 4) scene.later(4000).previewed(preview('shed-dev'));
  expect(scene.state.overlay).toMatchObject({ mode: { is: 'choose' } });
});

test('q is a letter while armed, and Esc disarms without closing', () => {
  expect(armed().keys('q').state.overlay).toMatchObject({ mode: { is: 'armed', field: { text: 'q' } } });
  expect(armed().keys('\x1b').state.overlay).toMatchObject({ kind: 'emergency', mode: { is: 'choose' } });
});

test('what the nodes say is asked again while the panel is open, but not through somebody’s console', () => {
  const asked = (scene: Scene): number => scene.effects.filter((effect) => effect.do === 'plan-show').length;
  expect(asked(open().later(5500))).toBe(2);
  const console = {
    addr: 3,
    state: 'open',
    holder: 2,
    holderName: 'eve',
    holderSilentSince: null,
    watchers: [2],
    unproven: null,
    baud: 115200,
  } as const;
  const held = open();
  held.dispatch({ type: 'update', note: { now: NOW, console: { ...console, watchers: [2] } }, local: NOW });
  expect(asked(held.later(5500))).toBe(1);
});

test('no keys start a plan but its words', () => {
  const key = fc.constantFrom(
    ...'!aaajkqxyprs \r\t\x1b'.split(''),
    '\x1b[B',
    '\x1b[200~shed-dev 9\x1b[201~',
    'shed-dev 9\r',
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), (keys) => begun(open().keys(...keys)).length === 0),
    { numRuns: 300 },
  );
});

describe('a run', () => {
  const some = (over: Partial<PlanRun> = {}): PlanRun =>
    run('shed-dev', over, (addr) => (addr === 0x01 ? DONE : addr === 0x05 ? { state: 'started' } : {}));
  const shown = (over: Partial<PlanRun> = {}): Scene => new Scene({}).ran(some(over)).keys('!').plans();
  const acts = (scene: Scene): Effect[] =>
    scene.effects.filter(({ do: what }) => what === 'plan-act' || what === 'plan-skip');

  test('opens the panel on it, and the panel closes without ending it', () => {
    expect(shown().state.overlay).toMatchObject({ mode: { is: 'run', id: 'run-3' } });
    expect(acts(shown().keys('q'))).toEqual([]);
  });

  test('pauses at once, aborts and goes on when asked and answered', () => {
    expect(acts(shown().keys('p'))).toEqual([{ do: 'plan-act', act: 'pause', id: 'run-3' }]);
    expect(acts(shown().keys('a', 'y'))).toEqual([{ do: 'plan-act', act: 'abort', id: 'run-3' }]);
    expect(acts(shown({ state: 'paused' }).keys('r', 'y'))).toEqual([{ do: 'plan-act', act: 'resume', id: 'run-3' }]);
    expect(acts(shown({ state: 'paused' }).keys('r', 'r', 'ry'))).toEqual([]);
  });

  test('leaves out the node that was chosen', () => {
    expect(acts(shown().keys('s'))).toEqual([]);
    expect(acts(shown().keys('j', 's', 'y'))).toEqual([{ do: 'plan-skip', id: 'run-3', addr: 0x09 }]);
  });

  test('cannot be touched by those who may only look', () => {
    const viewer = new Scene({ access: 'view' })
      .ran(some())
      .keys('!')
      .plans()
      .keys('p', 'a', 'y', 'r', 'y', 'j', 's', 'y');
    expect(acts(viewer)).toEqual([]);
  });

  test('that pauses by itself is said, and its result stays until it is put away', () => {
    const map = new Scene({}).ran(some()).ran(some({ state: 'paused', detail: 'ns01 did not go off' }));
    expect(map.state.notice?.text).toContain('ns01 did not go off');
    const over = map.ran(run('shed-dev', { state: 'ended', endedAt: NOW }, () => DONE));
    expect(over.keys('!').plans().state.overlay).toMatchObject({ mode: { is: 'run', id: 'run-3' } });
    expect(over.keys('x', '\x1b', '!').plans().state.overlay).toMatchObject({ mode: { is: 'choose' } });
  });
});
