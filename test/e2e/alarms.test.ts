/**
 * Every kind of alarm from its cause to the screen and into the past: provoked in the simulated rack, seen in header, map
 * and list, acknowledged by a key, over when its cause is, and then in the alarm history.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AlarmKind } from '../../src/rack/alarms.ts';
import { innerStand } from '../support/inner-stand.ts';
import type { Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const NAMES = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (n) => `  - { addr: "0${n}", name: n${n}${n === 5 || n === 7 ? `, chassisFan: ${n}` : ''} }`,
);
const CONFIG = `
name: test rack
port: /dev/null
poll: { interval: 0.2 }
alarms: { currentHigh: 200, after: 0.3, settle: 1 }
console: { triggers: [panic, { name: disk, match: 'I/O error, dev' }] }
nodes:
${NAMES.join('\n')}
`;

let rack: Stand;
let screen: TestTerminal;
/** An alarm's mark in header or map; the lines of events keep theirs. */
const hasMark = (screen: TestTerminal): boolean => /▲(?! \d\d:\d\d:\d\d)/.test(screen.text());

beforeAll(async () => {
  rack = await innerStand({ config: CONFIG, sim: ['--time-scale', '20', '--dialect', 'fan=speed'] });
  screen = rack.open({ cols: 120, rows: 40 });
  await screen.waitFor(powered(8), '8 nodes with power');
});
afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
});

const ctl = (verb: string, params: Record<string, unknown>) => (): Promise<unknown> => rack.rack.ctl(verb, params);

/** Power switched by an operation here. */
const operation = (verb: 'force-off' | 'on', node: string) => async (): Promise<void> => {
  const client = await rack.client();
  const common = { label: node, deadlineS: null, onDeadline: 'leave', takeConsole: false } as const;
  await client.request('power.start', { ...common, verb, nodes: [Number(node.slice(1))], confirm: node });
};

async function consoleOf(addr: string): Promise<void> {
  screen.type(`${addr}\r`);
  await rack.rack.until((state) => state.bus.console === addr);
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor((s) => /n\d login:/.test(s.text()) && !/Enter wakes it/.test(s.text()), 'a prompt');
}

/** So many nodes have power: one that was switched on counts as booting until its system is heard. */
const powered =
  (nodes: number) =>
  (s: TestTerminal): boolean => {
    const header = s.lines()[0] ?? '';
    return (
      ['on', 'booting'].reduce((sum, word) => sum + Number(header.match(`(\\d+) ${word}\\b`)?.[1] ?? 0), 0) === nodes
    );
  };

async function toMap(): Promise<void> {
  screen.type('\x1dd');
  await screen.waitFor(powered(8), '8 nodes with power');
}

/** Of a node's cell on this screen, from its name on. */
const CELL = { cols: 26, rows: 10 };

/** Foreground of the alarm sign in a node's cell; null: there is none. */
function markOf(node: string): number | null {
  const name = screen.find(` ${node} `);
  if (name === null) return null;
  const inCell = screen
    .lines()
    .slice(name.y, name.y + CELL.rows)
    .map((line, row) => ({ x: line.slice(name.x, name.x + CELL.cols).indexOf('▲'), row }))
    .find(({ x }) => x >= 0);
  return inCell === undefined ? null : screen.cell(name.x + inCell.x, name.y + inCell.row).fg;
}

interface Provoked {
  kind: AlarmKind;
  /** Whose; null: the bus. */
  node: string | null;
  provoke: () => Promise<unknown>;
  says: RegExp;
  ease: () => Promise<unknown>;
}

