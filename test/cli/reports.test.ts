/** What commands say, as pure functions of what the server said. */
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BusState } from '../../src/api/bus.ts';
import type { Snapshot } from '../../src/api/methods.ts';
import { Emulator, paintLine } from '../../src/cli/console/display.ts';
import { ConsoleKeys, type KeyAction } from '../../src/cli/console/keys.ts';
import { ageText, statusReport, statusTable } from '../../src/cli/format/status.ts';
import { nodeSentences, statusSentences } from '../../src/cli/plain/sentences.ts';
import { printJson, shown } from '../../src/cli/terminal-output.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import type { Reading, Sample } from '../../src/rack/reading.ts';
import { UNKNOWN_SYSTEM, type System } from '../../src/rack/system-state.ts';
import { keyLabel } from '../../src/tui/keymap/key-names.ts';
import { DEFAULT_KEYS, resolveKeys } from '../../src/tui/keymap/key-table.ts';
import { emptyTokenizer, flush, tokenize } from '../../src/tui/terminal/tokenizer.ts';

const NOW = 1_000_000;
const sample = (age: number): Sample => ({ power: 'on', current: 29, fan: 116, at: NOW - age, rttMs: 3 });

function snapshotOf(reading: Reading, state: BusState = 'ready'): Snapshot {
  return {
    now: NOW,
    rack: { name: 'r', configured: true, calibration: null, nodes: [unnamedNode(3)] },
    intervalMs: 1000,
    bus: {
      state,
      port: '/dev/x',
      detail: state === 'ready' ? '' : 'why',
      since: 0,
      recovery: null,
      quietReads: false,
      master: 0,
      sweepMs: 70.4,
      sweepsPerS: 1,
      exchanges: 1,
      errors: 0,
    },
    nodes: [{ addr: 3, reading, system: null, onSince: null, kubernetes: null, alarms: [], op: null }],
    console: null,
    sessions: [],
    operations: [],
    alarms: [],
    outage: { policies: [], dateAhead: 0 },
    config: { path: null, readAt: 0, changed: [], later: [], problem: null },
    events: [],
  };
}

const nodeOf = (snapshot: Snapshot): unknown => {
  const [node] = statusReport(snapshot, snapshot.rack.nodes).nodes;
  // Values, and on whose account they were read, go together.
  expect(node?.source).toBe(node?.current === null ? null : 'sweep');
  return [node?.power, node?.current, node?.fan, node?.ageMs];
};

