/**
 * Mouse and focus: what the operator's terminal reports, and the same as the node's program asked for it. A program that
 * asked for nothing gets nothing. Pure.
 */
import type { MouseEncoding } from '../console/node-modes.ts';

/** A mouse report. `x` and `y` are cells from 0 at the top left. */
export interface Pointer {
  action: 'press' | 'release' | 'move';
  /** The wheel is pressed only. `none`: moved without a button. */
  button: 'left' | 'middle' | 'right' | 'none' | 'wheel-up' | 'wheel-down' | 'wheel-left' | 'wheel-right';
  x: number;
  y: number;
  shift: boolean;
  alt: boolean;
  control: boolean;
}

/** xterm's modes 9, 1000, 1002 and 1003, in the emulator's words; 1006, or the form before it; 1004. */
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
/** The old form has one byte a number, from 32 on: what lies beyond cannot be said in it. */
const OLD_MOST = 223;

/** What stands behind ESC [ of a report in SGR's form (`<0;10;5M`); null: it is none. */
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

/** Bytes for the node; null where its program does not want to know of this. Never holds 0x07. */
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
  // Which button was let go the old form does not tell.
  const old = (action === 'release' ? BUTTONS.indexOf('none') : number) + more;
  return Uint8Array.of(0x1b, 0x5b, 0x4d, 32 + old, 33 + x, 33 + y);
}
