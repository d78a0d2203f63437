/**
 * Commands of the operator's own: the question before one runs, and the panel with what its program prints. The program
 * runs on this machine as the operator's user; one at a time. Pure.
 */
import { removeHidden } from '../../lib/control-chars.ts';
import { quoteForShell, wrap } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, InkRole, Span } from '../canvas/frame.ts';
import { formatAge } from '../canvas/glyphs.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { Command, OwnCommand } from '../model/keys.ts';
import type { Shown } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools, seenLongEnough } from './overlay.ts';

interface OwnCommandPanel {
  kind: 'own-command';
  /** The command that waits for its confirmation; null: the panel shows the program. */
  asks: { name: string; about: string; argv: readonly string[]; limit: number; shown: Shown } | null;
  /** Lines scrolled back from the end. */
  back: number;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    'own-command': OwnCommandPanel;
  }
}

export const OWN_COMMAND: OverlayType<OwnCommandPanel> = {
  kind: 'own-command',
  sections: [{ context: 'own-command', title: 'Output of an own command', where: 'in the output of an own command' }],
  keys: [
    { context: 'own-command', keys: ['up', 'k', 'pageup'], command: 'up', hint: 'back', help: 'scroll back' },
    { context: 'own-command', keys: ['down', 'j', 'pagedown'], command: 'down', hint: null, help: 'scroll' },
    { context: 'own-command', keys: ['C-c'], command: 'abort', hint: 'end it', help: 'end the program' },
    {
      context: 'own-command',
      keys: ['escape', 'q'],
      command: 'cancel',
      hint: 'close',
      help: 'close; the program continues, and a line shows how it ended',
    },
  ],
  survivesReconnect: true,
  onKey,
  paint,
  shown: ({ asks }) => asks?.shown ?? null,
  withShown: (panel, shown) => (panel.asks === null ? panel : { ...panel, asks: { ...panel.asks, shown } }),
};

/** Begins the own command of this name, or shows the one that runs; null: the command is not one of these. */
export function startOwnCommand(state: State, command: Command): Step | null {
  const index = /^own-(\d+)$/.exec(command)?.[1];
  const own = index === undefined ? undefined : state.settings.commands[Number(index)];
  if (own === undefined) return null;
  const { program } = state;
  if (program !== null && program.why === null)
    return step(withNotice({ ...state, overlay: SHOWN }, 'info', `${program.name} runs: Ctrl-C ends it`));
  const nodes = nodesFor(state, own);
  if (own.scope !== 'rack' && nodes.length === 0)
    return step(withNotice(state, 'info', `${own.name}: an empty slot is selected`));
  const filled = argumentsFor(own, nodes, state.rack.name);
  if ('problem' in filled) return step(withNotice(state, 'warning', `${own.name}: not run: ${filled.problem}`));
  const { argv } = filled;
  const { name, limit } = own;
  if (!own.confirm) return run(state, { name, argv, limit });
  const about =
    nodes.length === 1 ? nodes.map(nodeLabel).join() : nodes.length === 0 ? 'rack' : `${nodes.length} nodes`;
  const asks = { name, about, argv, limit, shown: { kind: 'pending' } as const };
  return step({ ...state, overlay: { kind: 'own-command', asks, back: 0 } });
}

const SHOWN: OwnCommandPanel = { kind: 'own-command', asks: null, back: 0 };

function nodesFor(state: State, { scope }: OwnCommand): InventoryNode[] {
  if (scope === 'rack') return [];
  const marked = scope === 'marked' && state.marks.size > 0;
  return state.rack.nodes.filter(({ addr }) => (marked ? state.marks.has(addr) : addr === state.cursor));
}

/**
 * Fills the braces. Of several nodes an argument that is braces alone becomes one argument for each; inside an argument
 * their values are joined by commas. A value that a program would take for an option is refused.
 */
export function argumentsFor(
  { run: argv }: Pick<OwnCommand, 'run'>,
  nodes: readonly InventoryNode[],
  rack: string,
): { argv: string[] } | { problem: string } {
  const problems: string[] = [];
  const valueOf = (field: string, node: InventoryNode): string => {
    const value = fieldOf(node, field);
    if (value === null || value === '') problems.push(`the inventory names no ${field} of ${node.name}`);
    else if (value.startsWith('-') || removeHidden(value) !== value)
      problems.push(`the ${field} of ${node.name} is unsafe`);
    return value ?? '';
  };
  const valuesOf = (field: string): string[] => {
    if (field === 'rack' && rack.startsWith('-')) problems.push('the name of the rack is unsafe');
    return field === 'rack' ? [rack] : nodes.map((node) => valueOf(field, node));
  };
  const filled = argv.flatMap((argument) => {
    const whole = /^\{(\w+)\}$/.exec(argument)?.[1];
    if (whole !== undefined) return valuesOf(whole);
    return [argument.replace(/\{(\w+)\}/g, (_braces, field: string) => valuesOf(field).join(','))];
  });
  const [problem] = problems;
  return problem === undefined ? { argv: filled } : { problem };
}

