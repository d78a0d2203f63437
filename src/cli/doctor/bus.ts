/**
 * Checks the bus: whether it answers, was locked or wedged, its nodes, the share of failed exchanges, the port's
 * settings while it is open (115200 8N1, raw, no flow control; bus-protocol section 2), and the bus profile. Pure.
 */
import type { BusSurvey } from '../../api/bus.ts';
import { spellBytes } from '../../lib/control-chars.ts';
import { count } from '../../lib/words.ts';
import { type Address, formatAddress } from '../../rack/address.ts';
import { fanMeaning } from '../../rack/calibration.ts';
import { type InventoryNode, masterMismatch } from '../../rack/inventory.ts';
import { compressNames } from '../../rack/selectors.ts';
import { type Check, failure, ok, warning } from './machine.ts';

const SPEED = 115_200;
/** Flags of `stty -a` that must be set so, and the effect where one is not. */
const WANTED: readonly [flag: string, otherwise: string][] = [
  ['-icanon', 'the system waits for whole lines'],
  ['-echo', 'the system echoes the bus to itself: its replies become commands'],
  ['-isig', 'bytes of the bus become signals'],
  ['-opost', 'line ends are changed on output'],
  ['-icrnl', 'carriage returns are changed on input'],
  ['-inlcr', 'line ends are changed on input'],
  ['-ixon', 'a byte of a node stops output (XON/XOFF)'],
  ['-crtscts', 'output waits for RTS/CTS, which the bus does not have'],
  ['cs8', 'bytes lose a bit'],
  ['-parenb', 'a parity bit is added'],
  ['-cstopb', 'there are two stop bits'],
];

/** @param text of `stty -a`, or null where it could not be run */
export function settingsCheck(text: string | null): Check {
  if (text === null)
    return warning(
      'settings',
      'the port’s settings cannot be read back: there is no stty here',
      'nothing, if the bus answers; stty is in the package coreutils',
    );
  const speed = Number(/speed (\d+) baud/.exec(text)?.[1]);
  const flags = new Set(text.replace(/^.*?;/s, '').split(/[\s;]+/));
  const wrong = WANTED.filter(([flag]) => flags.has(flag.startsWith('-') ? flag.slice(1) : `-${flag}`));
  const notes = [
    ...(speed === SPEED ? [] : [`its speed is ${speed}, not ${SPEED}`]),
    ...wrong.map(([flag, otherwise]) => `${flag.startsWith('-') ? flag.slice(1) : `not ${flag}`}: ${otherwise}`),
    ...(wrong.length === 0 && /\bcs[567]\b/.test(text) ? ['not cs8: bytes lose a bit'] : []),
  ];
  if (notes.length === 0) return ok('settings', `${SPEED} 8N1, raw, no flow control, as read back from the open port`);
  return failure(
    'settings',
    `rackui opened it with ${SPEED} 8N1, raw; now ${notes.join('; ')}`,
    'another program changed the open port (stty, a getty, a udev rule): end it, then rackui server stop',
  );
}

/** Results of the diagnostics, from the server or from doctor itself. */
export interface BusPicture {
  state: string;
  detail: string;
  master: Address | null;
  /** Null where doctor did not open the port itself. */
  first: { before: { who: string; addr?: Address }; wasLocked: boolean } | null;
  survey: BusSurvey | null;
  /** Reason why a ready bus was not diagnosed, or null. */
  whyNot: string | null;
}

/**
 * Shares of failed exchanges: usual where the master is busy; above the second the cable, ground or bus is at
 * fault. Chosen, not measured.
 */
const USUAL = 0.01;
const TOLERABLE = 0.05;

/** @param configured the nodes that the configuration names, or null */
export function busChecks(bus: BusPicture, configured: readonly InventoryNode[] | null): Check[] {
  const checks = [state(bus)];
  if (bus.first !== null && bus.state !== 'down') checks.push(pipe(bus.first));
  if (bus.state === 'ready' && bus.master !== null) {
    if (bus.first !== null) checks.push(lock(bus.first.wasLocked));
    checks.push(master(bus.master, configured));
  }
  const { survey } = bus;
  if (survey !== null)
    checks.push(nodes(survey, configured?.map(({ addr }) => addr) ?? null), errors(survey), fan(survey.fan));
  else if (bus.whyNot !== null) checks.push(warning('errors', `not measured: ${bus.whyNot}`, 'run doctor again then'));
  if (survey !== null) checks.push(settingsCheck(survey.forms.tty));
  return checks;
}

const TODO: Record<string, string> = {
  locked: "rack on? cable on GPIO 14/15 of the master? another unlock string? ('unlock' in the configuration)",
  wedged: 'end other programs on this bus; power-cycle the rack last',
  down: 'see the port’s checks above',
  starting: 'try again in a moment',
};

function state({ state: now, detail }: BusPicture): Check {
  if (now === 'ready') return ok('bus', 'the bus answers');
  if (now === 'paused') return ok('bus', 'the bus answers; a console holds the pipe');
  return failure('bus', `${now}: ${detail === '' ? 'no answer' : detail}`, TODO[now] ?? 'see rackui events');
}

