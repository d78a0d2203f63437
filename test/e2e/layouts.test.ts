/**
 * Layouts in the real program: a terminal that is resized, presets by key, the detail pane with its charts, and a next run
 * that begins as the last one ended. At each stop the whole screen must be one: nothing torn, nothing doubled, nothing left over.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceStand } from '../support/inner-stand.ts';
import type { Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

let rack: Stand;
beforeAll(async () => {
  rack = await referenceStand();
});
afterAll(() => rack[Symbol.asyncDispose]());

const open = (cols: number, rows: number): TestTerminal => rack.open({ cols, rows });

const ADDRESSES = Array.from({ length: 24 }, (_, addr) => addr.toString(16).padStart(2, '0'));

interface Panes {
  map: boolean;
  console: boolean;
  detail: boolean;
}
const MAP: Panes = { map: true, console: false, detail: false };
const CONSOLE: Panes = { ...MAP, console: true };
const DETAIL: Panes = { ...MAP, detail: true };
const ALL: Panes = { map: true, console: true, detail: true };
const FULL: Panes = { map: false, console: true, detail: false };

const times = (text: string, what: RegExp): number => Array.from(text.matchAll(what)).length;

/** What is wrong with the screen as a whole; nothing, when each thing is there once and in its place. */
function wrongWith(screen: TestTerminal, panes: Panes): string[] {
  const lines = screen.lines();
  const text = screen.text();
  const wrong: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) wrong.push(what);
  };
  must(lines.length === screen.rows, 'as many lines as the terminal has');
  must(
    lines.every((line) => line.length <= screen.cols),
    'no line wider than the terminal',
  );
  const { active } = screen.screen.buffer;
  must(
    lines.every((_, y) => active.getLine(active.baseY + y)?.isWrapped === false),
    'no line that ran over the edge into the next',
  );
  must(/^ er24a +bus /.test(lines[0] ?? '') && times(text, /er24a +bus /g) === 1, 'one header, at the top');
  must(/\? keys/.test(lines.at(-1) ?? '') && times(text, /\? keys/g) === 1, 'one line of keys, at the bottom');
  for (const addr of ADDRESSES) {
    const cells = times(text, new RegExp(`[●?·]\\S ?${addr} \\S`, 'g'));
    must(cells === (panes.map ? 1 : 0), `${panes.map ? 'one cell' : 'no cell'} of node ${addr}, not ${cells}`);
  }
  // The selected node's cell has an edge, whole and of one piece.
  const edges = lines.flatMap((line, y) => Array.from(line.matchAll(/▌/g), ({ index }) => ({ x: index, y })));
  const [first] = edges;
  must(panes.map === edges.length > 0, 'a selected node where there is a map');
  must(
    edges.every(({ x, y }, i) => x === first?.x && y === first.y + i),
    'the edge of one cell',
  );
  // What begins a border in some row of a pane is a border in all of them.
  const body = lines.slice(1, panes.map ? -2 : -1);
  const columns = new Set(body.flatMap((line) => Array.from(line.matchAll(/│/g), ({ index }) => index)));
  for (const x of columns) {
    const rows = body.flatMap((line, y) => (line[x] === '│' ? [y] : []));
    const [from = 0] = rows;
    must(rows.every((y, i) => y === from + i) && rows.length > 1, `a border without gaps in column ${x}`);
    must(from + rows.length === body.length || body[from + rows.length]?.[x] === '─', `that ends somewhere (${x})`);
  }
  // Its title says whose it is, or would be.
  must(times(text, /─ \S+ [A-F]-[0-3] [0-9a-f]{2} /g) > 0 === panes.console, 'a console pane, or none');
  must(times(text, /\buid +/g) === (panes.detail ? 1 : 0), 'a detail pane, or none');
  return wrong;
}

async function whole(screen: TestTerminal, panes: Panes, also: RegExp = /./): Promise<void> {
  try {
    await screen.waitFor(
      (s) => wrongWith(s, panes).length === 0 && also.test(s.text()),
      `a whole screen with ${String(also)}`,
    );
  } catch (error) {
    throw new Error(`not there: ${wrongWith(screen, panes).join('; ')}`, { cause: error });
  }
}

test('resized from the smallest to the largest and back: each size its own layout, whole', async () => {
  await using screen = open(80, 24);
  await whole(screen, MAP, /24 on/);
  screen.type('07');
  await whole(screen, MAP, /k8s-worker-05 · B-3 07/);
  screen.type('\r');
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor(/k8s-worker-05 login:/);
  // A console has the screen to itself where there is no room beside it.
  await whole(screen, FULL, /k8s-worker-05 login:/);
  const sizes: [cols: number, rows: number, typing: Panes, onMap: Panes][] = [
    [120, 40, FULL, MAP],
    [160, 50, ALL, ALL],
    [240, 70, ALL, ALL],
    [160, 50, ALL, ALL],
    [132, 30, CONSOLE, CONSOLE],
    [120, 40, FULL, MAP],
    [80, 24, FULL, MAP],
  ];
  for (const [cols, rows, typing] of sizes) {
    screen.resize(cols, rows);
    await whole(screen, typing, /k8s-worker-05 login:/);
    expect(screen.cursorHidden, `the node's cursor is where keys go, at ${cols}x${rows}`).toBe(false);
  }
  screen.type('\x1dd');
  await whole(screen, MAP, /24 on/);
  for (const [cols, rows, , onMap] of sizes) {
    screen.resize(cols, rows);
    await whole(screen, onMap, /24 on/);
    expect(screen.cursorHidden, `keys are the map's, at ${cols}x${rows}`).toBe(true);
  }
  screen.type('q');
  expect((await screen.exited).code).toBe(0);
});

