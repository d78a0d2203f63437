/**
 * Encodes keys, mouse and focus in the modes of the node's program. The operator's terminal may be in any mode and
 * of any make: its input has become a name, and the name becomes xterm's sequence in the node's modes. A program
 * that did not request mouse or focus reports gets none. Pure.
 */
import type { MouseEncoding } from '../../console/emulator.ts';

export interface KeyModes {
  applicationCursor: boolean;
  applicationKeypad: boolean;
}

const CURSOR: Record<string, string> = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' };
const F1_TO_4: Record<string, string> = { f1: 'P', f2: 'Q', f3: 'R', f4: 'S' };
/** Number before the tilde, as on the VT220; xterm's F13 and on are its shifted keys. */
const TILDE: Record<string, number> = {
  insert: 2,
  delete: 3,
  pageup: 5,
  pagedown: 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24,
  f13: 25,
  f14: 26,
  f15: 28,
  f16: 29,
  f17: 31,
  f18: 32,
  f19: 33,
  f20: 34,
};
/** Keypad keys by their label: final byte in application mode. */
const KEYPAD: Record<string, string> = {
  '0': 'p',
  '1': 'q',
  '2': 'r',
  '3': 's',
  '4': 't',
  '5': 'u',
  '6': 'v',
  '7': 'w',
  '8': 'x',
  '9': 'y',
  '*': 'j',
  '+': 'k',
  ',': 'l',
  '-': 'm',
  '.': 'n',
  '/': 'o',
  '=': 'X',
  enter: 'M',
};

/** Returns bytes for the node: the sequence of the key's name where it has one, otherwise the bytes as received. */
export function keyForNode(name: string, bytes: Uint8Array, modes: KeyModes): Uint8Array {
  const sequence = sequenceOf(name, modes);
  return sequence === null ? bytes : new TextEncoder().encode(sequence);
}

function sequenceOf(name: string, { applicationCursor, applicationKeypad }: KeyModes): string | null {
  const keypad = /^kp-(.+)$/.exec(name)?.[1];
  if (keypad !== undefined) {
    const final = KEYPAD[keypad];
    if (final === undefined) return null;
    return applicationKeypad ? `\x1bO${final}` : keypad === 'enter' ? '\r' : keypad;
  }
  const [, modifiers = '', base = ''] = /^((?:[CMS]-)*)(.+)$/.exec(name) ?? [];
  if (base === 'tab' && modifiers === 'S-') return '\x1b[Z';
  const bits =
    (modifiers.includes('S-') ? 1 : 0) | (modifiers.includes('M-') ? 2 : 0) | (modifiers.includes('C-') ? 4 : 0);
  const cursor = CURSOR[base];
  if (cursor !== undefined) {
    if (bits > 0) return `\x1b[1;${bits + 1}${cursor}`;
    return `\x1b${applicationCursor ? 'O' : '['}${cursor}`;
  }
  const pf = F1_TO_4[base];
  if (pf !== undefined) return bits > 0 ? `\x1b[1;${bits + 1}${pf}` : `\x1bO${pf}`;
  const tilde = TILDE[base];
  return tilde === undefined ? null : `\x1b[${tilde}${bits > 0 ? `;${bits + 1}` : ''}~`;
}

/** A mouse report. `x` and `y` are cells from 0 at the top left. */
export interface Pointer {
  action: 'press' | 'release' | 'move';
  /** The wheel is only pressed. `none`: moved without a button. */
  button: 'left' | 'middle' | 'right' | 'none' | 'wheel-up' | 'wheel-down' | 'wheel-left' | 'wheel-right';
  x: number;
  y: number;
  shift: boolean;
  alt: boolean;
  control: boolean;
}

/** xterm's modes 9, 1000, 1002 and 1003, by the emulator's names; 1006, or the form before it; 1004. */
export interface PointerModes {
  tracking: 'none' | 'x10' | 'vt200' | 'drag' | 'any';
  encoding: MouseEncoding;
  focus: boolean;
}

/** By the low bits of a report's number; 64 is added for the wheel, 32 for a move. */
const BUTTONS = ['left', 'middle', 'right', 'none'] as const;
const WHEEL = ['wheel-up', 'wheel-down', 'wheel-left', 'wheel-right'] as const;
const MOVED = 32;
const WHEELED = 64;
const SHIFT = 4;
const ALT = 8;
const CONTROL = 16;
/** Highest number in the old form, which has one byte a number, from 32 on. */
const OLD_MOST = 223;

/** Parses a report in SGR's form without its ESC [ (`<0;10;5M`); null: not one. */
export function readPointer(body: string): Pointer | null {
  const [, number, x, y, final] = /^<(\d{1,3});(\d{1,5});(\d{1,5})([Mm])$/.exec(body) ?? [];
  if (number === undefined) return null;
  const code = Number(number);
  const wheeled = (code & WHEELED) !== 0;
  const button = (wheeled ? WHEEL : BUTTONS)[code & 3] ?? 'none';
  return {
    action: (code & MOVED) !== 0 ? 'move' : final === 'm' ? 'release' : 'press',
    button,
    x: Math.max(0, Number(x) - 1),
    y: Math.max(0, Number(y) - 1),
    shift: (code & SHIFT) !== 0,
    alt: (code & ALT) !== 0,
    control: (code & CONTROL) !== 0,
  };
}

/** Returns bytes for the node; null where its program did not request this report. Never holds 0x07. */
export function pointerForNode(pointer: Pointer, { tracking, encoding }: PointerModes): Uint8Array | null {
  const wheeled = pointer.button.startsWith('wheel');
  switch (tracking) {
    case 'none':
      return null;
    case 'x10':
      if (pointer.action !== 'press' || wheeled) return null;
      return encoded({ ...pointer, shift: false, alt: false, control: false }, encoding);
    case 'vt200':
      return pointer.action === 'move' ? null : encoded(pointer, encoding);
    case 'drag':
      return pointer.action === 'move' && pointer.button === 'none' ? null : encoded(pointer, encoding);
    case 'any':
      return encoded(pointer, encoding);
  }
}

export function focusForNode(focused: boolean, { focus }: PointerModes): Uint8Array | null {
  return focus ? new TextEncoder().encode(focused ? '\x1b[I' : '\x1b[O') : null;
}

function encoded(pointer: Pointer, encoding: MouseEncoding): Uint8Array | null {
  const { action, button, x, y } = pointer;
  const wheel = WHEEL.findIndex((name) => name === button);
  const number = wheel < 0 ? BUTTONS.findIndex((name) => name === button) : WHEELED + wheel;
  const more =
    (action === 'move' ? MOVED : 0) +
    (pointer.shift ? SHIFT : 0) +
    (pointer.alt ? ALT : 0) +
    (pointer.control ? CONTROL : 0);
  if (encoding === 'sgr')
    return new TextEncoder().encode(`\x1b[<${number + more};${x + 1};${y + 1}${action === 'release' ? 'm' : 'M'}`);
  if (x >= OLD_MOST || y >= OLD_MOST) return null;
  // The old form does not name the button that was released.
  const old = (action === 'release' ? BUTTONS.indexOf('none') : number) + more;
  return Uint8Array.of(0x1b, 0x5b, 0x4d, 32 + old, 33 + x, 33 + y);
}
