/** The list of consoles with their states and kept screens. Typed letters narrow it, Enter opens. Pure. */
import { didYouMean, wrap } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, POWER_WORD } from '../canvas/glyphs.ts';
import { attachTo } from '../console/attach.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import { step, type Step } from '../model/events.ts';
import { nameOf, type State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

interface ConsoleList {
  kind: 'consoles';
  /** Typed text, and the index of the selected console among its matches. */
  text: string;
  index: number;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    consoles: ConsoleList;
  }
}

export const CONSOLE_LIST: OverlayType<ConsoleList> = {
  kind: 'consoles',
  sections: [{ context: 'consoles', title: 'List of consoles', where: 'in the list of consoles', typed: true }],
  keys: [
    { context: 'consoles', keys: ['enter'], command: 'accept', hint: 'open', help: 'open the console' },
    { context: 'consoles', keys: ['down', 'tab'], command: 'down', hint: 'select', help: 'next' },
    { context: 'consoles', keys: ['up', 'S-tab'], command: 'up', hint: null, help: 'previous' },
    { context: 'consoles', keys: ['escape'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open,
  onKey,
  paint,
};

/**
 * Returns the nodes that match the typed text, a part of name, address or position; without the master, which has
 * no console.
 */
function listedConsoles(state: State, text: string): Address[] {
  const wanted = text.toLowerCase();
  return state.rack.nodes
    .map(({ addr }) => addr)
    .filter((addr) => addr !== state.bus.master)
    .filter((addr) =>
      [nameOf(state, addr), formatAddress(addr), formatPosition(addr)].some((one) =>
        one.toLowerCase().includes(wanted),
      ),
    );
}

/** Opens on the console before this one, so that the list and Enter go back and forth. */
function open(state: State): Step {
  const { previous, shown } = state.pane;
  const at = listedConsoles(state, '').indexOf(previous ?? shown ?? state.cursor);
  return step({ ...state, overlay: { kind: 'consoles', text: '', index: Math.max(0, at) } });
}

function onKey(state: State, list: ConsoleList, { name }: KeyPress): Step {
  const listed = listedConsoles(state, list.text);
  const at = Math.min(list.index, Math.max(0, listed.length - 1));
  switch (bindingOf(state, 'consoles', name)?.command) {
    case 'cancel':
      return step(closed(state));
    case 'accept': {
      const addr = listed[at];
      return addr === undefined ? step(state) : attachTo({ ...state, overlay: null }, addr);
    }
    case 'down':
      return step({ ...state, overlay: { ...list, index: (at + 1) % Math.max(1, listed.length) } });
    case 'up':
      return step({ ...state, overlay: { ...list, index: (at + listed.length - 1) % Math.max(1, listed.length) } });
    default: {
      const typed = name === 'backspace' || Array.from(name).length === 1;
      const text = name === 'backspace' ? list.text.slice(0, -1) : list.text + name;
      return typed ? step({ ...state, overlay: { kind: 'consoles', text, index: 0 } }) : step(state);
    }
  }
}

function paint(frame: Frame, state: State, list: ConsoleList, { g }: PaintTools): void {
  const listed = listedConsoles(state, list.text);
  const box = paintBox(frame, centred(frame, 72, state.rack.nodes.length + 4), 'consoles', g);
  const at = frame.spans(box.x, box.y, [
    ['find: ', 'key'],
    [list.text, 'text'],
  ]);
  frame.cursor = { x: at, y: box.y };
  const rows = box.height - 2;
  const index = Math.min(list.index, Math.max(0, listed.length - 1));
  const from = Math.max(0, Math.min(index - Math.floor(rows / 2), listed.length - rows));
  if (listed.length === 0) {
    const names = state.rack.nodes.map(({ addr }) => nameOf(state, addr));
    const none = `no node’s name, address or position matches${didYouMean(list.text, names)}`;
    wrap(none, box.width).forEach((line, i) => frame.text(box.x, box.y + 2 + i, line, 'dim', box.width));
  }
  listed.slice(from, from + rows).forEach((addr, i) => {
    const y = box.y + 2 + i;
    const look = lookOf(state, viewOf(state, addr));
    frame.spans(
      box.x,
      y,
      [
        [`${formatAddress(addr)} ${formatPosition(addr).padEnd(5)}`, 'dim'],
        [`${nameOf(state, addr).padEnd(24)} `, 'text'],
        [POWER_WORD[look.power].padEnd(11), look.ink],
        howItStands(state, addr),
      ],
      box.width,
    );
    frame.target({ x: box.x, y, width: box.width, height: 1 }, { rows: from + i - index });
    if (from + i === index) frame.ground({ x: box.x, y, width: box.width, height: 1 }, 'selected');
  });
}

function howItStands(state: State, addr: number): Span {
  const { console, pane } = state;
  if (pane.attachment.kind !== 'none' && pane.attachment.addr === addr) return ['open here', 'ok'];
  if (console?.addr === addr) return [`open: ${console.holderName ?? 'nobody'} has the keyboard`, 'warn'];
  const left = pane.kept.get(addr)?.leftAt ?? null;
  return left === null ? ['', 'dim'] : [`last seen ${formatClock(left, state.dateAhead, true)}`, 'stale'];
}
