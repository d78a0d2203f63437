/**
 * The last screen of a console that is not open here: which of them is shown, how old it is, and why there is none.
 */
import type { Address } from '../../rack/address.ts';
import type { Span } from '../canvas/frame.ts';
import { formatAge, formatClock } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';
import { noLastScreen } from './last-screen.ts';
import type { ScreenPicture, Screens } from './pane.ts';

export interface LastScreenShown {
  picture: ScreenPicture;
  at: number;
  from: 'open' | 'closed' | 'log';
  why: string | null;
}

/**
 * Beside the map the server's, which knows what others did there since; in the pane itself the one that was left here,
 * because it has its scrollback. Each where there is not the other.
 */
export function lastScreenIn(state: State, addr: Address, screens: Screens): LastScreenShown | null {
  const { answer } = state.last;
  const kept = state.pane.kept.get(addr);
  const own = screens(addr);
  const left: LastScreenShown | null =
    own === null ? null : { picture: own, at: kept?.leftAt ?? state.now, from: 'closed', why: kept?.why ?? null };
  const seen = answer?.addr === addr ? answer.seen : null;
  const picture = seen === null ? null : screens(addr, 'last');
  const told: LastScreenShown | null = seen === null || picture === null ? null : { picture, ...seen };
  return state.focus === 'map' ? (told ?? left) : (left ?? told);
}

/** `last seen 12m ago, 14:03:05: bob detached`. */
export function agesOf(state: State, addr: Address, { at, from, why }: LastScreenShown): Span[] {
  const age = formatAge(Math.max(0, state.now - at));
  const clock = formatClock(at, state.dateAhead, true);
  switch (from) {
    case 'open': {
      const who = state.console?.addr === addr ? (state.console.holderName ?? 'nobody') : 'somebody';
      return [[`${who} types there, seen ${age} ago `, 'warn']];
    }
    case 'closed':
      return [[`last seen ${age} ago, ${clock}${why === null ? '' : `: ${why}`} `, 'stale']];
    case 'log':
      return [[`last seen ${age} ago, ${clock}, by its log `, 'stale']];
  }
}

/** Words in place of a screen. */
export function whyNone(state: State, addr: Address): string[] {
  const none = noLastScreen(state, addr);
  if (none !== null) return addr === state.bus.master ? [none, 'Enter on another node opens that one’s here.'] : [none];
  const { answer, failed } = state.last;
  const opens = 'Enter opens its console here.';
  if (failed !== null) return [`Its last screen is not to be had: ${failed}.`, opens];
  if (answer?.addr === addr && answer.seen === null)
    return ['Its console was never open: there is no screen of it.', opens];
  return [opens];
}
