/** Who is at the console, the keyboard handed over, and a note into its log. Pure. */
import { silenceText } from '../../api/methods.ts';
import { bindingOf, keyOf } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';

export interface Person {
  session: number;
  /** `anna from 10.0.0.7 (interface), silent for 14 s`: as their programs report it. */
  name: string;
  types: boolean;
  here: boolean;
}

/** Who types first, then those who watch. */
export function peopleAt({ console, sessions, session, now }: State): Person[] {
  if (console === null) return [];
  const ids = [...(console.holder === null ? [] : [console.holder]), ...console.watchers];
  return ids.map((id) => {
    const one = sessions.find((known) => known.id === id);
    const who = one?.who;
    const from = who?.from == null ? '' : ` from ${who.from}`;
    const silence = one === undefined || one.silentSince === null ? '' : `, ${silenceText(one.silentSince, now)}`;
    const name = who === undefined ? `session ${id}` : `${who.user}${from} (${who.program})${silence}`;
    return { session: id, name, types: id === console.holder, here: id === session };
  });
}

export function keyInPeople(state: State, list: Extract<Overlay, { kind: 'people' }>, name: string): Step {
  const people = peopleAt(state);
  const at = Math.min(list.index, Math.max(0, people.length - 1));
  const closed: State = { ...state, overlay: null };
  switch (bindingOf(state, 'people', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...list, index: (at + 1) % Math.max(1, people.length) } });
    case 'up':
      return step({ ...state, overlay: { ...list, index: (at + people.length - 1) % Math.max(1, people.length) } });
    case 'accept': {
      const chosen = people[at];
      if (chosen === undefined || chosen.here) return step(closed);
      if (state.console?.holder !== state.session)
        return step(
          withNotice(
            closed,
            'info',
            `only who types can hand the keyboard over; ${keyOf(state, 'prefix', 'take')} takes it`,
          ),
        );
      return step(closed, { do: 'give', session: chosen.session });
    }
    case 'cancel':
      return step(closed);
    default:
      return step(state);
  }
}

/** What the server takes of a note, characters. */
const NOTE_LENGTH = 200;

export function keyInNote(state: State, note: Extract<Overlay, { kind: 'note' }>, name: string): Step {
  const closed: State = { ...state, overlay: null };
  switch (bindingOf(state, 'note', name)?.command) {
    case 'accept':
      return note.text.trim() === '' ? step(closed) : step(closed, { do: 'note', text: note.text.trim() });
    case 'cancel':
      return step(closed);
    default: {
      const ch = name === 'space' ? ' ' : name;
      const text =
        name === 'backspace' ? note.text.slice(0, -1) : Array.from(ch).length === 1 ? note.text + ch : note.text;
      return step({ ...state, overlay: { ...note, text: text.slice(0, NOTE_LENGTH) } });
    }
  }
}