describe('status: unknown is not off, and old is not known', () => {
  const ok: Reading = { state: 'ok', sample: sample(200), source: 'sweep' };
  const failed = { state: 'failed', failure: 'silent', since: NOW, tries: 2 } as const;
  test.each<[what: string, snapshot: Snapshot, says: unknown[]]>([
    ['fresh', snapshotOf(ok), ['on', 29, 116, 200]],
    [
      'aging behind a console',
      snapshotOf({ state: 'ok', sample: sample(9_999), source: 'sweep' }, 'paused'),
      ['on', 29, 116, 9999],
    ],
    ['stale', snapshotOf({ state: 'ok', sample: sample(10_001), source: 'sweep' }), ['unknown', null, null, 10_001]],
    ['stopped answering', snapshotOf({ ...failed, last: sample(500) }), ['unknown', null, null, 500]],
    ['never answered', snapshotOf({ ...failed, last: null }), ['absent', null, null, null]],
    ['never asked', snapshotOf({ state: 'unasked' }), ['unknown', null, null, null]],
    ...(['starting', 'locked', 'wedged', 'down'] as const).map((state): [string, Snapshot, unknown[]] => [
      `bus ${state}`,
      snapshotOf(ok, state),
      ['unknown', null, null, 200],
    ]),
  ])('%s', (_what, snapshot, says) => {
    expect(nodeOf(snapshot)).toEqual(says);
  });

  test('the table leads with the bus, and with its trouble', () => {
    const table = (snapshot: Snapshot): string[] => statusTable(statusReport(snapshot, snapshot.rack.nodes));
    expect(table(snapshotOf(ok))).toEqual([
      'r: bus ready on /dev/x, sweep 70 ms; 1 on, current 29 counts in total',
      'ADDR  POS  NAME     ROLE  POWER  CURRENT  FAN    AGE',
      '03    A-3  node-03        on          29  116  0.2 s',
    ]);
    expect(table(snapshotOf(ok, 'down')).slice(0, 2)).toEqual(['r: bus down on /dev/x; 1 unknown (1 last on)', 'why']);
  });

  const long: Reading = { state: 'ok', sample: sample(300_000), source: 'sweep' };
  const last = { power: 'on', current: 29, amps: null, fan: 116 };
  test.each<[what: string, snapshot: Snapshot, freshness: string, ageMs: number | null, last: unknown]>([
    ['fresh', snapshotOf(ok), 'fresh', 200, last],
    ['a console open for five minutes', snapshotOf(long, 'paused'), 'stale', 300_000, last],
    ['the bus away', snapshotOf(ok, 'wedged'), 'stale', 200, last],
    ['stopped answering', snapshotOf({ ...failed, last: sample(500) }), 'stale', 500, last],
    ['never answered', snapshotOf({ ...failed, last: null }), 'none', null, null],
    ['never asked', snapshotOf({ state: 'unasked' }), 'none', null, null],
  ])('last values and their age: %s', (_what, snapshot, freshness, age, values) => {
    const [node] = statusReport(snapshot, snapshot.rack.nodes).nodes;
    expect([node?.freshness, node?.ageMs, node?.last]).toEqual([freshness, age, values]);
  });

  test('old values stand in brackets, with their age, in table and sentences', () => {
    const snapshot = snapshotOf(long, 'paused');
    const report = statusReport(snapshot, snapshot.rack.nodes);
    expect(statusTable(report).slice(-1)).toEqual(['03    A-3  node-03        unknown (on)     (29)  (116)  5 min']);
    expect(nodeSentences(snapshot, snapshot.rack.nodes)).toEqual([
      'node-03, A-3, address 03: unknown, last answered 5 min ago: on, current 29 counts, fan 116 counts.',
    ]);
    expect(statusSentences(snapshot)[0]).toContain('Of 1 node 1 unknown (1 last on).');
  });

  test.each<[system: System, called: string, sentence: string]>([
    ['halted', 'halted', 'halted, still powered, '],
    ['going-down', 'going-down', 'halted or shutting down, still powered, '],
    ['failed', 'failed', 'on, its system is not up, '],
    ['booting', 'booting', 'booting, '],
    ['up', 'on', 'on, '],
    ['unknown', 'on', 'on, '],
  ])('power is the word of the BMC, and a system that is %s is called %s', (system, called, sentence) => {
    const snapshot = snapshotOf(ok);
    const state = { ...UNKNOWN_SYSTEM, system, since: NOW - 60_000, why: 'printed “x”' };
    snapshot.nodes = snapshot.nodes.map((node) => ({ ...node, system: state }));
    const report = statusReport(snapshot, snapshot.rack.nodes);
    expect(report.nodes[0]).toMatchObject({ power: 'on', system, systemWhy: 'printed “x”' });
    expect(report.nodes[0]?.systemAgeMs).toBe(system === 'unknown' ? null : 60_000);
    expect(statusTable(report)[0]).toContain(`; 1 ${called}, `);
    expect(nodeSentences(snapshot, snapshot.rack.nodes)[0]).toContain(`address 03: ${sentence}`);
  });

  test.each([
    [0, '0.0 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
  ])('%i ms is %s', (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });
});

describe('output', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('no character that a terminal would execute gets through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(shown(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
      }),
    );
    expect(shown('a\x1b[31m\x9b\u202eb')).toBe('a\\x1b[31m\\x9b\\u202eb');
  });

  test('JSON is harmless and means the same', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    printJson({ text: '\x1b\x9b31m\u202e' });
    const line = String(write.mock.calls[0]?.[0]);
    expect(line).not.toMatch(/[\x1b\x9b\u202e]/);
    expect(JSON.parse(line)).toEqual({ text: '\x1b\x9b31m\u202e' });
  });
});

/** The actions of these reads at a bare console with this prefix. */
function pressed(prefix: string, reads: readonly Uint8Array[], bindings = DEFAULT_KEYS.bindings): KeyAction[] {
  const after = bindings.filter(({ context }) => context === 'prefix');
  const keys = new ConsoleKeys({ prefix, bindings: after, label: keyLabel });
  let state = emptyTokenizer;
  const tokens = reads.flatMap((bytes) => {
    const read = tokenize(state, bytes);
    state = read.state;
    return read.tokens;
  });
  return [...tokens, ...flush(state).tokens].flatMap((token) =>
    keys.read(token.kind === 'key' ? token.name : '', token.bytes),
  );
}

