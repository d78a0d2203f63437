/** Asks before the console of another operator is closed to open one here. Pure. */
import { type ConsoleState, silenceText } from '../../api/methods.ts';
import { type Address, formatPosition } from '../../rack/address.ts';
import type { Frame } from '../canvas/frame.ts';
import { attachTo } from '../console/attach.ts';
import { step, type Step } from '../model/events.ts';
import type { Shown } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { closed, type OverlayType, type PaintTools, seenLongEnough, wholeShown } from './overlay.ts';
import { paintQuestion } from './question.ts';

interface Takeover {
  kind: 'takeover';
  id: number;
  /** The node whose console is requested. */
  addr: Address;
  /** The console that another operator has open. */
  console: ConsoleState;
  shown: Shown;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    takeover: Takeover;
  }
}

export const TAKEOVER: OverlayType<Takeover> = {
  kind: 'takeover',
  sections: [],
  keys: [],
  onKey: (state, question, { name, burst }) =>
    name === 't' && burst === 1 && seenLongEnough(question.shown, state.now)
      ? take(state, question)
      : step(closed(state)),
  paint,
  ...wholeShown<Takeover>(),
};

function take(before: State, { addr }: Takeover): Step {
  const { state, effects } = attachTo(closed(before), addr);
  return step(state, ...effects.map((effect) => (effect.do === 'attach' ? { ...effect, take: true } : effect)));
}

function paint(frame: Frame, state: State, { addr: wanted, console }: Takeover, { g }: PaintTools): void {
  const { holderName, holderSilentSince, addr } = console;
  const who = holderName ?? 'somebody';
  const silence = silenceText(holderSilentSince, state.now);
  const frozen = silence === '' ? '' : ` Its program has been ${silence}: it is stopped or disconnected.`;
  const text = `${who} types on ${nameOf(state, addr)} (${formatPosition(addr)}).${frozen} A bus has one console at a time: opening ${nameOf(state, wanted)} closes it for ${who}, who sees that you did it.`;
  paintQuestion(frame, 'the console is in use', text, 't', 'take it', g);
}
