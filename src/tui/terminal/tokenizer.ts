/**
 * Cuts stdin into keys, pastes, mouse reports and answers of the terminal. Pure: bytes in, tokens out; incomplete
 * input stays pending until the caller ends the wait ({@link flush}). Answers of the operator's terminal (device
 * attributes, cursor reports, OSC, DCS, kitty flags) are recognised so that they can be dropped: as typed text they
 * would reach a node, or a dialog.
 */
import { type Pointer, readPointer } from '../console/key-encoding.ts';
import { modifiersOf, nameOfControl, nameOfSequence } from '../keymap/key-names.ts';

/** `name` and the bytes a plain terminal sends for it; none for a key whose sequence follows from its name. */
export interface PlainKey {
  name: string;
  bytes: Uint8Array;
}

/** kitty's numbers for keys that are no characters, from its page "functional key definitions". */
const FUNCTIONAL: Record<number, string> = {
  ...Object.fromEntries(Array.from({ length: 10 }, (_, n) => [57_399 + n, `kp-${n}`])),
  57_409: 'kp-.',
  57_410: 'kp-/',
  57_411: 'kp-*',
  57_412: 'kp--',
  57_413: 'kp-+',
  57_414: 'kp-enter',
  57_415: 'kp-=',
  57_417: 'left',
  57_418: 'right',
  57_419: 'up',
  57_420: 'down',
  57_421: 'pageup',
  57_422: 'pagedown',
  57_423: 'home',
  57_424: 'end',
  57_425: 'insert',
  57_426: 'delete',
  ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [57_376 + n, `f${13 + n}`])),
};

/** The private area of which kitty takes its numbers. */
const PRIVATE = { from: 0xe000, to: 0xf8ff };

/**
 * Decodes a key that a terminal reports by number: xterm's modifyOtherKeys (`CSI 27 ; modifiers ; code ~`) and
 * kitty's protocol (`CSI code ; modifiers u`). rackui does not request them, but an operator's own settings may; so
 * each becomes the key that a plain terminal would have sent, and Ctrl-] is Ctrl-] everywhere. `sequence`: the
 * report without its ESC, `[97;5u`. `silent`: a release, or a modifier by itself, which no plain terminal sends.
 * Null: it is no such report.
 */
function otherKey(sequence: string): PlainKey | 'silent' | null {
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
  // Enter, Tab, Escape, Backspace: with modifiers a plain terminal sends the same byte, except for Shift-Tab.
  if (code === 9 && shift) return { name: 'S-tab', bytes: new TextEncoder().encode('\x1b[Z') };
  if (code < 0x20 || code === 0x7f) return { name: before + nameOfControl(code), bytes: lead(Uint8Array.of(code)) };
  const byte = control ? controlOf(code) : null;
  // Keeps its own name: to a program that reads plain keys Ctrl-I is Tab, but no binding takes it for Tab by
  // surprise.
  if (byte !== null) return { name: before + nameOfControl(byte), bytes: lead(Uint8Array.of(byte)) };
  const text = String.fromCodePoint(shift ? (shifted ?? shiftOf(code)) : code);
  return { name: before + (text === ' ' ? 'space' : text), bytes: lead(new TextEncoder().encode(text)) };
}

/**
 * Shifts a character. Without kitty's own report only letters are known: other keys depend on the keyboard's
 * layout.
 */
function shiftOf(code: number): number {
  const upper = String.fromCodePoint(code).toUpperCase();
  return upper.length === String.fromCodePoint(code).length ? (upper.codePointAt(0) ?? code) : code;
}

/** Returns the control byte of a key, as terminals have them since the VT100; null where there is none. */
function controlOf(code: number): number | null {
  if (code >= 0x61 && code <= 0x7a) return code - 0x60;
  if (code >= 0x40 && code <= 0x5f) return code - 0x40;
  if (code === 0x20 || code === 0x32) return 0;
  if (code >= 0x33 && code <= 0x37) return code - 0x18;
  if (code === 0x2f) return 0x1f;
  return code === 0x3f || code === 0x38 ? 0x7f : null;
}

export type Token =
  /**
   * `bytes` are those of the terminal, or those that a plain one would have sent. Names: the character itself,
   * `enter`, `C-]`, `M-x`, `S-tab`, `up`, `f5`, `kp-7`.
   */
  | { kind: 'key'; name: string; bytes: Uint8Array }
  /** A bracketed paste's content. */
  | { kind: 'paste'; bytes: Uint8Array }
  /** In SGR's form; one in the old form, which is never requested, is a reply. Cells of the operator's terminal. */
  | { kind: 'mouse'; pointer: Pointer; bytes: Uint8Array }
  | { kind: 'focus'; focused: boolean; bytes: Uint8Array }
  | { kind: 'reply'; bytes: Uint8Array };

