/** A note for the console's log, typed in the footer. Pure. */
import type { Frame, Rect } from '../canvas/frame.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType } from './overlay.ts';

interface NoteLine {
  kind: 'note';
  text: string;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    note: NoteLine;
  }
}

export const NOTE: OverlayType<NoteLine> = {
  kind: 'note',
  sections: [{ context: 'note', title: 'Note', where: 'in a note', typed: true }],
  keys: [
    { context: 'note', keys: ['enter'], command: 'accept', hint: 'write', help: 'write it into the log' },
    { context: 'note', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'cancel' },
  ],
  open: (state) => step({ ...state, overlay: { kind: 'note', text: '' } }),
  onKey,
  paintFooter,
};

/** Most characters of a note in this interface. */
const NOTE_LENGTH = 200;

function onKey(state: State, note: NoteLine, { name }: KeyPress): Step {
  switch (bindingOf(state, 'note', name)?.command) {
    case 'accept':
      return note.text.trim() === ''
        ? step(closed(state))
        : step(closed(state), { do: 'note', text: note.text.trim() });
    case 'cancel':
      return step(closed(state));
    default: {
      const ch = name === 'space' ? ' ' : name;
      const text =
        name === 'backspace' ? note.text.slice(0, -1) : Array.from(ch).length === 1 ? note.text + ch : note.text;
      return step({ ...state, overlay: { ...note, text: text.slice(0, NOTE_LENGTH) } });
    }
  }
}

function paintFooter(frame: Frame, footer: Rect, _state: State, { text }: NoteLine): void {
  frame.clear(footer, 'bar');
  const at = frame.spans(1, footer.y, [
    ['note for the log: ', 'key'],
    [text, 'text'],
  ]);
  frame.cursor = { x: at, y: footer.y };
}