function master(seen: Address, configured: readonly InventoryNode[] | null): Check {
  const wrong = masterMismatch(configured ?? [], seen);
  if (wrong === null) return ok('master', `the master at ${formatAddress(seen)} answers`);
  return failure(
    'master',
    `the bus ${wrong}`,
    `give role: master to the node at ${formatAddress(seen)} in the configuration, then: rackui config check`,
  );
}

/** Checks whether ZZ describes a fan; where it does not, no fan alarm can be raised. */
function fan({ kept, read }: BusSurvey['fan']): Check {
  const seen = `ZZ is 4 × YY on ${kept} of ${count(read, 'reading')}`;
  switch (fanMeaning(kept, read)) {
    case 'drive':
      return ok('fan', `${seen}: it is the drive that the BMC derives, and does not show a stopped fan`);
    case 'speed':
      return ok('fan', `${seen}: it is an independent value, and the alarm fan-stopped uses it`);
    case 'unknown':
      return ok(
        'fan',
        `${read === 0 ? 'no node runs' : seen}: the meaning of ZZ is unknown, and no fan alarm is raised`,
      );
  }
}

function pipe({ before, wasLocked }: NonNullable<BusPicture['first']>): Check {
  const left = 'a program ended without ^G; doctor has closed the pipe: find that program (screen, a script)';
  if (before.who === 'node' && before.addr !== undefined)
    return warning('pipe', `a pipe to ${formatAddress(before.addr)} had been left open: commands were lost`, left);
  if (before.who === 'console')
    return warning('pipe', 'a console had been left open: commands were typed into it', left);
  if (before.who === 'nobody' && !wasLocked)
    return warning(
      'pipe',
      'no BMC answered before ^G, the master did after it: a pipe to an absent BMC was open',
      left,
    );
  return ok('pipe', 'no pipe was left open');
}

function lock(wasLocked: boolean): Check {
  return ok('lock', wasLocked ? 'it was locked, and the unlock string opened it' : 'it was unlocked already');
}

function nodes({ nodes: found }: BusSurvey, configured: readonly Address[] | null): Check {
  const names = (addrs: readonly Address[]): string => compressNames(addrs.map(formatAddress));
  if (found.length === 0) return failure('nodes', 'no BMC answers', 'is the rack on?');
  const missing = configured?.filter((addr) => !found.includes(addr)) ?? [];
  if (missing.length > 0)
    return warning(
      'nodes',
      `${found.length === 1 ? '1 BMC answers' : `${found.length} BMCs answer`}; ${names(missing)} of the configuration ${missing.length === 1 ? 'does' : 'do'} not`,
      'is its blade seated and powered? Otherwise correct the configuration (rackui discover)',
    );
  return ok(
    'nodes',
    `${found.length === 1 ? '1 BMC answers' : `${found.length} BMCs answer`}${configured === null ? '' : ', all that are configured'}`,
  );
}

function errors({ exchanges, silent, garbled, foreign, medianMs, slowestMs }: BusSurvey): Check {
  const wrong = silent + garbled + foreign;
  const times =
    medianMs === null ? '' : `; median ${medianMs.toFixed(1)} ms, slowest ${(slowestMs ?? 0).toFixed(1)} ms`;
  if (wrong <= exchanges * USUAL)
    return ok('errors', `${count(exchanges, 'exchange')}, ${wrong === 0 ? 'none' : wrong} failed${times}`);
  const seen = `${wrong} of ${count(exchanges, 'exchange')} failed (${silent} silent, ${garbled} unreadable, ${foreign} from another node)${times}`;
  const todo =
    'other programs on the bus? ground and cable between rack and master? A loaded master is slow, not wrong';
  return wrong / exchanges > TOLERABLE ? failure('errors', seen, todo) : warning('errors', seen, todo);
}

export interface BusProfileReport {
  echo: 'none' | 'bare' | 'with brackets' | 'unknown';
  lineEnd: 'CR LF' | 'LF' | 'CR' | 'mixed' | 'unknown';
  leadingSpaces: number;
  /** True where the status line ends in a line end; null: not known. */
  finalLineEnd: boolean | null;
  hexDigits: 'lower case' | 'upper case' | 'unknown';
  verbEcho: boolean | null;
  /** Reply to ^G, with no pipe open and with one; as `spellBytes` writes it. */
  closeIdle: string;
  closeInPipe: string;
  uid: string;
  /** Number of readings whose ZZ was four times YY, and of those that can show it. */
  fan: BusSurvey['fan'];
  /** Time from the end of the question to the end of the reply, less the bytes' own time on the line, ms. */
  turnaroundMs: number | null;
  /** The replies themselves, byte for byte. */
  raw: Record<'master' | 'pipe' | 'status' | 'uid', string>;
}

/** Time of a byte at 115200 8N1, ms. */
const BYTE_MS = 10_000 / 115_200;
const STATUS = /([ \t]*)([0-9a-f]{2} (?:00|ff) 0?[012] [0-9a-f]{2} [0-9a-f]{2})([\r\n]*)/i;

export function profileOf({ forms, verbEcho, medianMs, fan }: BusSurvey): BusProfileReport {
  const { master, pipe, status, uid, idleClose, pipeClose, node } = forms;
  const replies = [master, status];
  const match = replies.map((text) => STATUS.exec(text)).find((found) => found !== null);
  const digits = replies.join('').replace(/[^A-Fa-f]/g, '');
  // `[04]|` `=` and the reply: the exchange's bytes on the line.
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
