/** The port's settings as the system has them while it is open: 115200 8N1, raw, no flow control (bus-protocol section 2). Pure. */
import { failure, ok, warning, type Check } from './check.ts';

const SPEED = 115_200;
/** Flags of `stty -a` that must be so, and what happens where one is not. */
const WANTED: readonly [flag: string, otherwise: string][] = [
  ['-icanon', 'the system waits for whole lines'],
  ['-echo', 'the system echoes the bus to itself: its replies become commands'],
  ['-isig', 'bytes of the bus become signals'],
  ['-opost', 'line ends are changed on their way out'],
  ['-icrnl', 'carriage returns are changed on their way in'],
  ['-inlcr', 'line ends are changed on their way in'],
  ['-ixon', 'a byte of a node stops what is sent (XON/XOFF)'],
  ['-crtscts', 'it waits for a wire that the bus does not have (RTS/CTS)'],
  ['cs8', 'bytes lose a bit'],
  ['-parenb', 'a parity bit is added'],
  ['-cstopb', 'there are two stop bits'],
];

/** @param text of `stty -a`, or null where it could not be asked */
export function settingsCheck(text: string | null): Check {
  if (text === null)
    return warning(
      'settings',
      'the port’s settings cannot be read back: there is no stty here',
      'nothing, where the bus answers; stty is of the package coreutils',
    );
  const speed = Number(/speed (\d+) baud/.exec(text)?.[1]);
  const flags = new Set(text.replace(/^.*?;/s, '').split(/[\s;]+/));
  const wrong = WANTED.filter(([flag]) => flags.has(flag.startsWith('-') ? flag.slice(1) : `-${flag}`));
  const told = [
    ...(speed === SPEED ? [] : [`its speed is ${speed}, not ${SPEED}`]),
    ...wrong.map(([flag, otherwise]) => `${flag.startsWith('-') ? flag.slice(1) : `not ${flag}`}: ${otherwise}`),
    ...(wrong.length === 0 && /\bcs[567]\b/.test(text) ? ['not cs8: bytes lose a bit'] : []),
  ];
  if (told.length === 0) return ok('settings', `${SPEED} 8N1, raw, no flow control, as read back from the open port`);
  return failure(
    'settings',
    `rackui opened it with ${SPEED} 8N1, raw; now ${told.join('; ')}`,
    'another program changed the open port (stty, a getty, a udev rule): end it, then rackui server stop',
  );
}
