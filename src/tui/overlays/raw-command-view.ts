/** The lines of the bus pane for bytes by hand: what is typed for whom, what must be confirmed, what came back. */
import { spellBytes } from '../../lib/control-chars.ts';
import { wrap } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { nodeLabel } from '../../rack/inventory.ts';
import type { Frame, Rect } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { ByHand } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { targetName } from './raw-command.ts';

/** Paints them at the bottom of `box`; returns how many lines they take. */
export function paintByHand(frame: Frame, box: Rect, state: State, hand: ByHand, g: Glyphs): number {
  if (hand.is === 'idle' && hand.said === null) return 0;
  const told = wordsFor(state, hand, g);
  const words = wrap(g.plain ? told.replaceAll('’', "'") : told, box.width);
  const field = hand.is === 'typing' || hand.is === 'confirming';
  const height = Math.min(box.height, 1 + words.length + (field ? 1 : 0));
  const top = box.y + box.height - height;
  for (let x = box.x; x < box.x + box.width; x++) frame.put(x, top, g.box.h, 'border');
  const ink = hand.is === 'confirming' ? 'danger' : hand.is === 'idle' && hand.said?.ok === false ? 'warn' : 'text';
  words.slice(-(height - (field ? 2 : 1))).forEach((line, i) => frame.text(box.x, top + 1 + i, line, ink, box.width));
  if (!field) return height;
  const typed = hand.is === 'typing' ? spellBytes(hand.text, g.plain) : hand.field;
  const end = frame.spans(box.x, top + height - 1, [
    [hand.is === 'typing' ? '> ' : `type ${targetName(state, hand.target)} and Enter: `, 'key'],
    [typed, 'text'],
  ]);
  frame.cursor = { x: end, y: top + height - 1 };
  return height;
}

function wordsFor(state: State, hand: ByHand, g: Glyphs): string {
  switch (hand.is) {
    case 'idle':
      return spellBytes((hand.said?.text ?? '').replaceAll('’', "'"), g.plain);
    case 'typing':
      return `Bytes by hand for the BIOS of ${who(state, hand.target)}, after its identity proof; then the pipe is closed and the bus asked. Ctrl-G is ^G. Enter sends, Esc leaves.`;
    case 'confirming':
      return `${spellBytes(hand.text, g.plain)} to ${who(state, hand.target)}: ${hand.why}`;
    case 'sent':
      return `${spellBytes(hand.text, g.plain)} is on its way to ${who(state, hand.target)}.`;
  }
}

function who(state: State, target: Address | null): string {
  if (target === null) return 'the master';
  return nodeLabel({ name: targetName(state, target), addr: target });
}
