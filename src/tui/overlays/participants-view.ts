/** Who is at the console. */
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { keyOf } from '../keymap/lookup.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { peopleAt } from './participants.ts';

export function paintPeople(frame: Frame, state: State, list: Extract<Overlay, { kind: 'people' }>, g: Glyphs): void {
  const people = peopleAt(state);
  const box = paintBox(frame, centred(frame, 66, people.length + 4), 'at this console', g);
  const index = Math.min(list.index, Math.max(0, people.length - 1));
  people.slice(0, box.height - 2).forEach(({ name, types, here }, i) => {
    frame.spans(
      box.x,
      box.y + i,
      [
        [types ? 'types    ' : 'watches  ', types ? 'ok' : 'dim'],
        [`${name}${here ? ', you' : ''}`, 'text'],
      ],
      box.width,
    );
    const row = { x: box.x, y: box.y + i, width: box.width, height: 1 };
    if (i === index) frame.ground(row, 'selected');
    // The keyboard is handed over by a key: a second click may have been meant for another row.
    else frame.target(row, { rows: i - index });
  });
  const types = state.console?.holder === state.session;
  frame.text(
    box.x,
    box.y + box.height - 1,
    types ? 'Enter hands the keyboard to the chosen one' : `${keyOf(state, 'prefix', 'take')} takes the keyboard`,
    'dim',
    box.width,
  );
}