export interface Tokenizer {
  /** Bytes of a token that is not complete yet. */
  pending: Uint8Array;
  /** Content of an open bracketed paste, or null outside one. */
  paste: Uint8Array | null;
}

export const emptyTokenizer: Tokenizer = { pending: new Uint8Array(), paste: null };

/**
 * Time after which a lone ESC becomes the Escape key, ms: a sequence's bytes arrive together, also over a bad
 * connection.
 */
export const ESCAPE_MS = 50;

/** Most bytes of a string sequence (OSC, DCS): a longer one is no answer of a terminal, and is dropped like one. */
const STRING_LIMIT = 65_536;

const ESC = 0x1b;
const PASTE_END = [ESC, 0x5b, 0x32, 0x30, 0x31, 0x7e];

/** One piece of input: its length and its token; null when more bytes are needed. */
type Piece = { length: number; token: Token | 'paste-start' } | null;

export function tokenize(state: Tokenizer, chunk: Uint8Array): { state: Tokenizer; tokens: Token[] } {
  const tokens: Token[] = [];
  let bytes = concat(state.pending, chunk);
  let paste = state.paste;
  for (;;) {
    if (paste !== null) {
      const end = indexOf(bytes, PASTE_END);
      if (end < 0) {
        // The chunk may end within the end mark: a possible beginning of it waits.
        const keep = partialSuffix(bytes, PASTE_END);
        paste = concat(paste, bytes.subarray(0, bytes.length - keep));
        return { state: { pending: bytes.slice(bytes.length - keep), paste }, tokens };
      }
      tokens.push({ kind: 'paste', bytes: concat(paste, bytes.subarray(0, end)) });
      paste = null;
      bytes = bytes.subarray(end + PASTE_END.length);
      continue;
    }
    const piece = nextPiece(bytes);
    if (piece === null) return { state: { pending: bytes.slice(), paste: null }, tokens };
    if (piece.token === 'paste-start') paste = new Uint8Array();
    else tokens.push(piece.token);
    bytes = bytes.subarray(piece.length);
  }
}

/** Ends the wait after {@link ESCAPE_MS}: the pending bytes are taken as an Escape key and single bytes. */
export function flush(state: Tokenizer): { state: Tokenizer; tokens: Token[] } {
  if (state.paste !== null || state.pending.length === 0) return { state, tokens: [] };
  const [first, ...rest] = state.pending;
  if (first !== ESC) {
    // The beginning of a UTF-8 character that was never completed.
    return { state: emptyTokenizer, tokens: [] };
  }
  // An unterminated string, or half a CSI, was not typed.
  if (rest.length > 1) return { state: emptyTokenizer, tokens: [{ kind: 'reply', bytes: state.pending }] };
  const [second] = rest;
  const token: Token =
    second === undefined
      ? { kind: 'key', name: 'escape', bytes: state.pending }
      : { kind: 'key', name: `M-${String.fromCharCode(second)}`, bytes: state.pending };
  return { state: emptyTokenizer, tokens: [token] };
}

function nextPiece(bytes: Uint8Array): Piece {
  const first = bytes[0];
  if (first === undefined) return null;
  if (first === ESC) return escapePiece(bytes);
  if (first < 0x20 || first === 0x7f) return key(bytes, 1, nameOfControl(first));
  return characterPiece(bytes, 0, '');
}

/** Reads a printable character, `lead` bytes in: UTF-8, or a lone byte where it is not. */
function characterPiece(bytes: Uint8Array, lead: number, prefix: string): Piece {
  const first = bytes[lead] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  const available = bytes.subarray(lead, lead + length);
  const broken = available.findIndex((byte, i) => i > 0 && (byte & 0xc0) !== 0x80);
  if (broken > 0) return key(bytes, lead + broken, `${prefix}\ufffd`);
  if (available.length < length) return null;
  if (first === 0x20) return key(bytes, lead + 1, `${prefix}space`);
  return key(bytes, lead + length, prefix + new TextDecoder().decode(available));
}

