/** What the program says is read whole in 80x24: wrapped, or cut with a mark where the whole stands elsewhere. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ts from 'typescript/unstable/ast';
import { describe, expect, test } from 'vitest';
import type { Refusal } from '../../src/api/power.ts';
import { wrap } from '../../src/lib/words.ts';
import type { GuardFacts } from '../../src/power/guard-facts.ts';
import { refusalsFor } from '../../src/power/guards.ts';
import { questionOf, OPERATOR_PROMPT_KINDS } from '../../src/power/shutdown/prompts.ts';
import type { Target } from '../../src/power/shutdown/target.ts';
import { REQUEST_PARAMS } from '../../src/server/rpc/params.ts';
import { toAscii } from '../../src/tui/canvas/glyphs.ts';
import { NARROW_PART, PART_MS } from '../../src/tui/canvas/box.ts';
import { CUT, Frame } from '../../src/tui/canvas/frame.ts';
import { withNotice, withPaneNotice } from '../../src/tui/model/events.ts';
import { asking } from '../screens/operations.ts';
import { openProject, sourceAt } from '../structure/program.ts';
import { allClear, NOW, RACK, Scene } from '../screens/scene.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const LONG_NAME = 'dk8s-controlplane-03 (F-0, 14)';

/** Every text of several words in the sources, with a long name in each of its gaps; control sequences are none. */
function texts(folders: readonly string[]): string[] {
  const project = openProject('syntax');
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.add(node.text);
    if (ts.isTemplateExpression(node))
      found.add(node.head.text + node.templateSpans.map(({ literal }) => LONG_NAME + literal.text).join(''));
    node.forEachChild(visit);
  };
  for (const folder of folders)
    for (const file of readdirSync(join(SRC, folder), { withFileTypes: true, recursive: true }))
      if (/\.tsx?$/.test(file.name)) visit(sourceAt(project, join(file.parentPath, file.name)));
  return [...found]
    .filter((text) => !text.includes('\x1b['))
    .map(plain)
    .filter((text) => text.split(' ').length > 3);
}

/** One line, of characters that the interface shows as they are. */
const plain = (text: string): string =>
  text
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** Counts that are never one. */
const ALLOWED = ['nodes together', 'nodes are'];
/** A setting too. */
const ALSO_SETTINGS = ['outage.last'];

const MESSAGES = texts(['api', 'bmc', 'cli', 'client', 'config', 'console', 'power', 'rack', 'server', 'tui']);

/**
 * One message of each length, on which a line's breaks and cuts depend, and all of them with other characters than ASCII:
 * for where a frame or more for each of the thousands would take most of the time.
 */
const LENGTHS = [...new Map(MESSAGES.map((text) => [/[^ -~]/.test(text) ? text : text.length, text])).values()];

/** The frame's words in reading order; of a box alone, where there is one. Words longer than a line are broken. */
function wordsOf(frame: Frame): string {
  const boxed = frame.lines().flatMap((line) => /│(.*)│/.exec(line)?.[1] ?? []);
  return squeezed((boxed.length > 0 ? boxed : frame.lines()).join(' '));
}
const squeezed = (text: string): string => plain(text).replaceAll(' ', '');

function expectWhole(frame: Frame, text: string): void {
  if (!wordsOf(frame).includes(squeezed(text))) expect(frame.lines().join('\n')).toContain(text);
}

test('the catalogue holds messages of every part', () => {
  expect(MESSAGES.length).toBeGreaterThan(1000);
  expect(MESSAGES.some((text) => text.length > 250)).toBe(true);
  expect(LENGTHS.length).toBeGreaterThan(200);
});

test('every message is whole in lines of any width', () => {
  const wrong: string[] = [];
  for (const text of MESSAGES)
    for (const width of [NARROW_PART, 40, 56, 78]) {
      const lines = wrap(text, width);
      if (squeezed(lines.join(' ')) !== squeezed(text) || lines.some((line) => line.length > width)) wrong.push(text);
    }
  expect(wrong).toEqual([]);
});

