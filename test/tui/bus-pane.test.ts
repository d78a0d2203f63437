/** The bus pane: it follows, stays where somebody looks back, and ends with the pane that asked. */
import { expect, test } from 'vitest';
import type { BusLogEntry } from '../../src/api/bus.ts';
import type { State } from '../../src/tui/state.ts';
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
