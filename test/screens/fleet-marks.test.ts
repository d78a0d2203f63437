/** Marks of several racks: set in the overview and in the table, kept by each rack, and what can be done with them. */
import { expect, test } from 'vitest';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import type { State } from '../../src/tui/model/state.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { update } from '../../src/tui/update.ts';
import { MIXED, Scene } from './scene.ts';

/** Three racks with the same nodes; events for other racks reach them, as in the interface. */
class Fleet {
  readonly scene = new Scene({ cols: 120, rows: 39, nodes: MIXED });
  #seen = 0;

  constructor() {
    const names = ['north', 'south', 'west'];
    this.scene.state = { ...this.scene.state, racks: { names, index: 0, shown: true } };
    const { state } = this.scene;
    this.scene.peers = [1, 2].map((index) => ({ ...state, racks: { names, index, shown: false } }));
  }

  keys(...keys: string[]): this {
    for (const key of keys) {
      this.scene.keys(key);
      for (const effect of this.scene.effects.slice(this.#seen))
        if (effect.do === 'forward')
          this.scene.peers = this.scene.peers.map((peer) =>
            peer.racks.index === effect.index ? update(peer, effect.event).state : peer,
          );
      this.#seen = this.scene.effects.length;
    }
    return this;
  }

  typed(text: string): this {
    return this.keys(...Array.from(text));
  }

  get states(): State[] {
    return [this.scene.state, ...this.scene.peers];
  }

  get marks(): string[] {
    return this.states.flatMap(({ racks, marks }) =>
      [...marks]
        .sort((a, b) => a - b)
        .map((addr) => `${racks.names[racks.index]}:${addr.toString(16).padStart(2, '0')}`),
    );
  }

  get lines(): string[] {
    return paintScreen(new Panes(), this.states, 0, () => null, glyphs(false)).lines();
  }
}

test('Space marks the node of whichever rack; overview and tabs show the number with the name of the rack', () => {
  const fleet = new Fleet().keys('R', ' ', 'l', ' ', '\t', ' ');
  expect(fleet.marks).toEqual(['north:00', 'north:07', 'south:03']);
  expect(fleet.lines[0]).toMatch(/north ▲2 \*2 │ south ▲2 \*1 │ west ▲2 │/);
  expect(fleet.lines[1]).toContain('3 marked: north 2, south 1');
  expect(fleet.lines.join('\n')).toMatch(/south .*1 marked/);
  fleet.keys(' ');
  expect(fleet.marks).toEqual(['north:00', 'north:07']);
});

test('b marks a blade, v to here by address, * what was found on all racks, u unmarks everything', () => {
  const fleet = new Fleet().keys('R', '>', 'b');
  expect(fleet.marks).toEqual(['south:00', 'south:01', 'south:02', 'south:03']);
  fleet.keys('u');
  expect(fleet.marks).toEqual([]);
  fleet.keys(' ', 'l', 'l', 'v');
  expect(fleet.marks).toEqual(['south:01', 'south:02', 'south:03']);
  fleet.keys('u', '/').typed('name:ns02').keys('\r', '*');
  expect(fleet.marks).toEqual(['north:08', 'south:08', 'west:08']);
  fleet.keys('*');
  expect(fleet.marks).toEqual([]);
});

test('marks of the table are those of the overview and of each rack’s map; m goes from one to the next', () => {
  const fleet = new Fleet().keys('R', 'T', '/').typed('west:').keys('\x1b', '/').typed('ns01').keys('\r', '*');
  expect(fleet.marks).toEqual(['north:04', 'south:04', 'west:04']);
  expect(fleet.lines.filter((line) => /^[▎▌](north|south|west) +ns01/.test(line))).toHaveLength(3);
  fleet.keys('m');
  expect(fleet.lines.at(-2)).toMatch(/^ south:ns01/);
  fleet.keys('m', 'm');
  expect(fleet.lines.at(-2)).toMatch(/^ north:ns01/);
  fleet.keys('M');
  expect(fleet.lines.at(-2)).toMatch(/^ west:ns01/);
  fleet.keys('\x1b', '\x1b');
  expect(fleet.scene.state.overlay).toBeNull();
  expect(fleet.lines.join('\n')).toContain('1 marked ');
});

test('power acts on the marked nodes of one rack, shown at that rack', () => {
  const fleet = new Fleet().keys('R', '>', ' ', 'l', ' ', '<', 'p');
  expect(fleet.scene.state.overlay).toBeNull();
  const effect = fleet.scene.effects.at(-1);
  expect(effect).toMatchObject({ do: 'rack', index: 1, node: { attach: false, power: true } });
  const [, south] = fleet.states;
  if (effect?.do !== 'rack' || effect.node === null || south === undefined) throw new Error('no rack is shown');
  expect(update(south, { type: 'go', ...effect.node }).state.overlay).toMatchObject({
    kind: 'menu',
    targets: { label: 'marked', nodes: [2, 3] },
  });
});

test('power on marked nodes of several racks is refused in words that name them', () => {
  const fleet = new Fleet().keys('R', ' ', '>', ' ', 'l', ' ');
  const count = fleet.scene.effects.length;
  fleet.keys('p');
  expect(fleet.scene.effects.slice(count)).toEqual([]);
  expect(fleet.scene.state.overlay).toMatchObject({ kind: 'racks' });
  const text = fleet.lines.slice(-4, -1).join(' ').replace(/ +/g, ' ');
  expect(text).toContain('power: nodes of several racks are marked: north 1, south 2. A dialog acts on one rack');
  expect(text).toContain('Enter shows a rack, p acts on its marked nodes there');
});

test('power is refused with the rack’s name where its server is lost or the session may only look', () => {
  const fleet = new Fleet().keys('R', '>');
  fleet.scene.peers = fleet.scene.peers.map((peer) => ({ ...peer, access: 'view' }));
  const count = fleet.scene.effects.length;
  fleet.keys('p');
  expect(fleet.scene.state.notice?.text).toBe('power: south: this is a view-only session');
  expect(fleet.scene.effects).toHaveLength(count);
});

test('the console of the next marked node is left for one of another rack; lost racks and masters are passed over', () => {
  const fleet = new Fleet().keys('R', '/').typed('ns01').keys('\r', '*', '\x1b', '\x1b');
  const { scene } = fleet;
  scene.peers = scene.peers.map((peer) =>
    peer.racks.index === 1 ? { ...peer, link: { kind: 'lost', since: 0, why: 'gone' } } : peer,
  );
  scene.keys('04', '\r').attached('login: ');
  const count = scene.effects.length;
  scene.keys('\x1d', 'm');
  expect(scene.effects.slice(count).filter((effect) => effect.do !== 'focus')).toEqual([
    { do: 'detach' },
    { do: 'rack', index: 2, node: { addr: 4, attach: true } },
  ]);
  expect(scene.state).toMatchObject({ focus: 'map', pane: { attachment: { kind: 'none' } } });
});

test('without a marked node the key says so and the console stays', () => {
  const { scene } = new Fleet();
  scene.keys('04', '\r').attached('login: ').keys('\x1d', 'm');
  expect(scene.state.pane.notice?.text).toBe('no node with a console that can be opened is marked');
  expect(scene.state.pane.attachment).toMatchObject({ kind: 'joined', addr: 4 });
});