test('messages of every length as a notice: whole, the end included', () => {
  const scene = new Scene({ cols: 80, rows: 24 });
  const before = scene.state;
  for (const text of LENGTHS) {
    scene.state = withNotice(before, 'warning', text);
    expectWhole(scene.seen(), text);
  }
});

test('messages of every length of the bus and of a lost server: whole', () => {
  const scene = new Scene({ cols: 80, rows: 24 });
  const before = scene.state;
  for (const text of LENGTHS) {
    scene.state = { ...before, bus: { ...before.bus, state: 'down', detail: text } };
    expectWhole(scene.seen(), text);
    scene.state = { ...before, link: { kind: 'lost', why: text, since: NOW } };
    expectWhole(scene.seen(), `${text}; the values are from before.`);
  }
});

test('messages of every length on a console: whole, in the title, in parts while it stands', () => {
  const scene = new Scene({ cols: 80, rows: 24 }).keys('03', '\r').attached('');
  const before = scene.state;
  for (const text of LENGTHS.filter((one) => one.length < 500 && !one.endsWith('…'))) {
    scene.state = withPaneNotice(before, 'warning', text);
    const { until = 0 } = scene.state.pane.notice ?? {};
    const parts: string[] = [];
    for (let now = before.now; now < until; now += PART_MS) {
      scene.state = { ...scene.state, now };
      const [, part = '', more] = / \d\d:\d\d:\d\d (.*?)( …)? *─*$/.exec(scene.seen().lines()[1] ?? '') ?? [];
      parts.push(part);
      if (more === undefined) break;
    }
    expect(squeezed(parts.join(' '))).toBe(squeezed(text));
  }
});

test('the newest event takes one line, with the mark of a cut where it is longer, and is whole in the list', () => {
  const scene = new Scene({ cols: 80, rows: 24 });
  const [event] = scene.state.events;
  if (event === undefined) throw new Error('the scene has no event');
  const before = scene.state;
  for (const text of LENGTHS) {
    scene.state = { ...before, events: [{ ...event, text }] };
    const { events: rect } = scene.layout;
    const lines = scene
      .seen()
      .lines()
      .slice(rect?.y, (rect?.y ?? 0) + (rect?.height ?? 0));
    const [line = '', ...others] = lines.filter((one) => one.trim() !== '');
    expect(others, text).toEqual([]);
    expect(squeezed(line).includes(squeezed(text)) || line.endsWith(`${CUT} `), text).toBe(true);
    // Longer texts are scripts that rackui writes, which no event has.
    if (text.length < 1000) expectWhole(scene.keys('e').seen(), text);
  }
});

