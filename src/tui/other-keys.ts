/**
 * Keys that a terminal reports by number: xterm's modifyOtherKeys (`CSI 27 ; modifiers ; code ~`) and kitty's protocol
 * (`CSI code ; modifiers u`). Nobody asked for them here, but an operator's own settings may; so each becomes the key
 * that a plain terminal would have sent, and Ctrl-] is Ctrl-] everywhere. Pure.
 */
import { modifiersOf, nameOfControl } from './key-names.ts';

/** `name` and the bytes a plain terminal sends for it; none for a key whose sequence follows from its name. */
export interface PlainKey {
  name: string;
  bytes: Uint8Array;
}

/** kitty's numbers for keys that are no characters, from its page "functional key definitions". */
const FUNCTIONAL: Record<number, string> = {
  ...Object.fromEntries(Array.from({ length: 10 }, (_, n) => [57_399 + n, `kp-${n}`])),
  ...{
    57_409: 'kp-.',
    57_410: 'kp-/',
    57_411: 'kp-*',
    57_412: 'kp--',
    57_413: 'kp-+',
    57_414: 'kp-enter',
    57_415: 'kp-=',
  },
  ...{ 57_417: 'left', 57_418: 'right', 57_419: 'up', 57_420: 'down', 57_421: 'pageup', 57_422: 'pagedown' },
  ...{ 57_423: 'home', 57_424: 'end', 57_425: 'insert', 57_426: 'delete' },
  ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [57_376 + n, `f${13 + n}`])),
};

/** The private area of which kitty takes its numbers. */
const PRIVATE = { from: 0xe000, to: 0xf8ff };

/**
 * A report (what stands behind ESC, `[97;5u`) as the key it means. `silent`: a release, or a modifier by itself, which
 * no plain terminal sends. Null: it is no such report.
 */
export function otherKey(sequence: string): PlainKey | 'silent' | null {
  const xterm = /^\[27;(\d{1,3});(\d{1,7})~$/.exec(sequence);
  if (xterm) return plainKey(Number(xterm[2]), xterm[1], null);
  const kitty = /^\[(\d{1,7})(?::(\d{0,7}))?(?::\d{0,7})?(?:;(\d{1,3})?(?::(\d))?)?(?:;[\d:]*)?u$/.exec(sequence);
  if (kitty) {
    if (kitty[4] === '3') return 'silent';
    return plainKey(Number(kitty[1]), kitty[3], kitty[2] ? Number(kitty[2]) : null);
  }
  // A release of a key that has a sequence of its own: `[1;1:3A`.
  return /^\[\d+;\d+:3[A-Z~]$/.test(sequence) ? 'silent' : null;
}

function plainKey(code: number, modifiers: string | undefined, shifted: number | null): PlainKey | 'silent' {
  const { shift, alt, control } = modifiersOf(modifiers);
  const functional = FUNCTIONAL[code];
  const lead = (bytes: Uint8Array): Uint8Array => (alt ? Uint8Array.of(0x1b, ...bytes) : bytes);
  if (functional !== undefined) {
    const prefix = functional.startsWith('kp-') ? '' : `${control ? 'C-' : ''}${alt ? 'M-' : ''}${shift ? 'S-' : ''}`;
    return { name: prefix + functional, bytes: new Uint8Array() };
  }
  if (code > 0x10ffff || (code >= PRIVATE.from && code <= PRIVATE.to)) return 'silent';
  const before = alt ? 'M-' : '';
  // Enter, Tab, Escape, Backspace: with modifiers a plain terminal sends the same byte, but for Shift-Tab.
  if (code === 9 && shift) return { name: 'S-tab', bytes: new TextEncoder().encode('\x1b[Z') };
  if (code < 0x20 || code === 0x7f) return { name: before + nameOfControl(code), bytes: lead(Uint8Array.of(code)) };
  const byte = control ? controlOf(code) : null;
  // Under its own name: to a program that reads plain keys Ctrl-I is Tab, but no binding takes it for one by surprise.
  if (byte !== null) return { name: before + nameOfControl(byte), bytes: lead(Uint8Array.of(byte)) };
  const text = String.fromCodePoint(shift ? (shifted ?? shiftOf(code)) : code);
  return { name: before + (text === ' ' ? 'space' : text), bytes: lead(new TextEncoder().encode(text)) };
}

/** Without kitty's own word for it only letters are known: what else Shift makes is the keyboard's secret. */
function shiftOf(code: number): number {
  const upper = String.fromCodePoint(code).toUpperCase();
  return upper.length === String.fromCodePoint(code).length ? (upper.codePointAt(0) ?? code) : code;
}

/** The control byte of a key, as terminals have them since the VT100; null where there is none. */
function controlOf(code: number): number | null {
  if (code >= 0x61 && code <= 0x7a) return code - 0x60;
  if (code >= 0x40 && code <= 0x5f) return code - 0x40;
  if (code === 0x20 || code === 0x32) return 0;
  if (code >= 0x33 && code <= 0x37) return code - 0x18;
  if (code === 0x2f) return 0x1f;
  return code === 0x3f || code === 0x38 ? 0x7f : null;
}