function fieldOf(node: InventoryNode, field: string): string | null {
  switch (field) {
    case 'addr':
      return formatAddress(node.addr);
    case 'pos':
      return formatPosition(node.addr);
    case 'name':
    case 'ip':
    case 'role':
    case 'cluster':
      return node[field];
    default:
      return null;
  }
}

function run(state: State, { name, argv, limit }: { name: string; argv: readonly string[]; limit: number }): Step {
  const id = state.nextId;
  const program = { id, name, argv, lines: [], startedAt: state.now, why: null };
  return step({ ...state, nextId: id + 1, program, overlay: SHOWN }, { do: 'run-program', id, argv, limit });
}

type ProgramEvent = Extract<UiEvent, { type: 'program-printed' | 'program-ended' }>;

export function programEvent(state: State, event: ProgramEvent): Step {
  const { program } = state;
  if (program?.id !== event.id) return step(state);
  if (event.type === 'program-printed') return step({ ...state, program: { ...program, lines: event.lines } });
  const ended = { ...state, program: { ...program, why: event.why } };
  if (state.overlay?.kind === 'own-command') return step(ended);
  const text = `${program.name}: ${event.why === '' ? 'ended well' : event.why}`;
  return step(withNotice(ended, event.why === '' ? 'info' : 'warning', text));
}

/** Lines that a key scrolls. */
const PAGE = 10;

function onKey(state: State, panel: OwnCommandPanel, { name, burst }: KeyPress): Step {
  if (panel.asks !== null) {
    const { asks } = panel;
    if (name === 'y' && burst === 1 && seenLongEnough(asks.shown, state.now)) return run(closed(state), asks);
    return step(name === 'y' ? state : closed(state));
  }
  const most = Math.max(0, (state.program?.lines.length ?? 0) - 1);
  const by = name.startsWith('page') ? PAGE : 1;
  const to = (back: number): Step => step({ ...state, overlay: { ...panel, back: Math.max(0, Math.min(most, back)) } });
  switch (bindingOf(state, 'own-command', name)?.command) {
    case 'up':
      return to(panel.back + by);
    case 'down':
      return to(panel.back - by);
    case 'abort':
      return step(state, { do: 'end-program' });
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

const WIDTH = 120;

function paint(frame: Frame, state: State, { asks, back }: OwnCommandPanel, { g }: PaintTools): void {
  const width = centred(frame, WIDTH, 3).width - 4;
  if (asks !== null) {
    const lines: Span[][] = [
      ...wrap(spelled(asks.argv), width).map((line): Span[] => [[line, 'text']]),
      [],
      [[`for ${asks.about}; on this machine, as your user, ${asks.limit} s at most`, 'dim']],
      [],
      [
        ['y', 'key'],
        [' runs it; any other key closes', 'text'],
      ],
    ];
    const box = paintBox(frame, centred(frame, WIDTH, lines.length + 2), asks.name, g);
    lines.forEach((line, i) => frame.spans(box.x, box.y + i, line, box.width));
    return;
  }
  const { program } = state;
  if (program === null) return;
  const head = wrap(spelled(program.argv), width).slice(0, 3);
  const rows = head.length + 1 + Math.max(1, program.lines.length);
  const box = paintBox(frame, centred(frame, WIDTH, rows + 2), program.name, g);
  head.forEach((line, i) => frame.text(box.x, box.y + i, line, 'dim', box.width));
  const [end, ink] = endOf(state);
  frame.text(box.x, box.y + head.length, end, ink, box.width);
  const room = box.height - head.length - 1;
  const last = Math.max(Math.min(room, program.lines.length), program.lines.length - back);
  program.lines
    .slice(Math.max(0, last - room), last)
    .forEach((line, i) => frame.text(box.x, box.y + head.length + 1 + i, line, 'text', box.width));
}

function endOf({ program, now }: State): [text: string, ink: InkRole] {
  if (program === null) return ['', 'dim'];
  if (program.why === null) return [`runs for ${formatAge(Math.max(0, now - program.startedAt))}`, 'aging'];
  return program.why === '' ? ['ended well', 'ok'] : [program.why, 'fault'];
}

/** Returns the arguments as a shell would take them, only for display. */
function spelled(argv: readonly string[]): string {
  return argv.map((one) => (/^[\w@%+=:,./-]+$/.test(one) ? one : quoteForShell(one))).join(' ');
}