describe('keys at a bare console', () => {
  test('no byte 0x07 is sent, however it is typed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (reads) => {
        const sent = pressed('C-]', reads).flatMap((a) => (a.do === 'send' ? [...a.bytes] : []));
        expect(sent).not.toContain(0x07);
      }),
    );
  });

  test.each<[keys: string[], actions: string[]]>([
    [['ls\r'], ['send l', 'send s', 'send \r']],
    [['\x1dd'], ['detach']],
    [['\x1d', '.'], ['detach']],
    [['a\x1d\x1db'], ['send a', 'send \x1d', 'send b']],
    [['a\x07b'], ['send a', 'show', 'send b']],
    [['\x1dw'], ['take']],
    [['\x1d\x07x'], ['show', 'send x']],
    [['\x1dx'], ['reset']],
    [['\x1dr'], ['size']],
    [['\x1du\x1di'], ['who', 'who']],
    [
      ['\x1d\x1b[A', 'x'],
      ['show', 'send x'],
    ],
  ])('%j', (reads, actions) => {
    const said = pressed(
      'C-]',
      reads.map((text) => Buffer.from(text, 'latin1')),
    ).map((a) => (a.do === 'send' ? `send ${Buffer.from(a.bytes).toString('latin1')}` : a.do));
    expect(said).toEqual(actions);
  });
});

test.each([
  ['C-a', '\x01d', 'detach'],
  ['C-\\', '\x1cw', 'take'],
  ['C-^', '\x1e.', 'detach'],
  ['C-a', '\x1dd', 'send'],
])('with the prefix %s the keys %j are: %s', (prefix, keys, action) => {
  expect(pressed(prefix, [Buffer.from(keys, 'latin1')])[0]?.do).toBe(action);
});

test('the help and the letters of a bare console are the configured ones, one only the interface has names its effect', () => {
  const { keys } = resolveKeys({ prefix: { detach: 'Q', 'next-node': 'd', 'reset-screen': ['X', 'F5'] } });
  const actions = pressed('C-a', [Buffer.from('\x01Q\x01d\x01\x1b[15~\x01?')], keys.bindings);
  expect(actions.map((one) => (one.do === 'show' ? one.text : one.do))).toEqual([
    'detach',
    'Ctrl-A d (console of the next node) is only in the interface',
    'reset',
    'Ctrl-A then: Q leaves, w takes the keyboard, s samples, l writes a note, u or i lists sessions, X or F5 resets a stuck screen, r sets the size of the node’s terminal (types stty), Ctrl-A sends Ctrl-A itself',
  ]);
});

describe('a node on the operator’s terminal', () => {
  async function painted(bytes: string | Uint8Array): Promise<string> {
    const emulator = new Emulator(40, 5);
    await emulator.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, () => undefined);
    const rows = [0, 1, 2, 3, 4].map((y) => paintLine(emulator.line(y), 40));
    emulator.dispose();
    return rows.join('\n');
  }

  test('keeps colours and attributes', async () => {
    expect(await painted('\x1b[1;31mred\x1b[0m plain')).toMatch(/^\x1b\[0;1;38;5;1mred\x1b\[0m plain\n/);
  });

  test.each([
    '\x1b]52;c;ZXZpbA==\x07',
    '\x1b]0;title\x07',
    '\x1bP+q544e\x1b\\',
    '\x1b[c',
    '\x1b[6n',
    '\x1b[?1000h',
    '\x9b31m',
    '\u202e',
  ])('%j leaves nothing but cells', async (hostile) => {
    expect(await painted(`a${hostile}b`)).toMatch(/^a?b?(\x1b\[[0-9;]*m|[ -~])*\n*$/);
  });

  test('whatever bytes come, only text and our own colour sequences go on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const rest = (await painted(bytes)).replace(/\x1b\[[0-9;]*[mG]/g, '').replaceAll('\n', '');
        expect(rest).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }),
      { numRuns: 50 },
    );
  });

  test('lines that scrolled out are counted, also beyond the scrollback', async () => {
    const emulator = new Emulator(20, 4);
    let scrolled = 0;
    const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\r\n`).join('');
    await emulator.write(Buffer.from(text), () => (scrolled += emulator.takeScrolled()));
    expect(scrolled).toBe(20_000 - 3);
    emulator.dispose();
  });
});
