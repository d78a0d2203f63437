/** How a BMC words its replies, in whatever dialect, and what faults do to them. Pure. */
import type { Dialect } from './dialect.ts';
import type { BmcFaults } from './faults.ts';
import type { Random } from './random.ts';

export interface StatusFields {
  addr: number;
  master: boolean;
  /** 0 off, 1 on, 2 disabled. */
  power: number;
  current: number;
  fan: number;
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** `04 ff 1 26 98`: ID MS XX YY ZZ (bus-protocol.md section 4). */
export function statusLine(fields: StatusFields, dialect: Dialect): string {
  const words = [hex(fields.addr), fields.master ? '00' : 'ff', String(fields.power), hex(fields.current)];
  return inCase([...words, hex(fields.fan)].join(' '), dialect);
}

/** The reply to `#`: a UUID. Only `bare` was written down by an owner; a UUID is lower case there. */
export function uidLine(addr: number, uid: string, dialect: Dialect): string {
  const text = {
    bare: `   ${uid}`,
    plain: `${hex(addr)} ${uid}`,
    labelled: `UID ${hex(addr)}: ${uid}`,
    colons: uid.replaceAll('-', '').match(/../g)?.join(':') ?? uid,
  }[dialect.uid];
  return inCase(text, dialect);
}

/** What goes on the wire for a reply: it starts on its own line behind the command's echo. */
export function frame(line: string, dialect: Dialect): string {
  return dialect.newline + ' '.repeat(dialect.spaces) + line + (dialect.finalNewline ? dialect.newline : '');
}

/** Damage: `torn` stops short of the last digit, `garble` turns characters into ones that no reply has. */
export function damage(framed: string, faults: BmcFaults, random: Random): string {
  const whole = faults.torn ? framed.slice(0, Math.floor(random() * (framed.trimEnd().length - 1))) : framed;
  if (faults.garble === 0) return whole;
  return whole.replace(/[^]/g, (char) =>
    random() < faults.garble ? String.fromCharCode(0x80 | (char.charCodeAt(0) ^ 0x15)) : char,
  );
}

function inCase(text: string, dialect: Dialect): string {
  return dialect.upperCase ? text.toUpperCase() : text;
}
