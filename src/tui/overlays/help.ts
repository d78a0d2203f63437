/** `?`: every key, made from the table of bindings, and what the signs mean. */
import { wrap } from '../../lib/words.ts';
import { CONDITIONS, type NodeCondition } from '../../rack/system-state.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { type Glyphs, POWER_LETTER, POWER_WORD } from '../canvas/glyphs.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { bindingsWith, type Context, disabledReason } from '../keymap/lookup.ts';
import type { State } from '../model/state.ts';

/** Columns of the box, and of what a key does. */
const WIDTH = 76;
const ROOM = WIDTH - 4 - 18;

/** Every place that has keys, in the order in which they are told. */
export const SECTIONS: readonly [Context, string][] = [
  ['map', 'Map'],
  ['console', 'Console: every key goes to the node, but the prefix'],
  ['prefix', 'Console, behind the prefix'],
  ['left', 'A console that was left'],
  ['look', 'Copy mode: the pane stands still'],
  ['look-search', 'Copy mode, while a search is typed'],
  ['filter', 'While a filter is typed'],
  ['palette', 'Commands and nodes'],
  ['consoles', 'List of consoles'],
  ['racks', 'Overview of racks'],
  ['people', 'Who is at a console'],
  ['note', 'While a note is typed'],
  ['menu', 'Power menu'],
  ['operations', 'Operations'],
  ['alarms', 'Alarms'],
  ['bus', 'Bus pane'],
  ['supply', 'Supply pane'],
  ['emergency', 'Emergency panel'],
  ['armed', 'An armed plan: only the words shown start it'],
  ['plan-run', 'A plan that runs'],
  ['help', 'This help'],
];

/** What the help begins with: the place from which it was asked. */
function sectionsFrom(state: State): readonly [Context, string][] {
  const from = state.overlay?.kind === 'help' ? state.overlay.from : 'map';
  if (from === 'map') return SECTIONS;
  const here: readonly Context[] = state.pane.attachment.kind === 'none' ? ['left'] : ['console', 'prefix'];
  const first = SECTIONS.filter(([context]) => here.includes(context));
  return [...first, ...SECTIONS.filter((section) => !first.includes(section))];
}

export function paintHelp(frame: Frame, state: State, scroll: number, g: Glyphs): void {
  const lines = helpLines(state, g);
  const box = paintBox(frame, centred(frame, WIDTH, lines.length + 2), 'keys', g);
  const from = Math.min(scroll, Math.max(0, lines.length - box.height));
  lines.slice(from, from + box.height).forEach((line, i) => frame.spans(box.x, box.y + i, line, box.width));
  if (lines.length > box.height)
    frame.text(
      box.x + box.width - 12,
      box.y + box.height,
      from + box.height < lines.length ? ' more: Down ' : ' end: Esc ',
      'key',
    );
}

/** Lines the help has: the last useful scroll position is this less the box. */
export function helpLines(state: State, g: Glyphs): Span[][] {
  // On the map the question behind the key may be what one sees there.
  const first = state.overlay?.kind !== 'help' || state.overlay.from === 'map';
  const lines: Span[][] = first ? signLines(g) : [];
  for (const [context, title] of sectionsFrom(state)) {
    if (lines.length > 0) lines.push([]);
    lines.push([[title, 'title']]);
    if (context === 'map') {
      lines.push([
        ['  0–7, then 0–f'.padEnd(18), 'key'],
        ['jump to the node of that hex address', 'text'],
      ]);
    }
    if (context === 'prefix') {
      lines.push([
        ['  two hex digits'.padEnd(18), 'key'],
        ['console of that node', 'text'],
      ]);
    }
    for (const binding of bindingsWith(state.settings.keys)) {
      if (binding.context !== context || (binding.demo && !state.settings.demo)) continue;
      const why = disabledReason(binding, state);
      const keys = binding.keys.slice(0, 3).map(keyLabel).join(' ');
      wrap(binding.help, ROOM).forEach((line, i) =>
        lines.push([
          [(i === 0 ? `  ${keys}` : '').padEnd(18), why === null ? 'key' : 'dim'],
          [line, why === null ? 'text' : 'dim'],
        ]),
      );
      if (why !== null)
        lines.push(...wrap(`not now: ${why}`, ROOM - 2).map((line): Span[] => [[' '.repeat(20) + line, 'dim']]));
    }
  }
  if (!first) lines.push([], ...signLines(g));
  return lines;
}

/** What the map's cells are made of. */
function signLines(g: Glyphs): Span[][] {
  const lines: Span[][] = [[['Signs', 'title']]];
  const signOf = (power: NodeCondition): Span => [
    `${g.power[power]}${POWER_LETTER[power]} ${POWER_WORD[power]}   `,
    'text',
  ];
  const half = 5;
  for (const some of [CONDITIONS.slice(0, half), CONDITIONS.slice(half)])
    lines.push([['  ', 'text'], ...some.map(signOf)]);
  const signs: [string, string][] = [
    [g.master, 'master'],
    [g.protected, 'protected'],
    [g.chassisFan, 'chassis fan'],
    [g.alarm, 'alarm'],
    [g.console, 'console'],
    [g.operation[0] ?? '*', 'operation'],
  ];
  lines.push([['  ', 'text'], ...signs.map(([sign, word]): Span => [`${sign} ${word}  `, 'text'])]);
  lines.push([['  ct: counts of no known unit; A: amperes, where the node is calibrated', 'dim']]);
  return lines;
}
