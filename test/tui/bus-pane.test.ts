/** The bus pane: it follows, stays where somebody looks back, and ends with the pane that asked. */
import { expect, test } from 'vitest';
import type { BusLogEntry } from '../../src/api/bus.ts';
import type { State } from '../../src/tui/model/state.ts';
import { update } from '../../src/tui/update.ts';
import { Scene } from '../screens/scene.ts';

const entry = (seq: number): BusLogEntry => ({
  seq,
  at: seq,
  out: '[04]|=\x07',
  in: '04\x1b]52;c;x\x07',
  ms: 3,
  note: null,
});

function paneOf(state: State): { id: number; back: number; seqs: number[] } {
  const { overlay } = state;
  if (overlay?.kind !== 'bus') throw new Error('no bus pane');
  return { id: overlay.id, back: overlay.back, seqs: overlay.entries.map(({ seq }) => seq) };
}

const key = (state: State, name: string): State =>
  update(state, { type: 'token', token: { kind: 'key', name, bytes: new Uint8Array() }, burst: 1, local: 0 }).state;

test('B opens it, entries arrive, looking back keeps the lines in sight, a closed pane asks no more', () => {
  const { state: start } = new Scene({ cols: 80, rows: 24 });
  const opened = update(start, {
    ...{ type: 'token', token: { kind: 'key', name: 'B', bytes: new Uint8Array() }, burst: 1, local: 0 },
  });
  const { id } = paneOf(opened.state);
  expect(opened.effects).toEqual([{ do: 'bus-log', pane: id, after: 0 }]);
  const first = update(opened.state, { type: 'bus-log', pane: id, entries: [entry(1), entry(2)] });
  expect(first.effects).toEqual([{ do: 'bus-log', pane: id, after: 2 }]);
  const back = update(key(first.state, 'up'), { type: 'bus-log', pane: id, entries: [entry(3)] });
  expect(paneOf(back.state)).toEqual({ id, back: 2, seqs: [1, 2, 3] });
  expect(paneOf(key(key(back.state, 'pagedown'), 'down')).back).toBe(0);
  const closed = key(back.state, 'q');
  expect(closed.overlay).toBeNull();
  expect(update(closed, { type: 'bus-log', pane: id, entries: [entry(4)] }).effects).toEqual([]);
});

/** The pane with `keys` typed one by one, each seen before the next; what was wanted done. */
function byHand(...keys: string[]): { scene: Scene; sent: () => unknown[] } {
  const scene = new Scene({ cols: 80, rows: 24 }).keys('03', 'B', ...keys);
  return { scene, sent: () => scene.effects.filter((effect) => effect.do === 'raw') };
}
const refused = (scene: Scene, message: string, rule = 'confirmation'): Scene =>
  scene.dispatch({
    ...{ type: 'raw-refused', pane: scene.overlayId },
    error: { code: 1, message, data: [{ rule, message, override: null }] },
  });
const hand = ({ state }: Scene): unknown => (state.overlay?.kind === 'bus' ? state.overlay.rawCommand : null);

test('by hand: what is typed goes to the node under the cursor, or to the master, unconfirmed at first', () => {
  const { scene, sent } = byHand('r', '#', '\r');
  const pane = scene.overlayId;
  expect(sent()).toEqual([{ do: 'raw', pane, target: 3, text: '#', confirm: null }]);
  scene.dispatch({ type: 'raw-answered', pane, answer: { heard: '#\r\n04 1f\r\n', after: 'fine' } });
  expect(hand(scene)).toEqual({ is: 'idle', reply: { ok: true, text: 'k8s-worker-04: #\r\n04 1f\r\n' } });
  scene.keys('R', '=', '\x07', '\r');
  expect(sent()[1]).toEqual({ do: 'raw', pane, target: null, text: '=\x07', confirm: null });
});

test('by hand: what the server wants confirmed is sent only behind the typed name, by someone who has read it', () => {
  const { scene, sent } = byHand('r', '\\', '\r');
  refused(scene, 'it can cut');
  // All in one read, and at once: nobody has seen the question.
  scene.keys('k8s-worker-04\r');
  expect(sent()).toHaveLength(1);
  scene.typed('k8s-worker-05').keys('\r');
  expect(sent()).toHaveLength(1);
  expect(hand(scene)).toMatchObject({
    is: 'idle',
    reply: { ok: false, text: expect.stringContaining('does not match') as string },
  });
  scene.keys('r', '\\', '\r');
  refused(scene, 'it can cut').typed('k8s-worker-04').keys('\r');
  expect(sent().at(-1)).toMatchObject({ target: 3, text: '\\', confirm: 'k8s-worker-04' });
  expect(sent()).toHaveLength(3);
});

test('by hand: Esc and an empty line send nothing, a paste neither, a refusal is shown, a view-only session has no such key', () => {
  const { scene, sent } = byHand('r', '#', '\x1b', 'r', '\r', 'r', '\x1b[200~\\\r\x1b[201~');
  expect(sent()).toEqual([]);
  expect(scene.state.notice?.text).toMatch(/paste is not sent/);
  scene.keys('#', '\r');
  refused(scene, 'the console of n5 is open', 'held');
  expect(hand(scene)).toEqual({ is: 'idle', reply: { ok: false, text: 'the console of n5 is open' } });
  const view = new Scene({ cols: 80, rows: 24, access: 'view' }).keys('03', 'B', 'r');
  expect(hand(view)).toEqual({ is: 'idle', reply: null });
  expect(view.state.notice?.text).toMatch(/this is a view-only session/);
});
