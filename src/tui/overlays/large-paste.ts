/** Asks before more than a kilobyte is pasted into a console. Pure. */
import type { Address } from '../../rack/address.ts';
import type { Frame } from '../canvas/frame.ts';
import { longPaste } from '../console/paste.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Shown } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools, seenLongEnough, wholeShown } from './overlay.ts';
import { paintQuestion } from './question.ts';

interface LargePaste {
  kind: 'paste';
  id: number;
  addr: Address;
  bytes: Uint8Array;
  /** Number of Ctrl-G that were removed. */
  removed: number;
  shown: Shown;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    paste: LargePaste;
  }
}

export const LARGE_PASTE: OverlayType<LargePaste> = {
  kind: 'paste',
  sections: [],
  keys: [],
  onKey,
  paint,
  ...wholeShown<LargePaste>(),
};

function onKey(state: State, { addr, bytes, shown }: LargePaste, { name, burst }: KeyPress): Step {
  if ((name !== 'y' && name !== 'l') || burst !== 1 || !seenLongEnough(shown, state.now))
    return step(withNotice(closed(state), 'info', 'nothing was pasted'));
  // The console may have been lost while the question was shown.
  const { attachment } = state.pane;
  if (attachment.kind !== 'joined' || attachment.role !== 'types' || attachment.addr !== addr)
    return step(withNotice(closed(state), 'warning', 'nothing was pasted: you no longer have the keyboard there'));
  return longPaste(closed(state), addr, bytes, name === 'l');
}

function paint(frame: Frame, state: State, { addr, bytes, removed }: LargePaste, { g }: PaintTools): void {
  const without = removed === 0 ? '' : ` ${removed} × Ctrl-G (0x07) was removed: it would close the pipe.`;
  const seconds = Math.ceil((bytes.length * 2) / 1000);
  const text = `Paste ${bytes.length} bytes into ${nameOf(state, addr)}? It takes ${seconds} s at the pace that loses nothing.${without}`;
  paintQuestion(frame, 'a large paste', text, 'y', 'paste', g, [
    ['l', 'key'],
    [' line by line, for a slow program   ', 'text'],
  ]);
}
