/**
 * Keys in the form that the node's program asked for. The operator's terminal may be in any mode and of any make: what
 * it sent has become a name, and the name becomes xterm's sequence in the node's modes. Pure.
 */

export interface KeyModes {
  applicationCursor: boolean;
  applicationKeypad: boolean;
}

const CURSOR: Record<string, string> = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' };
const F1_TO_4: Record<string, string> = { f1: 'P', f2: 'Q', f3: 'R', f4: 'S' };
/** Number before the tilde, as the VT220 had them; xterm's F13 and on are its shifted ones. */
const TILDE: Record<string, number> = {
  ...{ insert: 2, delete: 3, pageup: 5, pagedown: 6 },
  ...{ f5: 15, f6: 17, f7: 18, f8: 19, f9: 20, f10: 21, f11: 23, f12: 24 },
  ...{ f13: 25, f14: 26, f15: 28, f16: 29, f17: 31, f18: 32, f19: 33, f20: 34 },
};
/** Keypad keys by what stands on them: final byte in application mode. */
const KEYPAD: Record<string, string> = {
  ...{ '0': 'p', '1': 'q', '2': 'r', '3': 's', '4': 't', '5': 'u', '6': 'v', '7': 'w', '8': 'x', '9': 'y' },
  ...{ '*': 'j', '+': 'k', ',': 'l', '-': 'm', '.': 'n', '/': 'o', '=': 'X', enter: 'M' },
};

/** Bytes for the node: from the key's name where it has a sequence, else as they came. */
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