function escapePiece(bytes: Uint8Array): Piece {
  const second = bytes[1];
  if (second === undefined) return null;
  if (second === ESC) return key(bytes, 1, 'escape');
  switch (String.fromCharCode(second)) {
    case '[':
      return csiPiece(bytes);
    case 'O':
      if (bytes[2] === undefined) return null;
      return key(bytes, 3, nameOfSequence(`O${String.fromCharCode(bytes[2])}`) ?? 'unknown');
    case ']':
      return stringPiece(bytes, true);
    case 'P':
    case '_':
    case '^':
    case 'X':
      return stringPiece(bytes, false);
  }
  if (second < 0x20 || second === 0x7f) return key(bytes, 2, `M-${nameOfControl(second)}`);
  return characterPiece(bytes, 1, 'M-');
}

/** Reads OSC, DCS, APC, PM or SOS: up to ST, an OSC also up to BEL. Only terminals send these. */
function stringPiece(bytes: Uint8Array, bell: boolean): Piece {
  for (let i = 2; i < bytes.length; i += 1) {
    if (bell && bytes[i] === 0x07) return reply(bytes, i + 1);
    if (bytes[i] === ESC && bytes[i + 1] === 0x5c) return reply(bytes, i + 2);
  }
  return bytes.length > STRING_LIMIT ? reply(bytes, bytes.length) : null;
}

function csiPiece(bytes: Uint8Array): Piece {
  // The Linux console's function keys: ESC [ [ A.
  if (bytes[2] === 0x5b) {
    if (bytes[3] === undefined) return null;
    return key(bytes, 4, nameOfSequence(`[[${String.fromCharCode(bytes[3])}`) ?? 'unknown');
  }
  let end = 2;
  while (end < bytes.length && (bytes[end] ?? 0) >= 0x20 && (bytes[end] ?? 0) < 0x40) end += 1;
  const final = bytes[end];
  if (final === undefined) return bytes.length > STRING_LIMIT ? reply(bytes, bytes.length) : null;
  // A byte that no sequence contains: the bytes before it were not one.
  if (final < 0x40 || final > 0x7e) return reply(bytes, end);
  const body = String.fromCharCode(...bytes.subarray(2, end + 1));
  if (body === '200~') return { length: end + 1, token: 'paste-start' };
  // The old mouse report has three bytes after its M.
  if (body === 'M') return bytes.length < end + 4 ? null : reply(bytes, end + 4);
  const pointer = readPointer(body);
  if (pointer !== null) return whole(bytes, end + 1, (sent) => ({ kind: 'mouse', pointer, bytes: sent }));
  if (body === 'I' || body === 'O')
    return whole(bytes, end + 1, (sent) => ({ kind: 'focus', focused: body === 'I', bytes: sent }));
  if (isReply(body)) return reply(bytes, end + 1);
  const other = otherKey(`[${body}`);
  if (other === 'silent') return reply(bytes, end + 1);
  if (other !== null) {
    const plain = other.bytes.length > 0 ? other.bytes : bytes.slice(0, end + 1);
    return { length: end + 1, token: { kind: 'key', name: other.name, bytes: plain } };
  }
  return key(bytes, end + 1, nameOfSequence(`[${body}`) ?? 'unknown');
}

/** Recognises reports by their shape. A modified F3 is `1;2R` to `1;8R`, which no requested cursor report would be. */
function isReply(body: string): boolean {
  if (/^[?<>=]/.test(body)) return true;
  if (/^1;[2-8]R$/.test(body)) return false;
  return /^(?:\d+;\d+R|\d*n|[\d;]*t|[\d;]*\$y|[\d;]*c|201~)$/.test(body);
}

function key(bytes: Uint8Array, length: number, name: string): Piece {
  return { length, token: { kind: 'key', name, bytes: bytes.slice(0, length) } };
}

function reply(bytes: Uint8Array, length: number): Piece {
  return whole(bytes, length, (sent) => ({ kind: 'reply', bytes: sent }));
}

function whole(bytes: Uint8Array, length: number, token: (sent: Uint8Array) => Token): Piece {
  return { length, token: token(bytes.slice(0, length)) };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function indexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let i = 0; i + wanted.length <= bytes.length; i += 1) if (wanted.every((w, j) => bytes[i + j] === w)) return i;
  return -1;
}

/** Returns the length of the longest end of `bytes` that is a beginning of `wanted`. */
function partialSuffix(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let n = Math.min(bytes.length, wanted.length - 1); n > 0; n -= 1) {
    if (wanted.slice(0, n).every((w, j) => bytes[bytes.length - n + j] === w)) return n;
  }
  return 0;
}
