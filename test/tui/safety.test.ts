/** What no sequence of keys may do. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Welcome } from '../../src/api/methods.ts';
import { cuts } from '../../src/api/power.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import { DEFAULT_SETTINGS } from '../../src/tui/keymap/key-table.ts';
import type { Effect, UiEvent } from '../../src/tui/model/events.ts';
import { initialState } from '../../src/tui/model/state.ts';
import { emptyTokenizer, flush, tokenize } from '../../src/tui/terminal/tokenizer.ts';
import { update } from '../../src/tui/update.ts';

const NOW = 1_700_000_000_000;
const rack = { name: 'rack', configured: true, calibration: null, nodes: [0, 1, 2, 3, 4].map(unnamedNode) };
const sample = { power: 'on', current: 30, fan: 110, at: NOW, rttMs: 3 } as const;
const welcome: Welcome = {
  ...{ api: 1, version: '0', pid: 1, session: 1, access: 'control' },
  snapshot: {
    ...{
      now: NOW,
      rack,
      intervalMs: 1000,
      console: null,
      sessions: [],
      operations: [],
      alarms: [],
      events: [],
      outage: { policies: [], dateAhead: 0 },
      config: { path: null, readAt: 0, changed: [], later: [], problem: null },
    },
    bus: {
      ...{ state: 'ready', port: '/dev/x', detail: '', since: NOW, master: 0 },
      ...{ sweepMs: 70, sweepsPerS: 1, recovery: null, quietReads: false, exchanges: 1, errors: 0 },
    },
    nodes: rack.nodes.map(({ addr }) => ({
      addr,
      reading: { state: 'ok', sample, source: 'sweep' },
      system: null,
      onSince: null,
      kubernetes: null,
      alarms: [],
      op: null,
    })),
  },
};

/** Plays keys, a second apart, on a server that grants everything; gives all effects. */
function play(chunks: readonly string[]): Effect[] {
  let state = initialState(welcome, { cols: 80, rows: 24 }, NOW, 0, false, DEFAULT_SETTINGS);
  let local = NOW;
  const all: Effect[] = [];
  const dispatch = (event: UiEvent): void => {
    const next = update(state, event);
    state = next.state;
    for (const effect of next.effects) {
      all.push(effect);
      if (effect.do === 'attach') {
        const { addr } = effect;
        const console = {
          addr,
          state: 'open',
          holder: 1,
          holderName: 'me',
          holderSilentSince: null,
          watchers: [1],
          unproven: null,
          baud: 115200,
        } as const;
        const joined = { addr, role: 'types', cols: 80, rows: 24, screen: '', times: [] } as const;
        dispatch({ type: 'attached', joined: { ...joined, console: { ...console, watchers: [1] } } });
      }
      if (effect.do === 'check') {
        const { verb, nodes, label } = effect.request;
        const answers = nodes.map((addr) => ({
          ...{ addr, name: unnamedNode(addr).name, sample: { ...sample, at: local } },
          ...{ system: 'unknown' as const, problem: null, refusals: [], impact: [] },
        }));
        const confirm = nodes.length === 1 ? (answers[0]?.name ?? '') : `${label} ${nodes.length}`;
        dispatch({ type: 'checked', dialog: effect.dialog, answer: { verb, confirm, nodes: answers } });
      }
    }
    dispatchPainted();
  };
  const dispatchPainted = (): void => {
    state = update(state, { type: 'painted', local }).state;
  };
  for (const chunk of chunks) {
    local += 1000;
    const read = tokenize(emptyTokenizer, Buffer.from(chunk, 'latin1'));
    const tokens = [...read.tokens, ...flush(read.state).tokens];
    for (const token of tokens) dispatch({ type: 'token', token, burst: tokens.length, local });
  }
  return all;
}

const cutting = (effects: Effect[]): Effect[] =>
  effects.filter((effect) => effect.do === 'start' && cuts(effect.request.verb));
const key = fc.constantFrom(
  ...'pfsch*bo \r\t\x1d\x07\\jkdwry03'.split(''),
  '\x1b[A',
  '\x1b[200~a\x07b\x1b[201~',
  '\x1b\x07',
);

test('a cut is started by its node’s name, typed key by key, and Enter', () => {
  expect(cutting(play(['p', 'f', ...Array.from('node-00'), '\r']))).toHaveLength(1);
});

test.each([
  ['Enter alone', ['p', 'f', '\r', '\r', '\r']],
  ['Tab and Enter', ['p', 'f', '\t', '\r']],
  ['a paste', ['p', 'f', '\x1b[200~node-00\x1b[201~', '\r']],
  ['a paste without brackets', ['p', 'f', 'node-00', '\r']],
  ['type-ahead', ['pfnode-00\r']],
  ['another node’s name', ['p', 'f', ...Array.from('node-01'), '\r']],
])('%s starts no cut', (_what, chunks) => {
  expect(cutting(play(chunks))).toEqual([]);
});

test('no keys start a cut without the confirming text', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), (keys) => cutting(play(keys)).length === 0),
    { numRuns: 300 },
  );
});

test('byte 0x07 leaves in no effect, whatever was pressed or pasted', () => {
  const bells = (effects: Effect[]): Effect[] => effects.filter((one) => 'bytes' in one && one.bytes.includes(0x07));
  expect(play(['01', '\r', 'x']).some((one) => one.do === 'keys')).toBe(true);
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), (keys) => bells(play(['01', '\r', ...keys])).length === 0),
    { numRuns: 300 },
  );
});
