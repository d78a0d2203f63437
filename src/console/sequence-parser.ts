/**
 * Splits a node's bytes into text, controls and whole control sequences (ECMA-48), in pieces split anywhere. Bytes
 * that are no UTF-8 are left out, in any place. Memory is bounded: a sequence that is too long is dropped up to
 * its end, a string without an end is abandoned.
 */
import { isUtf8 } from 'node:buffer';

/** Maximum bytes of `ESC [ …` before its final byte: enough for 32 parameters. */
const CSI_LIMIT = 512;
/** Kept bytes of an OSC, DCS, APC, PM or SOS: systemd's OSC 3008 has 400, hyperlinks up to 2 083. */
const STRING_LIMIT = 4_096;
/** Bytes after which a string has lost its end: 6 s of a line at 115 200 baud. */
const STRING_GIVEN_UP = 65_536;

const ESC = 0x1b;
const CAN = 0x18;
const SUB = 0x1a;
const BEL = 0x07;
const DEL = 0x7f;
const OSC = 0x5d;
const INTRODUCERS: ReadonlySet<number> = new Set(Buffer.from(']P^_X', 'latin1'));

export interface SequenceHandlers {
  /** Whole printable characters in UTF-8. */
  text(bytes: Uint8Array): void;
  /** A C0 control other than ESC, or DEL. */
  control(byte: number): void;
  /** `ESC`, intermediates, final byte. */
  escape(intermediates: string, final: string): void;
  /** `ESC [`, parameters and intermediates unchanged, final byte. */
  csi(parameters: string, final: string): void;
  /** `ESC`, introducer, payload; a string whose payload is too long is left out. */
  string(introducer: string, payload: Uint8Array): void;
}

type State = 'ground' | 'escape' | 'csi' | 'string';

export class SequenceParser {
  readonly #handlers: SequenceHandlers;
  #state: State = 'ground';
  /** Bytes of the current sequence. */
  #held: number[] = [];
  /** Bytes of an incomplete character. */
  #half: Uint8Array = new Uint8Array();
  /** Length of the current sequence, dropped bytes included. */
  #length = 0;

  constructor(handlers: SequenceHandlers) {
    this.#handlers = handlers;
  }

  /** Bytes taken and not passed on yet; another parser that is fed them first continues from here. */
  get pending(): Uint8Array {
    return Uint8Array.from([...this.#held, ...this.#half]);
  }

  feed(piece: Uint8Array): void {
    const all = this.#half.length > 0 ? Buffer.concat([this.#half, piece]) : piece;
    const whole = wholeCharacters(all);
    this.#half = Uint8Array.from(all.subarray(whole));
    const bytes = wellFormed(all.subarray(0, whole));
    for (let i = 0; i < bytes.length;) i = this.#state === 'ground' ? this.#ground(bytes, i) : this.#step(bytes, i);
  }

  /** Reads up to the next sequence; returns its index. */
  #ground(bytes: Uint8Array, from: number): number {
    let end = from;
    for (; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0;
      if (byte < 0x20 || byte === DEL || isC1(bytes, end)) break;
    }
    if (end > from) this.#handlers.text(bytes.subarray(from, end));
    if (end === bytes.length) return end;
    const byte = bytes[end] ?? 0;
    if (byte === ESC) return this.#begin('escape', [ESC], end + 1);
    if (byte < 0x20 || byte === DEL) {
      this.#handlers.control(byte);
      return end + 1;
    }
    // U+0080 to U+009F are the same as ESC and the letter 0x40 below.
    this.#begin('escape', [ESC], end);
    this.#escape((bytes[end + 1] ?? 0) - 0x40);
    return end + 2;
  }

  #begin(state: State, held: number[], next: number): number {
    this.#state = state;
    this.#held = held;
    this.#length = held.length;
    return next;
  }

