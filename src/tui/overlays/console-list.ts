/** The list of consoles of all racks with their states and kept screens. Typed letters narrow it, Enter opens. Pure. */
import { didYouMean, wrap } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, POWER_WORD, shorten } from '../canvas/glyphs.ts';
import { attachTo } from '../console/attach.ts';
import { nameOfRack, toPlace } from '../fleet/racks.ts';
import { isAt } from '../fleet/search.ts';
import { noLink } from '../keymap/disabled-reasons.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

interface ConsoleList {
  kind: 'consoles';
  text: string;
  /** The selected console; null: the first that matches the typed text. */
  at: Place | null;
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
  showsAllRacks: true,
  open,
  onKey,
  paint,
};

/** A node that has a console, with the state of its rack. */
interface Listed {
  of: State;
  node: InventoryNode;
}

/**
 * Returns the nodes that match the typed text, a part of name, address or position, or of the rack's name before a
 * name; without the masters, which have no console.
 */
function listedConsoles(fleet: readonly State[], text: string): Listed[] {
  const wanted = text.toLowerCase();
  const names = (of: State, { name, addr }: InventoryNode): string[] => [
    fleet.length === 1 ? name : `${nameOfRack(of)}:${name}`,
    formatAddress(addr),
    formatPosition(addr),
  ];
  return fleet.flatMap((of) =>
    of.rack.nodes
      .filter(({ addr }) => addr !== of.bus.master)
      .filter((node) => wanted === '' || names(of, node).some((one) => one.toLowerCase().includes(wanted)))
      .map((node) => ({ of, node })),
  );
}

/** Opens on the console before this one, so that the list and Enter go back and forth. */
function open(state: State): Step {
  const { previous, shown } = state.pane;
  const at: Place = { rack: state.racks.index, addr: previous ?? shown ?? state.cursor };
  return step({ ...state, overlay: { kind: 'consoles', text: '', at } });
}

const placeOf = ({ of, node }: Listed): Place => ({ rack: of.racks.index, addr: node.addr });

const indexOf = (listed: readonly Listed[], at: Place | null): number =>
  at === null
    ? 0
    : Math.max(
        0,
        listed.findIndex((one) => isAt(placeOf(one), at)),
      );

function onKey(state: State, list: ConsoleList, { name, fleet }: KeyPress): Step {
  const listed = listedConsoles(fleet, list.text);
  const index = indexOf(listed, list.at);
  const select = (by: number): Step => {
    const next = listed[(index + by + listed.length) % listed.length];
    return next === undefined ? step(state) : step({ ...state, overlay: { ...list, at: placeOf(next) } });
  };
  switch (bindingOf(state, 'consoles', name)?.command) {
    case 'cancel':
      return step(closed(state));
    case 'accept': {
      const chosen = listed[index];
      return chosen === undefined ? step(state) : openConsole(state, chosen);
    }
    case 'down':
      return select(1);
    case 'up':
      return select(-1);
    default: {
      const typed = name === 'backspace' || Array.from(name).length === 1;
      const text = name === 'backspace' ? list.text.slice(0, -1) : list.text + name;
      return typed ? step({ ...state, overlay: { kind: 'consoles', text, at: null } }) : step(state);
    }
  }
}

/** Opens a console here; one of another rack is shown there. */
function openConsole(state: State, { of, node }: Listed): Step {
  if (of.racks.index !== state.racks.index) return toPlace(state, placeOf({ of, node }), true);
  const why = noLink(state);
  return why === null ? attachTo(closed(state), node.addr) : step(withNotice(closed(state), 'info', `console: ${why}`));
}

function paint(frame: Frame, _state: State, list: ConsoleList, { g, fleet }: PaintTools): void {
  const listed = listedConsoles(fleet, list.text);
  const nodes = fleet.reduce((sum, { rack }) => sum + rack.nodes.length, 0);
  const rackWidth =
    fleet.length === 1 ? 0 : Math.min(RACK_WIDEST, Math.max(...fleet.map((of) => nameOfRack(of).length)));
  const box = paintBox(frame, centred(frame, WIDTH + (rackWidth && rackWidth + 1), nodes + 4), 'consoles', g);
  const end = frame.spans(box.x, box.y, [
    ['find: ', 'key'],
    [list.text, 'text'],
  ]);
  frame.cursor = { x: end, y: box.y };
  const rows = box.height - 2;
  const index = indexOf(listed, list.at);
  const from = Math.max(0, Math.min(index - Math.floor(rows / 2), listed.length - rows));
  if (listed.length === 0) {
    const names = fleet.flatMap((of) => of.rack.nodes.map(({ name }) => name));
    const none = `no node’s name, address or position matches${didYouMean(list.text, names)}`;
    wrap(none, box.width).forEach((line, i) => frame.text(box.x, box.y + 2 + i, line, 'dim', box.width));
  }
  listed.slice(from, from + rows).forEach(({ of, node: { addr, name } }, i) => {
    const y = box.y + 2 + i;
    const look = lookOf(of, viewOf(of, addr));
    const rack = rackWidth === 0 ? '' : `${shorten(nameOfRack(of), rackWidth, g).padEnd(rackWidth)} `;
    frame.spans(
      box.x,
      y,
      [
        [rack, 'text'],
        [`${formatAddress(addr)} ${formatPosition(addr).padEnd(5)}`, 'dim'],
        [`${name.padEnd(24)} `, of.marks.has(addr) ? 'mark' : 'text'],
        [POWER_WORD[look.power].padEnd(11), look.ink],
        howItStands(of, addr),
      ],
      box.width,
    );
    frame.target({ x: box.x, y, width: box.width, height: 1 }, { rows: from + i - index });
    if (from + i === index) frame.ground({ x: box.x, y, width: box.width, height: 1 }, 'selected');
  });
}

const WIDTH = 72;
const RACK_WIDEST = 14;

function howItStands(state: State, addr: Address): Span {
  const { console, pane } = state;
  if (state.link.kind === 'lost') return ['no connection', 'fault'];
  if (pane.attachment.kind !== 'none' && pane.attachment.addr === addr) return ['open here', 'ok'];
  if (console?.addr === addr) return [`open: ${console.holderName ?? 'nobody'} has the keyboard`, 'warn'];
  const left = pane.kept.get(addr)?.leftAt ?? null;
  return left === null ? ['', 'dim'] : [`last seen ${formatClock(left, state.dateAhead, true)}`, 'stale'];
}
