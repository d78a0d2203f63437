/** The palette: what is chosen happens as if its key had been pressed, and what fits best stands first. */
import { expect, test } from 'vitest';
import type { State } from '../../src/tui/model/state.ts';
import { rankedOffers } from '../../src/tui/overlays/command-palette.ts';
import { fitOf } from '../../src/tui/overlays/fuzzy.ts';
import { MIXED, Scene } from '../screens/scene.ts';
import { SUPPLIES } from '../screens/supplies.ts';

const scene = (): Scene => new Scene({ nodes: MIXED });
const atConsole = (): Scene => scene().keys('03', '\r').attached('login: ');

/** The state without what the palette itself remembers, and without the clock. */
function essence(state: State): string {
  return JSON.stringify({ ...state, recent: [] }, (_name, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)];
    return typeof value === 'number' && value > 1e12 ? 'a time' : value;
  });
}

const offers = (at: Scene): ReturnType<typeof rankedOffers> => {
  const { overlay } = at.state;
  return overlay?.kind === 'palette' ? rankedOffers(at.state, overlay) : [];
};

const usable = (at: Scene, prefix: string): string[] =>
  offers(at.keys(...(prefix === '' ? [':'] : [prefix, ':'])))
    .filter(({ why }) => why === null)
    .map(({ id }) => id);

/** What a terminal sends for a key. */
const SENT: Record<string, string> = {
  ...{ up: '\x1b[A', down: '\x1b[B', right: '\x1b[C', left: '\x1b[D', pageup: '\x1b[5~', pagedown: '\x1b[6~' },
  ...{ enter: '\r', space: ' ', tab: '\t', escape: '\x1b', home: '\x1b[H', end: '\x1b[F' },
};
const sent = (key: string): string =>
  SENT[key] ?? (/^C-.$/.test(key) ? String.fromCharCode((key.codePointAt(2) ?? 0) & 0x1f) : key);

test.each([
  ['on the map', scene, ''],
  ['at a console', atConsole, '\x1d'],
])('every command that can be used %s does what its key does', (_where, make, prefix) => {
  const ids = usable(make(), prefix);
  expect(ids.length).toBeGreaterThan(20);
  const open = (): Scene => make().keys(...(prefix === '' ? [':'] : [prefix, ':']));
  const list = offers(open());
  // On the way down the list, not from its top for each.
  const walk = open();
  for (const [at, { id }] of list.entries()) {
    if (at > 0) walk.keys('\x1b[B');
    if (!ids.includes(id)) continue;
    const palette = open();
    palette.state = walk.state;
    palette.keys('\r');
    const pressed = make().keys(...(list[at]?.press ?? []).map(sent));
    expect({ id, state: essence(palette.state) }).toEqual({ id, state: essence(pressed.state) });
    expect(palette.effects.map(({ do: what }) => what)).toEqual(pressed.effects.map(({ do: what }) => what));
  }
});

test('what cannot be used says why, stands behind what can, and Enter leaves it', () => {
  const palette = scene().keys(':').typed('acknowledge the selected');
  expect(offers(palette)[0]).toMatchObject({
    id: 'alarms acknowledge',
    key: 'Space',
    why: 'only in the list of alarms',
  });
  expect(palette.keys('\r').state.overlay?.kind).toBe('palette');
  const reasons = offers(new Scene({ access: 'view' }).keys(':').typed('power menu'));
  expect(reasons.find(({ id }) => id === 'map power')?.why).toBe('this is a view-only session');
});

test.each([
  ['quit', 'map quit'],
  ['zoom', 'map zoom'],
  ['pwr', 'map power'],
  ['mark blade', 'map mark-blade'],
  ['blade mark', 'map mark-blade'],
  ['wrk05', 'node 07'],
  ['dkw05', 'node 11'],
  ['ns02', 'node 08'],
  ['alarms', 'map alarms'],
  ['list cons', 'map consoles'],
])('%s finds %s first', (text, id) => {
  // A console was opened, so that zooming it can be used.
  const palette = atConsole().keys('\x1d', 'd', ':').typed(text);
  expect(offers(palette)[0]?.id).toBe(id);
});

