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
  '11': 'f1',
  '12': 'f2',
  '13': 'f3',
  '14': 'f4',
  '15': 'f5',
  '17': 'f6',
  '18': 'f7',
  '19': 'f8',
  '20': 'f9',
  '21': 'f10',
  '23': 'f11',
  '24': 'f12',
  '25': 'f13',
  '26': 'f14',
  '28': 'f15',
  '29': 'f16',
  '31': 'f17',
  '32': 'f18',
  '33': 'f19',
  '34': 'f20',
};

/** The keypad in application mode: ESC O and one of these. */
const KEYPAD: Record<string, string> = {
  p: '0',
  q: '1',
  r: '2',
  s: '3',
  t: '4',
  u: '5',
  v: '6',
  w: '7',
  x: '8',
  y: '9',
  j: '*',
  k: '+',
  l: ',',
  m: '-',
  n: '.',
  o: '/',
  X: '=',
  M: 'enter',
};

/**
 * Decodes a modifier parameter, which is one more than its bits: 0 shift, 1 alt, 2 control. Higher bits (super,
 * locks) name no key here.
 */
export function modifiersOf(parameter: string | undefined): { shift: boolean; alt: boolean; control: boolean } {
  const bits = Math.max(0, Number(parameter ?? '1') - 1);
  return { shift: (bits & 1) !== 0, alt: (bits & 2) !== 0, control: (bits & 4) !== 0 };
}

function prefix(parameter: string | undefined): string {
  const { shift, alt, control } = modifiersOf(parameter);
  return `${control ? 'C-' : ''}${alt ? 'M-' : ''}${shift ? 'S-' : ''}`;
}

/** `[1;5A` → `C-up`, `OP` → `f1`; null for a sequence without a name here (it still goes to a node, byte for byte). */
export function nameOfSequence(sequence: string): string | null {
  if (sequence === '[Z') return 'S-tab';
  const keypad = /^O([jkl-y])$|^O([XM])$/.exec(sequence);
  const pressed = KEYPAD[keypad?.[1] ?? keypad?.[2] ?? ''];
  if (pressed !== undefined) return `kp-${pressed}`;
  const linux = /^\[\[([A-E])$/.exec(sequence)?.[1];
  if (linux !== undefined) return `f${linux.charCodeAt(0) - 0x40}`;
  // After a colon kitty marks a repeated key; a release is no key (see tokenizer.ts).
  const final = /^(?:\[|O)(?:1;(\d{1,3})(?::[12])?)?([A-DHFP-S])$/.exec(sequence);
  if (final?.[2] !== undefined) return prefix(final[1]) + (FINALS[final[2]] ?? '');
  const tilde = /^\[(\d+)(?:;(\d{1,3})(?::[12])?)?~$/.exec(sequence);
  const name = tilde?.[1] === undefined ? undefined : TILDES[tilde[1]];
  return name === undefined ? null : prefix(tilde?.[2]) + name;
}

const KEY_LABELS: Record<string, string> = {
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  home: 'Home',
  end: 'End',
  insert: 'Ins',
  delete: 'Del',
  enter: 'Enter',
  space: 'Space',
  tab: 'Tab',
  escape: 'Esc',
  backspace: 'Backspace',
  pageup: 'PgUp',
  pagedown: 'PgDn',
};

/** Returns a key's label for display: `C-a` → `Ctrl-A`, as its key is printed on the keyboard. */
export function keyLabel(key: string): string {
  const [, modifiers = '', base = key] = /^((?:[CMS]-)*)(.+)$/.exec(key) ?? [];
  const words = modifiers.replace('C-', 'Ctrl-').replace('M-', 'Alt-').replace('S-', 'Shift-');
  const capital = /^f\d+$/.test(base) || (modifiers.includes('C-') && base.length === 1);
  return words + (KEY_LABELS[base] ?? (capital ? base.toUpperCase() : base));
}

const NAMED = new Set([...Object.keys(KEY_LABELS), ...Array.from({ length: 20 }, (_, n) => `f${n + 1}`)]);
const ALSO: Record<string, string> = {
  pgup: 'pageup',
  pgdn: 'pagedown',
  esc: 'escape',
  return: 'enter',
  ins: 'insert',
  del: 'delete',
};
/** Keys named by a word, as users write them. */
export const KEY_WORDS = Array.from(NAMED, (name) => keyLabel(name));
const MODIFIERS: Record<string, 'C' | 'M' | 'S'> = {
  ctrl: 'C',
  control: 'C',
  c: 'C',
  alt: 'M',
  meta: 'M',
  m: 'M',
  shift: 'S',
  s: 'S',
};

/**
 * Parses a key as users write it (`Ctrl-A`, `C-a`, `^A`, `PgUp`, `p`) into the tokenizer's name; null: no terminal
 * sends it so.
 */
export function parseKey(text: string): string | null {
  const given = new Set<'C' | 'M' | 'S'>();
  // As telnet and ssh write it; a caret alone is the character.
  let rest = text.replace(/^\^(?=.$)/u, 'Ctrl-');
  for (;;) {
    const [whole, word = ''] = /^([a-z]+)-(?=.)/i.exec(rest) ?? [];
    const modifier = MODIFIERS[word.toLowerCase()];
    if (whole === undefined || modifier === undefined) break;
    given.add(modifier);
    rest = rest.slice(whole.length);
  }
  const lower = rest.toLowerCase();
  const name = ALSO[lower] ?? (rest === ' ' ? 'space' : lower);
  const [control, alt, shift] = [given.has('C'), given.has('M'), given.has('S')];
  if (NAMED.has(name)) {
    // These are one byte each: with Ctrl or Shift they stay the same, except Shift-Tab.
    if (['enter', 'escape', 'backspace', 'tab', 'space'].includes(name)) {
      if (shift) return name === 'tab' && !control && !alt ? 'S-tab' : null;
      if (control) return name === 'space' && !alt ? 'C-space' : null;
      return alt ? `M-${name}` : name;
    }
    return `${control ? 'C-' : ''}${alt ? 'M-' : ''}${shift ? 'S-' : ''}${name}`;
  }
  // A capital letter is its own key.
  if (Array.from(rest).length !== 1 || shift || /\p{C}/u.test(rest)) return null;
  if (!control) return alt ? `M-${rest}` : rest;
  // Ctrl-I is Tab, Ctrl-M Enter, Ctrl-[ Escape: those have to be given by these names.
  const plain = `C-${lower}`;
  return nameOfControl((lower.codePointAt(0) ?? 0) & 0x1f) === plain ? `${alt ? 'M-' : ''}${plain}` : null;
}
