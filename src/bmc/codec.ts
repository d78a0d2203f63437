/**
 * Encodes and parses the BIOS's single-character commands and its status line (bus-protocol sections 3 and 4). Pure.
 *
 * Forms that bus-protocol leaves open (brackets in the echo, line endings, leading spaces, a final newline) are all
 * accepted; what it fixes (two digits for ID, MS, YY and ZZ) is demanded, because a reply that lost one character
 * must not parse: `04 ff 1 2 98` is a torn `04 ff 1 26 98`, not a current of 2.
 */
import { type Address, formatAddress } from '../rack/address.ts';
import type { Power } from '../rack/reading.ts';
import { BAUD_CODE, type BmcVerb, type ConsoleBaud } from './types.ts';

/** Closes the pipe, and with it the console. Only `transport.ts` may put it on the line. */
export const CLOSE_PIPE = 0x07;
export const ENTER = 0x0d;

/** The documented unlock string (grade D/V); it is in EEPROM, so a rack may have another. */
export const DEFAULT_UNLOCK = 'UnLockMe';

export const STATUS_REQUEST = '=';

/** Length of a status line whose fields stand one blank apart; none is shorter. */
export const SHORTEST_STATUS = '00 00 0 00 00'.length;

/** Decodes bytes, one character each. */
export function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}

/** `[hh]|`; the brackets clear the input register, so that no stale digit names another node. */
export function openPipe(address: Address): string {
  return `[${formatAddress(address)}]|`;
}

/** `[bb]~`, to be sent through an open pipe. */
export function openConsole(baud: ConsoleBaud): string {
  return `[${formatAddress(BAUD_CODE[baud])}]~`;
}

export function verbByte(verb: BmcVerb): string {
  return verb === 'on' ? '/' : '\\';
}

/** A parsed status line. `master`: MS is 00. Current and fan in counts, 0 to 255. */
export interface StatusLine {
  id: Address;
  master: boolean;
  power: Power;
  current: number;
  fan: number;
}

const POWER: readonly Power[] = ['off', 'on', 'disabled'];

// Not glued to a letter or digit, which might be a part of it that was damaged; XX may carry a leading zero, nothing
// else may vary.
const STATUS =
  /(?<![0-9a-z])([0-9a-f]{2})[ \t]+(00|ff)[ \t]+0?([012])[ \t]+([0-9a-f]{2})[ \t]+([0-9a-f]{2})(?=(\s)|$)/gi;

export interface StatusMatch {
  status: StatusLine;
  /** Index behind the line, its terminator excluded. */
  end: number;
  /** True when white space follows; without it, a further digit could still show the line to be noise. */
  terminated: boolean;
}

/** Finds every status line in the text, in order. */
export function findStatusLines(text: string): StatusMatch[] {
  const found: StatusMatch[] = [];
  STATUS.lastIndex = 0;
  for (let match = STATUS.exec(text); match !== null; match = STATUS.exec(text)) {
    found.push({
      status: {
        id: Number.parseInt(match[1] ?? '', 16),
        master: match[2] === '00',
        power: POWER[Number(match[3])] ?? 'disabled',
        current: Number.parseInt(match[4] ?? '', 16),
        fan: Number.parseInt(match[5] ?? '', 16),
      },
      end: match.index + match[0].length,
      terminated: match[6] !== undefined,
    });
  }
  return found;
}

/**
 * Returns the index behind the echo of a status request, or -1. Through a fresh pipe the echo carries the address
 * (`04|=`, perhaps with its brackets); inside an open pipe, and at the master, it is a bare `=`.
 */
export function endOfEcho(text: string, address: Address | null): number {
  // Read at each piece of each reply.
  if (address === null) return text.indexOf('=') + 1 || -1;
  let pattern = ECHOES.get(address);
  if (pattern === undefined)
    ECHOES.set(address, (pattern = new RegExp(`\\[?${formatAddress(address)}\\]?\\s*\\|\\s*=`, 'i')));
  const match = pattern.exec(text);
  return match ? match.index + match[0].length : -1;
}

const ECHOES = new Map<Address, RegExp>();

/**
 * Returns the index behind the master's own echo of `[hh]|`, or -1. Where no BMC is at the other end, only this echo
 * comes back.
 */
export function endOfPipeEcho(text: string, address: Address): number {
  const match = new RegExp(`^\\s*\\[?${formatAddress(address)}\\]?\\s*\\|`, 'i').exec(text);
  return match ? match[0].length : -1;
}

/**
 * `matches`: the text is, or may still grow into, the echo of `[bb]~`; `end`: index behind it. A line end behind the
 * echo may be the node's own, so it is not part of it.
 */
export function consoleEcho(text: string, baud: ConsoleBaud): { matches: boolean; complete: boolean; end: number } {
  const code = formatAddress(BAUD_CODE[baud]);
  const full = new RegExp(`^\\s*\\[?${code}\\]?\\s*~`).exec(text);
  if (full) return { matches: true, complete: true, end: full[0].length };
  const bare = text.replace(/^\s+/, '');
  const partial = [`[${code}]~`, `${code}~`].some((echo) => echo.startsWith(bare));
  return { matches: partial, complete: false, end: 0 };
}

const UUID = /(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])/i;
/** Maximum length of a UID in an undocumented form, characters. */
const UID_LIMIT = 80;

/** True when the text holds a whole UUID and ends with a line end. */
export function endsInUuid(text: string): boolean {
  return /[\r\n]\s*$/.test(text) && UUID.test(text);
}

/**
 * Extracts the board's identity from a reply to `#`: the UUID in lower case, whatever text is around it; any other
 * text whole, without echo and control characters. Null: empty reply.
 */
export function parseUid(reply: string): string | null {
  const uuid = UUID.exec(reply)?.[0];
  if (uuid !== undefined) return uuid.toLowerCase();
  const text = reply
    .replace(/^\s*#/, '')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text === '' ? null : text.slice(0, UID_LIMIT);
}

/** Characters that a BIOS would execute. An unlock string must hold none, for it may reach an unlocked bus. */
export const BIOS_COMMANDS = /[=#/\\[\]|~\x07]/;