  #end(): void {
    this.#state = 'ground';
    this.#held = [];
  }

  /** Reads one byte of a sequence; returns the index to continue at. */
  #step(bytes: Uint8Array, i: number): number {
    const byte = bytes[i] ?? 0;
    if (this.#state === 'string') return this.#inString(bytes, i);
    if (byte === ESC) return this.#begin('escape', [ESC], i + 1);
    if (byte === CAN || byte === SUB || isC1(bytes, i)) {
      // The sequence is abandoned, and the byte is read as any other.
      this.#end();
      return i;
    }
    if (byte >= 0x80) {
      // No sequence has such a character: it ends with it, as in any emulator.
      this.#end();
      return i + lengthOf(byte);
    }
    if (byte < 0x20) this.#handlers.control(byte);
    else if (byte === DEL) return i + 1;
    else if (this.#state === 'escape') this.#escape(byte);
    else this.#csi(byte);
    return i + 1;
  }

  #escape(byte: number): void {
    if (this.#held.length === 1 && byte === 0x5b) this.#state = 'csi';
    else if (this.#held.length === 1 && INTRODUCERS.has(byte)) this.#state = 'string';
    else if (byte >= 0x30) {
      const intermediates = textOf(this.#held, 1);
      const dropped = this.#dropped(CSI_LIMIT);
      this.#end();
      if (!dropped) this.#handlers.escape(intermediates, String.fromCharCode(byte));
      return;
    }
    this.#hold(byte, CSI_LIMIT);
  }

  #csi(byte: number): void {
    if (byte < 0x40) {
      this.#hold(byte, CSI_LIMIT);
      return;
    }
    const parameters = textOf(this.#held, 2);
    const dropped = this.#dropped(CSI_LIMIT);
    this.#end();
    if (!dropped) this.#handlers.csi(parameters, String.fromCharCode(byte));
  }

  #inString(bytes: Uint8Array, i: number): number {
    const byte = bytes[i] ?? 0;
    const c1 = this.#held.at(-1) === 0xc2 && byte >= 0x80 && byte < 0xa0;
    // BEL ends an OSC only.
    if (byte === ESC || (c1 && byte === 0x9c) || (byte === BEL && this.#held[1] === OSC)) {
      const introducer = String.fromCharCode(this.#held[1] ?? 0);
      const payload = Uint8Array.from(this.#held.slice(2, c1 ? -1 : undefined));
      const dropped = this.#dropped(STRING_LIMIT);
      this.#end();
      if (!dropped) this.#handlers.string(introducer, payload);
      // ESC \ ends the string; ESC and another byte begin the next sequence.
      return byte === ESC ? this.#begin('escape', [ESC], i + 1) : i + 1;
    }
    if (byte === CAN || byte === SUB) {
      this.#end();
      return i;
    }
    if (c1) {
      this.#end();
      this.#begin('escape', [ESC], i);
      this.#escape(byte - 0x40);
      return i + 1;
    }
    this.#hold(byte, STRING_LIMIT);
    if (this.#length > STRING_GIVEN_UP) this.#end();
    return i + 1;
  }

  /** Keeps a byte; beyond the limit only the beginning, so that {@link pending} still tells the kind of sequence. */
  #hold(byte: number, limit: number): void {
    this.#length++;
    if (this.#length <= limit) this.#held.push(byte);
    else this.#held.length = Math.min(this.#held.length, 2);
  }

  #dropped(limit: number): boolean {
    return this.#length > limit;
  }
}

function isC1(bytes: Uint8Array, i: number): boolean {
  const next = bytes[i + 1] ?? 0;
  return bytes[i] === 0xc2 && next >= 0x80 && next < 0xa0;
}

/** Bytes of the character that begins with this one; 1: none does. */
function lengthOf(byte: number): number {
  return byte < 0xc0 || byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
}

/** Index behind the last whole UTF-8 character; invalid bytes count as whole. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    return lengthOf(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Returns the bytes without those that belong to no character. */
function wellFormed(bytes: Uint8Array): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  const kept: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const length = lengthOf(bytes[i] ?? 0);
    const character = bytes.subarray(i, i + length);
    if (isUtf8(character)) kept.push(...character);
    // What breaks a character off is read for itself.
    const broken = character.subarray(1).findIndex((byte) => (byte & 0xc0) !== 0x80);
    i += broken < 0 ? character.length : broken + 1;
  }
  return Uint8Array.from(kept);
}

function textOf(bytes: readonly number[], from: number): string {
  return String.fromCharCode(...bytes.slice(from));
}