describe('questions and refusals', () => {
  const target = {
    ...{ name: 'dk8s-controlplane-03', place: 'F-0, 14', host: 'dk8s-controlplane-03', ssh: null, hooks: null },
  } as Target;
  const said = 'Failed to set wall message, ignoring: Interactive authentication required for this operation';

  test.each(OPERATOR_PROMPT_KINDS)('the question of %s stands whole with its answers', (kind) => {
    const operation = asking(0x14);
    const question = { ...questionOf({ kind, detail: said, since: NOW, until: NOW }, target), id: 'q1' };
    const nodes = operation.nodes.map((node) => ({ ...node, question }));
    const frame = new Scene({ cols: 80, rows: 24, operations: [{ ...operation, nodes }] }).keys('o').seen();
    expectWhole(frame, plain(question.text));
    for (const { label } of question.choices) expectWhole(frame, label);
  });

  const node = RACK.nodes.find(({ addr }) => addr === 0x14) ?? RACK.nodes[0];
  const sample = { power: 'on', current: 29, fan: 116, at: NOW, rttMs: 3 } as const;
  const facts = (changes: Partial<GuardFacts>): GuardFacts => ({
    ...{ verb: 'off', addr: 0x14, node: node ?? null, now: NOW, otherHolder: null, takeConsole: false },
    ...{ bus: { phase: 'ready', detail: '', master: 0 }, status: { ok: true, sample, master: false } },
    ...{ busyWith: null, host: null, peers: null },
    ...changes,
  });
  const silent = { ok: false, failure: 'silent', detail: said } as const;
  test.each<[string, Partial<GuardFacts>]>([
    ['a bus that is down', { bus: { phase: 'down', detail: said, master: null } }],
    ['an unknown address', { node: null }],
    ['the master', { addr: 0 }],
    ['an unknown master', { bus: { phase: 'ready', detail: '', master: null } }],
    ['another host', { host: { host: 'web-of-somebody-else', at: NOW - 60_000 } }],
    ['silence', { status: silent }],
    ['noise', { status: { ...silent, failure: 'garbled' } }],
    ["another's reply", { status: { ...silent, failure: 'foreign' } }],
    ['an old status', { now: NOW + 60_000 }],
    ["somebody's console", { otherHolder: { addr: 5, name: 'ada from 10.0.0.7', silent: false } }],
    ['another operation', { busyWith: 'tp8b5h' }],
  ])('the refusal for %s stands whole in the dialog', (_what, changes) => {
    const refusals: Refusal[] = refusalsFor(facts(changes));
    expect(refusals.length).toBeGreaterThan(0);
    const scene = new Scene({ cols: 80, rows: 24 }).keys('14', 'p', 's');
    const frame = scene.checked((request) => allClear(request).map((one) => ({ ...one, refusals }))).seen();
    for (const { message, override } of refusals)
      for (const part of [message, override ?? '']) expectWhole(frame, part);
  });
});

describe('what has no room for its text is marked', () => {
  test('text and spans, whatever their width', () => {
    for (let width = 1; width < 12; width++) {
      const frame = new Frame(20, 2);
      frame.text(0, 0, 'hello world', 'text', width);
      frame.spans(
        0,
        1,
        [
          ['hello ', 'text'],
          ['world', 'dim'],
        ],
        width,
      );
      const wanted = (width < 11 ? `${'hello world'.slice(0, width - 1)}${CUT}` : 'hello world').padEnd(20);
      expect(frame.lines()).toEqual([wanted, wanted]);
    }
  });

  test('a text that only ends in blanks is not cut, and the frame’s edge is an edge', () => {
    const frame = new Frame(8, 3);
    frame.text(0, 0, 'fits    ', 'text', 4);
    frame.text(4, 1, 'too long', 'text');
    frame.text(0, 2, 'nothing', 'text', 0);
    expect(frame.lines()).toEqual(['fits    ', `    too${CUT}`, '        ']);
  });

  test('in ASCII too', () => {
    const frame = new Frame(6, 2);
    frame.text(0, 0, 'too long for it', 'text');
    frame.text(0, 1, 'wait …', 'text');
    toAscii(frame, true);
    expect(frame.lines()).toEqual(['too l~', 'wait .']);
  });
});

test('no message names a method of the API, a schema’s words or a count without its plural', () => {
  const methods = Object.keys(REQUEST_PARAMS).filter((name) => name.includes('.') && !ALSO_SETTINGS.includes(name));
  const wrong = MESSAGES.filter(
    (text) =>
      methods.some((name) => new RegExp(`(?<![\\w/.-])${name.replace('.', '\\.')}(?![\\w.-])`).test(text)) ||
      /Invalid (?:option|input)|expected one of|\b1 nodes\b/.test(text) ||
      new RegExp(`${LONG_NAME.replaceAll(/[()]/g, '\\$&')} (?:nodes|racks|alarms|operations) `).test(text),
  );
  expect(wrong.filter((text) => !ALLOWED.some((known) => text.includes(known)))).toEqual([]);
});
