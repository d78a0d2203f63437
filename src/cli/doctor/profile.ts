/** The bus profile: what this bus turned out to do where the vendor's documents are silent. Pure. */
import type { BusSurvey } from '../../api/bus.ts';
import { formatAddress } from '../../rack/address.ts';
import { spellBytes } from '../../api/spell-bytes.ts';
import { count } from '../../lib/words.ts';

export interface BusProfileReport {
  echo: 'none' | 'bare' | 'with brackets' | 'unknown';
  lineEnd: 'CR LF' | 'LF' | 'CR' | 'mixed' | 'unknown';
  leadingSpaces: number;
  /** Whether the status line ends in a line end. */
  finalLineEnd: boolean | null;
  hexDigits: 'lower case' | 'upper case' | 'unknown';
  verbEcho: boolean | null;
  /** What comes back for ^G, with no pipe open and with one; as `spellBytes` writes it. */
  closeIdle: string;
  closeInPipe: string;
  uid: string;
  /** Readings whose ZZ was four times YY, of so many that can tell. */
  fan: BusSurvey['fan'];
  /** From the end of the question to the end of the reply, less the bytes' own time on the line, ms. */
  turnaroundMs: number | null;
  /** The replies themselves, byte for byte. */
  raw: Record<'master' | 'pipe' | 'status' | 'uid', string>;
}

/** 115200 8N1. */
const BYTE_MS = 10_000 / 115_200;
const STATUS = /([ \t]*)([0-9a-f]{2} (?:00|ff) 0?[012] [0-9a-f]{2} [0-9a-f]{2})([\r\n]*)/i;

export function profileOf({ forms, verbEcho, medianMs, fan }: BusSurvey): BusProfileReport {
  const { master, pipe, status, uid, idleClose, pipeClose, node } = forms;
  const replies = [master, status];
  const match = replies.map((text) => STATUS.exec(text)).find((found) => found !== null);
  const digits = replies.join('').replace(/[^A-Fa-f]/g, '');
  // `[04]|` `=` and the reply: what the exchange cost on the line itself.
  const bytes = 6 + pipe.length + status.length;
  return {
    echo: echoOf(pipe, node, status),
    lineEnd: lineEndOf(replies.join('')),
    leadingSpaces: match?.[1]?.length ?? 0,
    finalLineEnd: match ? match[3] !== '' : null,
    hexDigits: digits === '' ? 'unknown' : digits === digits.toLowerCase() ? 'lower case' : 'upper case',
    verbEcho,
    closeIdle: spellBytes(idleClose),
    closeInPipe: spellBytes(pipeClose),
    uid: spellBytes(uid),
    fan,
    turnaroundMs: medianMs === null || node === null ? null : Math.max(0, round(medianMs - bytes * BYTE_MS)),
    raw: { master: spellBytes(master), pipe: spellBytes(pipe), status: spellBytes(status), uid: spellBytes(uid) },
  };
}

export function profileLines(profile: BusProfileReport): string[] {
  const came = (text: string): string => (text === '' ? 'nothing' : text);
  const { echo, lineEnd, leadingSpaces, finalLineEnd, hexDigits, verbEcho, turnaroundMs } = profile;
  return [
    `echo               ${echo}`,
    `line end           ${lineEnd}${finalLineEnd === false ? ', none behind the status line' : ''}`,
    `spaces ahead       ${leadingSpaces}`,
    `hex digits         ${hexDigits}`,
    `echo of / and \\    ${verbEcho === null ? 'not seen: no verb was sent since the server started' : verbEcho ? 'yes' : 'no'}`,
    `^G, no pipe open   ${came(profile.closeIdle)}`,
    `^G, pipe open      ${came(profile.closeInPipe)}`,
    `UID (#)            ${came(profile.uid)}`,
    `fan (ZZ)           4 × YY on ${profile.fan.kept} of ${count(profile.fan.read, 'reading')}`,
    `turnaround         ${turnaroundMs === null ? 'not measured' : `about ${turnaroundMs} ms beyond the line's own time`}`,
  ];
}

function echoOf(pipe: string, node: number | null, status: string): BusProfileReport['echo'] {
  if (node === null) return 'unknown';
  const address = formatAddress(node);
  const text = pipe.trim().toLowerCase();
  if (text === `[${address}]|`) return 'with brackets';
  if (text === `${address}|`) return 'bare';
  return text === '' && !status.includes('=') ? 'none' : 'unknown';
}

function lineEndOf(text: string): BusProfileReport['lineEnd'] {
  const ends = new Set(text.match(/\r\n|\r|\n/g) ?? []);
  if (ends.size === 0) return 'unknown';
  if (ends.size > 1) return 'mixed';
  return ends.has('\r\n') ? 'CR LF' : ends.has('\n') ? 'LF' : 'CR';
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