test('a node is gone to on the map, and its console is opened from a console', () => {
  expect(scene().keys(':').typed('ns02').keys('\r').state).toMatchObject({ cursor: 0x08, overlay: null });
  const there = atConsole().keys('\x1d', ':').typed('ns02').keys('\r');
  expect(there.effects.at(-1)).toMatchObject({ do: 'attach', addr: 0x08 });
});

test('what was used last stands first', () => {
  const palette = scene().keys(':').typed('blade').keys('\r', ':').typed('bus pass').keys('\x1b', ':').typed('help');
  palette.keys('\r', '\x1b', ':');
  expect(
    offers(palette)
      .slice(0, 2)
      .map(({ id }) => id),
  ).toEqual(['map help', 'map mark-blade']);
});

test('letters side by side and at the beginnings of words count more', () => {
  const best = (query: string, ...texts: string[]): string | undefined =>
    texts
      .map((text) => ({ text, score: fitOf(query, text)?.score ?? -1 }))
      .sort((a, b) => b.score - a.score)
      .find(({ score }) => score >= 0)?.text;
  expect(best('on', 'controlplane', 'switch on')).toBe('switch on');
  expect(best('sw', 'mark as seen, now', 'switch')).toBe('switch');
  expect(best('k1', 'k8s-worker-10', 'k8s-worker-01')).toBe('k8s-worker-10');
  expect(fitOf('abc', 'acb')).toBeNull();
  expect(fitOf('wo5', 'k8s-worker-05')?.at).toEqual([4, 5, 12]);
  expect(fitOf('', 'anything')).toEqual({ score: 0, at: [] });
});

test.each([
  [':', 'emregency', "no command and no node matches; did you mean 'emergency'?"],
  [':', 'k8s-wroker-04', "; did you mean 'k8s-worker-04'?"],
  ['c', 'k8s-wrkoer-02', "matches; did you mean 'k8s-worker-02'?"],
])('%s with letters that nothing has: what was probably meant is said (%s)', (key, typed, said) => {
  const scene = new Scene({ nodes: MIXED }).keys(key).typed(typed);
  const boxed = scene
    .seen()
    .lines()
    .flatMap((line) => /│(.*)│/.exec(line)?.[1]?.trim() ?? []);
  expect(boxed.join(' ').replaceAll(/\s+/g, ' ')).toContain(said);
});

test('switching the mains is offered in a demo only', () => {
  const offered = (demo: boolean): string[] => {
    const scene = new Scene({});
    const state = { ...scene.state, settings: { ...scene.state.settings, demo } };
    return rankedOffers(state, { kind: 'palette', text: 'mains', index: 0, from: 'map' })
      .filter(({ id }) => id.startsWith('map mains'))
      .map(({ id, key, why }) => `${id} ${key} ${String(why)}`);
  };
  expect(offered(true)).toEqual(['map mains-fail F7 null', 'map mains-return F8 null']);
  expect(offered(false)).toEqual([]);
  const scene = new Scene({}).keys('\x1b[18~');
  expect(scene.effects).toEqual([]);
  expect(scene.state.notice?.text).toContain('this rack is not simulated');
});

test.each(['', 'u', '!', 'a', '?'])(
  'the keys of a demo’s mains work behind what %j opens, and at no console',
  (opened) => {
    const scene = new Scene({ outage: SUPPLIES.battery });
    scene.state = { ...scene.state, settings: { ...scene.state.settings, demo: true } };
    scene.keys(...(opened === '' ? [] : [opened]), '\x1b[19~');
    expect(scene.effects).toContainEqual({ do: 'mains', on: true });
    const typing = scene.keys('\x1b', '03', '\r').attached('login: ').keys('\x1b[18~');
    expect(typing.effects).not.toContainEqual({ do: 'mains', on: false });
  },
);
