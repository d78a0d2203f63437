/** Lists the sessions at the console, and transfers the keyboard. Pure. */
import { silenceText } from '../../api/methods.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame } from '../canvas/frame.ts';
import { bindingOf, keyOf } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

interface ParticipantList {
  kind: 'people';
  index: number;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    people: ParticipantList;
  }
}

export const PARTICIPANTS: OverlayType<ParticipantList> = {
  kind: 'people',
  sections: [{ context: 'people', title: 'Participants of a console', where: 'in the list of participants' }],
  keys: [
    { context: 'people', keys: ['down', 'j', 'tab'], command: 'down', hint: 'select', help: 'next' },
    { context: 'people', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous' },
    { context: 'people', keys: ['enter'], command: 'accept', hint: 'transfer', help: 'transfer the keyboard' },
    { context: 'people', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open: (state) => step({ ...state, overlay: { kind: 'people', index: 0 } }),
  onKey,
  paint,
};

interface Participant {
  session: number;
  /** `anna from 10.0.0.7 (interface), silent for 14 s`: as their programs report it. */
  name: string;
  types: boolean;
  here: boolean;
}

/** Returns the participants: the typing one first, then the watching ones. */
function participantsAt({ console, sessions, session, now }: State): Participant[] {
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

function onKey(state: State, list: ParticipantList, { name }: KeyPress): Step {
  const participants = participantsAt(state);
  const at = Math.min(list.index, Math.max(0, participants.length - 1));
  switch (bindingOf(state, 'people', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...list, index: (at + 1) % Math.max(1, participants.length) } });
    case 'up':
      return step({
        ...state,
        overlay: { ...list, index: (at + participants.length - 1) % Math.max(1, participants.length) },
      });
    case 'accept': {
      const chosen = participants[at];
      if (chosen === undefined || chosen.here) return step(closed(state));
      if (state.console?.holder !== state.session)
        return step(
          withNotice(
            closed(state),
            'info',
            `only the session with the keyboard can transfer it; ${keyOf(state, 'prefix', 'take')} takes it`,
          ),
        );
      return step(closed(state), { do: 'give', session: chosen.session });
    }
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

function paint(frame: Frame, state: State, list: ParticipantList, { g }: PaintTools): void {
  const participants = participantsAt(state);
  const box = paintBox(frame, centred(frame, 66, participants.length + 4), 'participants', g);
  const index = Math.min(list.index, Math.max(0, participants.length - 1));
  participants.slice(0, box.height - 2).forEach(({ name, types, here }, i) => {
    frame.spans(
      box.x,
      box.y + i,
      [
        [types ? 'keyboard ' : 'watches  ', types ? 'ok' : 'dim'],
        [`${name}${here ? ', you' : ''}`, 'text'],
      ],
      box.width,
    );
    const row = { x: box.x, y: box.y + i, width: box.width, height: 1 };
    if (i === index) frame.ground(row, 'selected');
    // A key transfers the keyboard: a second click may be for another row.
    else frame.target(row, { rows: i - index });
  });
  const types = state.console?.holder === state.session;
  frame.text(
    box.x,
    box.y + box.height - 1,
    types ? 'Enter transfers the keyboard to the selected one' : `${keyOf(state, 'prefix', 'take')} takes the keyboard`,
    'dim',
    box.width,
  );
}
