/** The list of consoles: typed letters narrow it, Enter opens. Pure. */
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { attachTo } from '../console/attach.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';

type List = Extract<Overlay, { kind: 'consoles' }>;

/** The nodes that the typed text leaves: a part of name, address or position. The master's has none. */
export function listedConsoles(state: State, text: string): Address[] {
  const wanted = text.toLowerCase();
  return state.rack.nodes
    .map(({ addr }) => addr)
    .filter((addr) => addr !== state.bus.master)
    .filter((addr) =>
      [nameOf(state, addr), formatAddress(addr), formatPosition(addr)].some((one) =>
        one.toLowerCase().includes(wanted),
      ),
    );
}

/** Opens on the console before this one, so that the list and Enter go back and forth. */
export function openConsoles(state: State): Step {
  const { previous, shown } = state.pane;
  const at = listedConsoles(state, '').indexOf(previous ?? shown ?? state.cursor);
  return step({ ...state, overlay: { kind: 'consoles', text: '', index: Math.max(0, at) } });
}

export function keyInConsoles(state: State, list: List, name: string): Step {
  const listed = listedConsoles(state, list.text);
  const at = Math.min(list.index, Math.max(0, listed.length - 1));
  switch (bindingOf(state, 'consoles', name)?.command) {
    case 'cancel':
      return step({ ...state, overlay: null });
    case 'accept': {
      const addr = listed[at];
      return addr === undefined ? step(state) : attachTo({ ...state, overlay: null }, addr);
    }
    case 'down':
      return step({ ...state, overlay: { ...list, index: (at + 1) % Math.max(1, listed.length) } });
    case 'up':
      return step({ ...state, overlay: { ...list, index: (at + listed.length - 1) % Math.max(1, listed.length) } });
    default: {
      const typed = name === 'backspace' || Array.from(name).length === 1;
      const text = name === 'backspace' ? list.text.slice(0, -1) : list.text + name;
      return typed ? step({ ...state, overlay: { kind: 'consoles', text, index: 0 } }) : step(state);
    }
  }
}
