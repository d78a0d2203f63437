/** The power menu: selects a verb for the marked nodes or one. Pure. */
import { centred, paintBox } from '../../canvas/box.ts';
import type { Frame } from '../../canvas/frame.ts';
import { bindingOf } from '../../keymap/lookup.ts';
import { step, type Step } from '../../model/events.ts';
import type { Targets } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from '../overlay.ts';
import { outsideLines } from './dialog-view.ts';
import { openPowerDialog } from './dialog.ts';
import { VERBS } from './rules.ts';

interface PowerMenu {
  kind: 'menu';
  targets: Targets;
  index: number;
}

declare module '../../model/overlays.ts' {
  interface OverlayStates {
    menu: PowerMenu;
  }
}

export const POWER_MENU: OverlayType<PowerMenu> = {
  kind: 'menu',
  sections: [
    {
      context: 'menu',
      title: 'Power menu',
      where: 'in the power menu',
      reserved: [[new RegExp(`^[${VERBS.map(({ key }) => key).join('')}]$`), 'is a verb of the menu']],
    },
  ],
  keys: [
    { context: 'menu', keys: ['down', 'j'], command: 'down', hint: 'select', help: 'next' },
    { context: 'menu', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous' },
    { context: 'menu', keys: ['enter'], command: 'accept', hint: 'open', help: 'open its dialog' },
    { context: 'menu', keys: ['escape', 'q', 'p'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  onKey,
  paint,
};

export function openPowerMenu(state: State, targets: Targets): Step {
  return step({ ...state, overlay: { kind: 'menu', targets, index: 0 } });
}

function onKey(state: State, overlay: PowerMenu, { name }: KeyPress): Step {
  const chosen = VERBS.find(({ key }) => key === name);
  if (chosen !== undefined) return openPowerDialog(state, overlay.targets, chosen.verb);
  const at = overlay.index;
  switch (bindingOf(state, 'menu', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...overlay, index: (at + 1) % VERBS.length } });
    case 'up':
      return step({ ...state, overlay: { ...overlay, index: (at + VERBS.length - 1) % VERBS.length } });
    case 'accept': {
      const verb = VERBS[at]?.verb;
      return verb === undefined ? step(state) : openPowerDialog(state, overlay.targets, verb);
    }
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

function paint(frame: Frame, state: State, { targets, index }: PowerMenu, { g }: PaintTools): void {
  const outside = outsideLines(state, targets.nodes, 62);
  const title =
    targets.nodes.length === 1 ? `power: ${targets.label}` : `power: ${targets.label}, ${targets.nodes.length} nodes`;
  const box = paintBox(frame, centred(frame, 66, VERBS.length + outside.length + 2), title, g);
  outside.forEach((line, i) => frame.spans(box.x, box.y + VERBS.length + i, line, box.width));
  VERBS.forEach(({ verb, key, label, about }, i) => {
    const row = { x: box.x - 1, y: box.y + i, width: box.width + 2, height: 1 };
    frame.target(row, { rows: i - index });
    if (i === index) frame.ground(row, 'selected');
    frame.spans(
      box.x,
      box.y + i,
      [
        [`${key}  `, 'key'],
        [label.padEnd(13), verb.startsWith('force') ? 'fault' : 'text'],
        [about, 'dim'],
      ],
      box.width,
    );
  });
}
