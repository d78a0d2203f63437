/** Names of keys, as the bindings use them. Sequences are those of xterm, the Linux console and rxvt. */

const CONTROLS: Record<number, string> = {
  0x00: 'C-space',
  0x09: 'tab',
  0x0d: 'enter',
  0x1b: 'escape',
  0x1c: 'C-\\',
  0x1d: 'C-]',
  0x1e: 'C-^',
  0x1f: 'C-_',
  0x7f: 'backspace',
};

/** 0x07 → `C-g`. */
export function nameOfControl(byte: number): string {
  return CONTROLS[byte] ?? `C-${String.fromCharCode(byte + 0x60)}`;
}

const FINALS: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
};

const TILDES: Record<string, string> = {
  '1': 'home',
  '2': 'insert',
  '3': 'delete',
  '4': 'end',
  '5': 'pageup',
  '6': 'pagedown',
  '7': 'home',
  '8': 'end',
};

/** Modifier parameter minus one: bit 0 shift, bit 1 alt, bit 2 control. */
function prefix(parameter: string | undefined): string {
  const bits = Math.max(0, Number(parameter ?? '1') - 1);
  return `${(bits & 4) !== 0 ? 'C-' : ''}${(bits & 2) !== 0 ? 'M-' : ''}${(bits & 1) !== 0 ? 'S-' : ''}`;
}

/** `[1;5A` → `C-up`, `OP` → `f1`; null for what has no name here (it still goes to a node, byte for byte). */
export function nameOfSequence(sequence: string): string | null {
  if (sequence === '[Z') return 'S-tab';
  const final = /^(?:\[|O)(?:1;(\d))?([A-DHFP-S])$/.exec(sequence);
  if (final?.[2] !== undefined) return prefix(final[1]) + (FINALS[final[2]] ?? '');
  const tilde = /^\[(\d+)(?:;(\d))?~$/.exec(sequence);
  const name = tilde?.[1] === undefined ? undefined : TILDES[tilde[1]];
  return name === undefined ? null : prefix(tilde?.[2]) + name;
}
