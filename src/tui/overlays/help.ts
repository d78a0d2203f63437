/** `?`: lists every key in force, the reasons of disabled ones, and the meanings of the map's signs. Pure. */
import { wrap } from '../../lib/words.ts';
import { CONDITIONS, type NodeCondition } from '../../rack/system-state.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { glyphs, type Glyphs, POWER_LETTER, POWER_WORD } from '../canvas/glyphs.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { bindingOf, disabledReason } from '../keymap/lookup.ts';
import { MIN_ROWS } from '../layout/layout.ts';
import { step, type Step } from '../model/events.ts';
import type { Context, KeySection } from '../model/keys.ts';
import { MAIN_VIEWS, type MainView, type State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';
import { TOUR } from './tour.ts';

/** Columns of the box, and of the text of a key. */
const WIDTH = 76;
const ROOM = WIDTH - 4 - 18;

/** Context in which the help was opened, whose keys come first. */
interface Help {
  kind: 'help';
  scroll: number;
  from: MainView | 'console';
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    help: Help;
  }
}

export const HELP: OverlayType<Help> = {
  kind: 'help',
  sections: [{ context: 'help', title: 'This help', where: 'in the help' }],
  keys: [
    { context: 'help', keys: ['escape', 'q', '?', 'enter'], command: 'cancel', hint: 'close', help: 'close' },
    { context: 'help', keys: ['down', 'j', 'pagedown', 'space'], command: 'down', hint: 'scroll', help: 'scroll' },
    { context: 'help', keys: ['up', 'k', 'pageup'], command: 'up', hint: null, help: 'scroll back' },
  ],
  survivesReconnect: true,
  open: (state, from) =>
    step({
      ...state,
      overlay: { kind: 'help', scroll: 0, from: MAIN_VIEWS.find((view) => view === from) ?? 'console' },
    }),
  onKey,
  paint,
};

function onKey(state: State, help: Help, { name }: KeyPress): Step {
  const command = bindingOf(state, 'help', name)?.command;
  if (command === 'tour') return TOUR.open?.(closed(state), 'map') ?? step(state);
  if (command === 'cancel') return step(closed(state));
  const by = command === 'down' ? scrollStep(name) : command === 'up' ? -scrollStep(name) : 0;
  const scroll = Math.max(0, Math.min(helpEnd(state), help.scroll + by));
  return step({ ...state, overlay: { ...help, scroll } });
}

/**
 * Returns the last scroll position: the last lines stay on the smallest screen. Signs have the same lines in every
 * alphabet.
 */
const helpEnd = (state: State): number => helpLines(state, glyphs(true)).length - HELP_ROWS;
/** Lines of the help that the smallest terminal shows. */
const HELP_ROWS = MIN_ROWS - 4;
const scrollStep = (name: string): number => (name.startsWith('page') || name === 'space' ? 10 : 1);

/** Returns the sections, those of the context in which the help was opened first. */
function orderedSections(state: State): readonly KeySection[] {
  const { sections } = state.settings.keys;
  const from = state.overlay?.kind === 'help' ? state.overlay.from : 'map';
  if (from === 'map') return sections;
  const atConsole: readonly Context[] = state.pane.attachment.kind === 'none' ? ['left'] : ['console', 'prefix'];
  const here = from === 'console' ? atConsole : [from];
  const first = sections.filter(({ context }) => here.includes(context));
  return [...first, ...sections.filter((section) => !first.includes(section))];
}

function paint(frame: Frame, state: State, { scroll }: Help, { g }: PaintTools): void {
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

/** Returns the lines of the help. */
export function helpLines(state: State, g: Glyphs): Span[][] {
  // On the map the signs come first, because the operator may be looking for one.
  const first = state.overlay?.kind !== 'help' || state.overlay.from !== 'console';
  const lines: Span[][] = first ? signLines(state, g) : [];
  for (const { context, title, also = [] } of orderedSections(state)) {
    if (lines.length > 0) lines.push([]);
    lines.push([[title, 'title']]);
    for (const [keys, help] of also)
      lines.push([
        [`  ${keys}`.padEnd(18), 'key'],
        [help, 'text'],
      ]);
    for (const binding of state.settings.keys.bindings.filter((one) => one.context === context)) {
      if (binding.demo === true && !state.settings.demo) continue;
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
  if (!first) lines.push([], ...signLines(state, g));
  return lines;
}

/** Returns the lines about the parts of the map's cells. */
function signLines(state: State, g: Glyphs): Span[][] {
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
  if ([...state.nodes.values()].some(({ kubernetes }) => kubernetes !== null)) {
    const { 'not-ready': notReady, cordoned, unknown } = g.kubernetes;
    const words = `${notReady} not ready   ${cordoned} cordoned   ${unknown} unknown`;
    lines.push([[`  in Kubernetes: ${words}`, 'text']]);
  }
  lines.push([['  ct: counts, whose unit is not known; A: amperes, where the node is calibrated', 'dim']]);
  return lines;
}