test.each<Provoked>([
  {
    kind: 'fan-stopped',
    node: 'n3',
    provoke: ctl('shows-fan', { node: '03', counts: '0' }),
    says: /n3 03 its fan has stopped \(0 counts\)/,
    ease: ctl('shows-fan', { node: '03', counts: 'truth' }),
  },
  {
    kind: 'current-high',
    node: 'n3',
    provoke: ctl('shows-current', { node: '03', counts: '240' }),
    says: /n3 03 draws 240 counts; the limit is 200/,
    ease: ctl('shows-current', { node: '03', counts: 'truth' }),
  },
  {
    kind: 'current-collapsed',
    node: 'n2',
    provoke: ctl('shows-current', { node: '02', counts: '4' }),
    says: /n2 02 draws 4 counts but usually draws \d+ or more when on/,
    ease: ctl('shows-current', { node: '02', counts: 'truth' }),
  },
  {
    kind: 'lost',
    node: 'n3',
    provoke: ctl('silent', { node: '03' }),
    says: /n3 03 does not answer/,
    ease: ctl('silent', { node: '03', on: false }),
  },
  {
    kind: 'disabled',
    node: 'n3',
    provoke: ctl('disabled', { node: '03' }),
    says: /n3 03 its BMC reports disabled/,
    async ease() {
      await ctl('disabled', { node: '03', on: false })();
      // That it is on again was done by nobody here either.
      await screen.waitFor(/▲ 1 alarm /);
      screen.type('aAq');
      await screen.waitFor((s) => !hasMark(s), 'no alarm');
    },
  },
  {
    kind: 'chassis-fan',
    node: 'n5',
    provoke: operation('force-off', 'n5'),
    says: /n5 05 is off: chassis fan 5 has no power/,
    ease: operation('on', 'n5'),
  },
  {
    kind: 'console',
    node: 'n6',
    async provoke() {
      await consoleOf('06');
      await ctl('say', { node: '06', text: 'blk_update_request: I/O error, dev mmcblk0, sector 8' })();
      await screen.waitFor(/I\/O error, dev/);
      await toMap();
    },
    says: /n6 06 disk on its console/,
    async ease() {
      await consoleOf('06');
      screen.type('pi\r');
      await screen.waitFor(/Password:/);
      screen.type('raspberry\r');
      await screen.waitFor(/pi@n6:~ \$/);
      screen.type('sudo reboot\r');
      await screen.waitFor(/Linux version|Reached target local-fs/);
      await toMap();
    },
  },
  {
    kind: 'bus',
    node: null,
    provoke: ctl('unplug', {}),
    says: /bus down: /,
    ease: ctl('replug', {}),
  },
])('$kind: seen, acknowledged, over, in the past', async ({ kind, node, provoke, says, ease }) => {
  await provoke();
  await screen.waitFor(/▲ \d alarms? /);
  if (node !== null) await screen.waitFor(() => markOf(node) !== null, `a mark on ${node}`);
  const urgent = node === null ? null : markOf(node);
  screen.type('a');
  await screen.waitFor((s) => says.test(s.text()) && !/acked by/.test(s.text()), 'the alarm in the list');
  screen.type('A');
  await screen.waitFor((s) => /acked by/.test(s.text()) && !/▲ \d alarms?/.test(s.text()), 'that it was seen');
  screen.type('q');
  if (node !== null) {
    // It asks for nobody any more, and still stands.
    await screen.waitFor(() => ![null, urgent].includes(markOf(node)), 'a quieter mark');
  }
  await ease();
  await screen.waitFor(powered(8), '8 nodes with power');
  await screen.waitFor((s) => !hasMark(s), 'no mark');
  screen.type('a');
  await screen.waitFor(/There is no alarm/);
  screen.type('h');
  await screen.waitFor(
    (s) => s.lines().some((line) => says.test(line) && / over after .* acked by/.test(line)),
    'the alarm among those of before',
  );
  screen.type('q');
  await screen.waitFor((s) => !/alarm history/.test(s.text()));
  const { standing, past } = await (await rack.client()).request('alarms.list', { limit: 3 });
  expect(standing).toEqual([]);
  expect(past.find((alarm) => alarm.kind === kind)?.acknowledged?.by).toBeTruthy();
});

test('power changed by nobody here: it has happened, and is over when it was seen', async () => {
  for (const [state, text, counts] of [
    ['off', /n3 03 went from on to off, not switched by this server/, 7],
    ['on', /n3 03 went from off to on, not switched by this server/, 8],
  ] as const) {
    await rack.rack.ctl('power', { node: '03', state });
    await screen.waitFor(powered(counts), `${counts} nodes with power`);
    await screen.waitFor((s) => /▲ 1 alarm /.test(s.text()) && markOf('n3') !== null, 'header and mark');
    screen.type('a');
    await screen.waitFor(text);
    screen.type('A');
    await screen.waitFor(/There is no alarm/);
    screen.type('h');
    await screen.waitFor(text);
    screen.type('q');
    await screen.waitFor((s) => !hasMark(s));
  }
});

test('over before anybody looked: it stays until it was seen', async () => {
  await rack.rack.ctl('silent', { node: '02' });
  await screen.waitFor(/▲ 1 alarm/);
  await rack.rack.ctl('silent', { node: '02', on: false });
  await screen.waitFor(powered(8), '8 nodes with power');
  screen.type('a');
  await screen.waitFor(/n2 02 does not answer .*over after/);
  screen.type(' ');
  await screen.waitFor(/There is no alarm/);
  screen.type('q');
});
