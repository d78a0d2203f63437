/**
 * The palette of `:`: finds every command, every node of all racks, and plans of several racks by a few letters. A choice presses the command's
 * key, so that there is one way to run it. Pure.
 */
import { didYouMean, wrap } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { CUT, type Frame } from '../canvas/frame.ts';
import { nameOfRack } from '../fleet/racks.ts';
import { viewOnly } from '../keymap/disabled-reasons.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { type Binding, bindingId, bindingOf, bindingsIn, disabledReason, keyNameOf } from '../keymap/lookup.ts';
import { type Effect, step, type Step } from '../model/events.ts';
import type { CommandContext, Context } from '../model/keys.ts';
import { nameOf, type State } from '../model/state.ts';
import { fitOf } from './fuzzy.ts';
import { closed, type KeyPress, type OverlayStep, type OverlayType, type PaintTools, typedInto } from './overlay.ts';

interface Palette {
  kind: 'palette';
  text: string;
  index: number;
  /** Context in which it was opened, whose commands are enabled. */
  from: CommandContext;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    palette: Palette;
  }
}

export const PALETTE: OverlayType<Palette> = {
  kind: 'palette',
  sections: [{ context: 'palette', title: 'Commands and nodes', where: 'in the palette', typed: true }],
  keys: [
    { context: 'palette', keys: ['enter'], command: 'accept', hint: 'run', help: 'run it, as its key does' },
    { context: 'palette', keys: ['down', 'tab'], command: 'down', hint: 'select', help: 'next' },
    { context: 'palette', keys: ['up', 'S-tab'], command: 'up', hint: null, help: 'previous' },
    { context: 'palette', keys: ['escape'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open: (state, from) => step({ ...state, overlay: { kind: 'palette', text: '', index: 0, from } }),
  onKey,
  paint,
};

/** Number of recent choices that are kept to be listed first. */
const RECENT_COMMANDS = 8;

function onKey(state: State, palette: Palette, { name, fleet }: KeyPress): OverlayStep {
  const offers = rankedOffers(state, palette, fleet);
  const at = Math.min(palette.index, Math.max(0, offers.length - 1));
  const become = (changes: Partial<Palette>): Step => step({ ...state, overlay: { ...palette, ...changes } });
  switch (bindingOf(state, 'palette', name)?.command) {
    case 'cancel':
      return step(closed(state));
    case 'down':
      return become({ index: (at + 1) % Math.max(1, offers.length) });
    case 'up':
      return become({ index: (at + offers.length - 1) % Math.max(1, offers.length) });
    case 'accept': {
      const offer = offers[at];
      // A disabled command does nothing; its reason is shown beside it.
      if (offer?.why !== null) return become({});
      const recent = [offer.id, ...state.recent.filter((id) => id !== offer.id)].slice(0, RECENT_COMMANDS);
      const { rack } = offer;
      return { ...step({ ...state, recent, overlay: null }, ...(rack === null ? [] : [rack])), press: offer.press };
    }
    default: {
      const text = typedInto(palette.text, name);
      return text === null ? become({}) : become({ text, index: 0 });
    }
  }
}

interface Offer {
  /** `map power`, `node 03`: kept to list the last choices first. */
  id: string;
  title: string;
  /** Key for display, with the prefix where it needs one. */
  key: string;
  /** Reason why it is disabled now, for display; null: it is enabled. */
  why: string | null;
  /** Keys that run it, by their tokenizer names. */
  press: readonly string[];
  /** A node of another rack, which has no key; otherwise null. */
  rack: Extract<Effect, { do: 'rack' }> | null;
}

interface Ranked extends Offer {
  /** Positions of the typed letters in the title. */
  at: readonly number[];
}

function commandOffers(state: State, from: CommandContext): Offer[] {
  const { bindings, sections } = state.settings.keys;
  const where = (context: Context): string => sections.find((one) => one.context === context)?.where ?? '';
  const prefix = keyNameOf(state, 'console', 'prefix');
  const usable = new Set(bindingsIn(state, from));
  const offer = (binding: Binding): Offer => {
    const { context, keys, help } = binding;
    const [first = ''] = keys;
    return {
      id: bindingId(binding),
      title: help,
      key: context === 'prefix' ? `${keyLabel(prefix)} ${keyLabel(first)}` : keyLabel(first),
      why: usable.has(binding) ? disabledReason(binding, state) : `only ${where(context)}`,
      press: context === 'prefix' ? [prefix, first] : [first],
      rack: null,
    };
  };
  return bindings
    .filter(
      ({ command, context, demo }) => command !== 'palette' && context !== 'palette' && (!demo || state.settings.demo),
    )
    .map(offer);
}

/** Returns nodes by the digits of their address: on the map they jump, at a console they open that node's. */
function nodeOffers(state: State, from: CommandContext): Offer[] {
  const prefix = keyNameOf(state, 'console', 'prefix');
  const atConsole = from === 'prefix' || from === 'look';
  return state.rack.nodes.map(({ addr, role }) => {
    const digits = formatAddress(addr);
    const verb = atConsole ? 'console of ' : '';
    return {
      id: `node ${digits}`,
      title: `${verb}${nameOf(state, addr)} ${formatPosition(addr)} ${digits}${role === null ? '' : ` ${role}`}`,
      key: atConsole ? `${keyLabel(prefix)} ${digits}` : digits,
      why: from === 'left' ? 'only on the map, and at a console after the prefix' : null,
      press: [...(atConsole ? [prefix] : []), ...Array.from(digits)],
      rack: null,
    };
  });
}

/** Returns the nodes of the other racks: their rack is shown at the node; at a console that node's is opened. */
function otherRacksOffers(state: State, from: CommandContext, fleet: readonly State[]): Offer[] {
  const atConsole = from === 'prefix' || from === 'look';
  return fleet
    .filter(({ racks }) => racks.index !== state.racks.index)
    .flatMap((other) =>
      other.rack.nodes.map(({ addr, name, role }): Offer => {
        const digits = formatAddress(addr);
        const title = `${nameOfRack(other)}:${name} ${formatPosition(addr)} ${digits}${role === null ? '' : ` ${role}`}`;
        return {
          id: `node ${nameOfRack(other)}:${digits}`,
          title: `${atConsole ? 'console of ' : ''}${title}`,
          ...{ key: '', why: null, press: [] },
          rack: { do: 'rack', index: other.racks.index, node: { addr, attach: atConsole } },
        };
      }),
    );
}

/** Returns the plans of several racks: the keys of their list open the preview of one. */
function fleetPlanOffers(state: State, from: CommandContext): Offer[] {
  const atConsole = from === 'prefix';
  const way = [
    ...(atConsole ? [keyNameOf(state, 'console', 'prefix')] : []),
    keyNameOf(state, from, 'racks'),
    keyNameOf(state, 'racks', 'fleet-plans'),
  ];
  if (way.includes('')) return [];
  const [down, accept] = [keyNameOf(state, 'fleet-plans', 'down'), keyNameOf(state, 'fleet-plans', 'accept')];
  return (state.racks.fleet?.plans ?? []).map(({ name, order }, index) => ({
    id: `fleet-plan ${name}`,
    title: `plan ${name} of several racks: ${order}`,
    ...{ key: '', why: viewOnly(state), rack: null },
    press: [...way, ...Array.from({ length: index }, () => down), accept],
  }));
}

/** Commands that only move are listed last. */
const MOTION = /^\S+ (?:up|down|left|right)$/;
const RECENCY_WEIGHT = 2;
/** Disabled commands can be found, after enabled ones. */
const CANNOT = 8;

/** Returns the offers that fit the typed text, best first; without text the recent ones, then in the table's order. */
export function rankedOffers(state: State, { text, from }: Palette, fleet: readonly State[] = [state]): Ranked[] {
  const recency = (id: string): number => {
    const at = state.recent.indexOf(id);
    return at < 0 ? 0 : 1 + (state.recent.length - at) / state.recent.length;
  };
  return [
    ...commandOffers(state, from),
    ...fleetPlanOffers(state, from),
    ...nodeOffers(state, from),
    ...otherRacksOffers(state, from, fleet),
  ]
    .flatMap((offer, order) => {
      const inTitle = fitOf(text, offer.title);
      // Also matches the command's own name: "zoom", "quit".
      const fit = inTitle ?? fitOf(text, offer.id);
      if (fit === null) return [];
      const behind = (offer.why === null ? 0 : CANNOT) + (MOTION.test(offer.id) ? 1 : 0);
      const score = fit.score + RECENCY_WEIGHT * recency(offer.id) - behind;
      return [{ offer, order, score, at: inTitle === null ? [] : inTitle.at }];
    })
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map(({ offer, at }) => ({ ...offer, at }));
}

/** Suggests the command or node that was probably meant where nothing matches, as the end of a sentence. */
function suggest(state: State, { text, from }: Palette): string {
  const commands = commandOffers(state, from).map(({ id }) => id.split(' ').at(-1) ?? '');
  return didYouMean(text, [...commands, ...state.rack.nodes.map(({ addr }) => nameOf(state, addr))]);
}

const WIDTH = 96;
const ROWS = 20;

function paint(frame: Frame, state: State, palette: Palette, { g, fleet }: PaintTools): void {
  const offers = rankedOffers(state, palette, fleet);
  const box = paintBox(frame, centred(frame, WIDTH, Math.min(ROWS, frame.rows - 4)), 'commands and nodes', g);
  frame.ground({ x: box.x, y: box.y, width: box.width, height: 1 }, 'field');
  const end = frame.text(box.x + 1, box.y, palette.text, 'text', box.width - 2);
  frame.cursor = { x: end, y: box.y };
  const rows = box.height - 1;
  const at = Math.min(palette.index, Math.max(0, offers.length - 1));
  const from = Math.max(0, Math.min(at - Math.floor(rows / 2), offers.length - rows));
  offers.slice(from, from + rows).forEach((offer, i) => {
    const y = box.y + 1 + i;
    if (from + i === at) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: from + i - at });
    paintOffer(frame, box.x, y, box.width, offer);
  });
  if (offers.length === 0) {
    const none = `no command and no node matches${suggest(state, palette)}`;
    wrap(none, box.width - 2).forEach((line, i) => frame.text(box.x + 1, box.y + 1 + i, line, 'dim'));
  }
}

/** `power menu for the marked nodes …        p`; the typed letters are highlighted. */
function paintOffer(frame: Frame, x: number, y: number, width: number, { title, key, why, at }: Ranked): void {
  const keyRoom = 10;
  const room = width - keyRoom - 1;
  const reason = why === null ? '' : `  ${why}`;
  const ink = why === null ? 'text' : 'dim';
  const letters = Array.from(title).slice(0, room);
  letters.forEach((ch, i) => frame.text(x + i, y, ch, at.includes(i) ? 'key' : ink));
  // The reason of a disabled command takes the place of its title's end.
  const start = Math.max(0, Math.min(letters.length, room - reason.length));
  const seen = reason === '' ? room : start;
  if (seen > 0 && Array.from(title).length > seen) frame.text(x + seen - 1, y, CUT, ink);
  if (reason !== '') frame.text(x + start, y, reason.padEnd(room - start), 'aging', room - start);
  frame.text(x + width - key.length, y, key, why === null ? 'key' : 'dim');
}