test('which pane has the keys is seen', async () => {
  await using screen = open(160, 50);
  screen.type('LLLL');
  await whole(screen, ALL, /24 on/);
  const border = (): number => screen.find('│')?.cells[0]?.fg ?? -1;
  const onMap = border();
  screen.type('07\r');
  await screen.waitFor(/Enter wakes it/);
  await screen.waitFor(() => border() !== onMap, 'the border of a pane that has the keys');
  await whole(screen, ALL);
  screen.type('\x1dd');
  await screen.waitFor(() => border() === onMap, 'the border of a pane that has them not');
  await whole(screen, ALL);
  // Once a console was opened there is room for all by itself; the next test begins with that.
  screen.type('L');
  await whole(screen, ALL, /automatic/);
});

test('too small: what it has, what it needs, and what is wrong meanwhile, in a line', async () => {
  await using screen = open(80, 24);
  await whole(screen, MAP, /24 on/);
  for (const [cols, rows] of [
    [58, 15],
    [40, 4],
    [30, 2],
  ] as const) {
    screen.resize(cols, rows);
    await screen.waitFor((s) => s.text().includes(`needs 60x16, has ${cols}x${rows}`));
    await screen.waitFor(/no alarm/);
    expect(screen.text()).not.toMatch(/er24a|\? keys|[▌│]/);
  }
  await rack.rack.ctl('silent', { node: '07' });
  await screen.waitFor(/▲ k8s-worker-05 does not an/);
  screen.resize(80, 24);
  await whole(screen, MAP, /23 on .*1 lost/);
  await rack.rack.ctl('silent', { node: '07', on: false });
  await whole(screen, MAP, /24 on/);
  screen.type('aA');
  await screen.waitFor(/There is no alarm/);
});

const WIDE: [words: string, panes: Panes][] = [
  ['map', MAP],
  ['map and console', CONSOLE],
  ['map and detail', DETAIL],
  ['map, console and detail', ALL],
  // Until a console was opened none has room.
  ['automatic', DETAIL],
];
const CYCLES: [cols: number, rows: number, steps: typeof WIDE][] = [
  // What looks as the screen does now is passed over, and what has no room.
  [80, 24, [...WIDE.slice(1, 3), ['automatic', MAP]]],
  [120, 40, [...WIDE.slice(1, 4), ['automatic', MAP]]],
  [160, 50, WIDE],
  [240, 70, WIDE],
];

test('a key goes through the layouts that each size has room for, and ends where it began', async () => {
  await using screen = open(80, 24);
  await screen.waitFor(/24 on/);
  for (const [cols, rows, steps] of CYCLES) {
    screen.resize(cols, rows);
    await whole(screen, steps.at(-1)?.[1] ?? MAP, /24 on/);
    for (const [words, panes] of steps) {
      screen.type('L');
      await whole(screen, panes, new RegExp(`layout: ${words}\\s*\n`));
    }
  }
});

test('charts of minutes, an hour and a day; a next run begins as this one ended', async () => {
  {
    await using screen = open(120, 40);
    await whole(screen, MAP, /24 on/);
    screen.type('07LL');
    // Two samples that are neighbours make a line.
    await whole(screen, DETAIL, /\d min ago[^\n]* t hour[^\n]* now/);
    await screen.waitFor(/[\u2801-\u28ff]/);
    await screen.waitFor(/position +B-3, address 07/);
    for (const [ago, next] of [
      [/6\d min ago/, 'day'],
      [/24 h ago/, 'minutes'],
      [/5 min ago/, 'hour'],
      [/6\d min ago/, 'day'],
      [/24 h ago/, 'minutes'],
    ] as const) {
      screen.type('t');
      await whole(screen, DETAIL, new RegExp(`${ago.source}[^\\n]* t ${next}[^\\n]* now`));
      // Nobody was here for an hour: most of it is a gap, and no line is drawn through it.
      await screen.waitFor(/current \d+ ct[^]*·{20,}[^]*fan \d+ ct[^]*·{20,}/);
    }
    screen.type('-');
    await screen.waitFor(/map: one line per node/);
    await whole(screen, DETAIL);
    screen.type('q');
    expect((await screen.exited).code).toBe(0);
  }
  await using screen = open(120, 40);
  await whole(screen, DETAIL, /24 h ago[^\n]* t minutes/);
  // A line a node: the blades stand below each other.
  const row = (addr: string): number => screen.find(`●N${addr} `)?.y ?? NaN;
  expect([row('07') - row('03'), row('0b') - row('07')]).toEqual([1, 1]);
  expect(JSON.parse(readFileSync(join(rack.folder, 'rackui', 'interface.json'), 'utf8'))).toMatchObject({
    ...{ preset: 'detail', cells: 'line', span: 'day' },
  });
});
