/**
 * What the palette of `:` offers: every command and every node, with its key, and why it cannot be used now. Pure.
 */
import { didYouMean } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { type Binding, bindingId, bindingsWith, type Context, disabledReason, keyNameOf } from '../keymap/lookup.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { fitOf } from './fuzzy.ts';

/** Where the palette was opened: its commands are the ones that can be used. */
export type PaletteContext = 'map' | 'prefix' | 'left' | 'look';

export interface Offer {
  /** `map power`, `node 03`: remembered, so that what was used last stands first. */
  id: string;
  title: string;
  /** As people call it; behind the prefix with it. */
  key: string;
  /** Why it cannot be used now, for people; null: it can. */
  why: string | null;
  /** Keys that do it, as the tokenizer names them. */
  press: readonly string[];
}

export interface Ranked extends Offer {
  /** Places of the typed letters in the title. */
  at: readonly number[];
}

/** Places in words, for commands that work elsewhere than here. */
export const WHERE: Record<Context, string> = {
  map: 'on the map',
  console: 'at a console',
  prefix: 'at a console, behind the prefix',
  left: 'at a console that was left',
  look: 'in copy mode',
  'look-search': 'in a search of copy mode',
  filter: 'while a filter is typed',
  palette: 'in this list',
  consoles: 'in the list of consoles',
  people: 'in the list of who is here',
  note: 'while a note is typed',
  help: 'in the help',
  menu: 'in the power menu',
  operations: 'in the operations panel',
  alarms: 'in the list of alarms',
  bus: 'in the bus pane',
  supply: 'in the supply pane',
  emergency: 'in the emergency panel',
  armed: 'at an armed plan',
  'plan-run': 'at a running plan',
  racks: 'in the overview of racks',
};

function commandOffers(state: State, from: PaletteContext): Offer[] {
  const all = bindingsWith(state.settings.keys);
  const prefix = keyNameOf(state, 'console', 'prefix');
  const offer = (binding: Binding): Offer => {
    const { context, keys, help } = binding;
    const [first = ''] = keys;
    return {
      id: bindingId(binding),
      title: help,
      key: context === 'prefix' ? `${keyLabel(prefix)} ${keyLabel(first)}` : keyLabel(first),
      why: context === from ? disabledReason(binding, state) : `only ${WHERE[context]}`,
      press: context === 'prefix' ? [prefix, first] : [first],
    };
  };
  return all
    .filter(
      ({ command, context, demo }) => command !== 'palette' && context !== 'palette' && (!demo || state.settings.demo),
    )
    .map(offer);
}

/** Nodes by the digits of their address: on the map they jump, at a console they go to that node's. */
function nodeOffers(state: State, from: PaletteContext): Offer[] {
  const prefix = keyNameOf(state, 'console', 'prefix');
  const atConsole = from === 'prefix' || from === 'look';
  return state.rack.nodes.map(({ addr, role }) => {
    const digits = formatAddress(addr);
    const verb = atConsole ? 'console of ' : '';
    return {
      id: `node ${digits}`,
      title: `${verb}${nameOf(state, addr)} ${formatPosition(addr)} ${digits}${role === null ? '' : ` ${role}`}`,
      key: atConsole ? `${keyLabel(prefix)} ${digits}` : digits,
      why: from === 'left' ? 'only on the map, and at a console behind the prefix' : null,
      press: [...(atConsole ? [prefix] : []), ...Array.from(digits)],
    };
  });
}

/** Moving is done by its key: nobody looks for it here. */
const MOTION = /^\S+ (?:up|down|left|right)$/;
const RECENCY_WEIGHT = 2;
/** What cannot be used now stays to be found, behind what can. */
const CANNOT = 8;

/** The offers that fit what was typed, best first; with nothing typed the last used ones, then in the table's order. */
export function rankedOffers(state: State, { text, from }: Extract<Overlay, { kind: 'palette' }>): Ranked[] {
  const recency = (id: string): number => {
    const at = state.recent.indexOf(id);
    return at < 0 ? 0 : 1 + (state.recent.length - at) / state.recent.length;
  };
  return [...commandOffers(state, from), ...nodeOffers(state, from)]
    .flatMap((offer, order) => {
      const inTitle = fitOf(text, offer.title);
      // By the command's own name too: "zoom", "quit".
      const fit = inTitle ?? fitOf(text, offer.id);
      if (fit === null) return [];
      const behind = (offer.why === null ? 0 : CANNOT) + (MOTION.test(offer.id) ? 1 : 0);
      const score = fit.score + RECENCY_WEIGHT * recency(offer.id) - behind;
      return [{ offer, order, score, at: inTitle === null ? [] : inTitle.at }];
    })
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map(({ offer, at }) => ({ ...offer, at }));
}

/** For letters that nothing has: the command or node that was probably meant, as the end of a sentence. */
export function offerMeant(state: State, { text, from }: Extract<Overlay, { kind: 'palette' }>): string {
  const commands = commandOffers(state, from).map(({ id }) => id.split(' ').at(-1) ?? '');
  return didYouMean(text, [...commands, ...state.rack.nodes.map(({ addr }) => nameOf(state, addr))]);
}
