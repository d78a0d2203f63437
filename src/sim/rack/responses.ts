/**
 * The BMCs' output on the line towards the host: echoes and replies in the bus's dialect, damaged or late by faults,
 * and the noise of the line itself (bus-protocol sections 2 to 4).
 */
import type { Random } from '../random.ts';
import type { BiosCommand } from './bios.ts';
import type { BmcFaults } from './faults.ts';
import type { SimNode } from './node.ts';

export interface StatusFields {
  addr: number;
  master: boolean;
  /** 0 off, 1 on, 2 disabled. */
  power: number;
  current: number;
  fan: number;
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** Returns `04 ff 1 26 98`: ID MS XX YY ZZ (bus-protocol.md section 4). */
export function statusLine(fields: StatusFields, dialect: Dialect): string {
  const words = [hex(fields.addr), fields.master ? '00' : 'ff', String(fields.power), hex(fields.current)];
  return inCase([...words, hex(fields.fan)].join(' '), dialect);
}

/** Returns the reply to `#`: a UUID. Only `bare` was reported by an owner; a UUID is lower case there. */
export function uidLine(addr: number, uid: string, dialect: Dialect): string {
  const text = {
    bare: `   ${uid}`,
    plain: `${hex(addr)} ${uid}`,
    labelled: `UID ${hex(addr)}: ${uid}`,
    colons: uid.replaceAll('-', '').match(/../g)?.join(':') ?? uid,
  }[dialect.uid];
  return inCase(text, dialect);
}

/** Returns a reply's bytes on the wire: it starts on its own line after the command's echo. */
function frame(line: string, dialect: Dialect): string {
  return dialect.newline + ' '.repeat(dialect.spaces) + line + (dialect.finalNewline ? dialect.newline : '');
}

/**
 * Damages a reply: `torn` stops short of the last digit, `garble` turns characters into ones that occur in no reply.
 */
function damage(framed: string, faults: BmcFaults, random: Random): string {
  const whole = faults.torn ? framed.slice(0, Math.floor(random() * (framed.trimEnd().length - 1))) : framed;
  if (faults.garble === 0) return whole;
  return whole.replace(/[^]/g, (char) =>
    random() < faults.garble ? String.fromCharCode(0x80 | (char.charCodeAt(0) ^ 0x15)) : char,
  );
}

function inCase(text: string, dialect: Dialect): string {
  return dialect.upperCase ? text.toUpperCase() : text;
}

export interface ResponseOptions {
  random: Random;
  /** Gives bytes to the line towards the host, not before `at`. */
  send: (bytes: Uint8Array, at: number) => void;
}

export class BusResponses {
  dialect: Dialect;
  turnaroundMs: number;
  /** Share of all replies that stop in the middle, 0..1. */
  tornShare: () => number = () => 0;
  private readonly options: ResponseOptions;
  /** Outstanding replies of slow BMCs, in order of time. */
  private late: { addr: number; text: string; due: number }[] = [];

  constructor(options: ResponseOptions, dialect: Dialect, turnaroundMs: number) {
    this.options = options;
    this.dialect = dialect;
    this.turnaroundMs = turnaroundMs;
  }

  /** Time of the next outstanding reply of a slow BMC; Infinity: none. */
  get nextDeadline(): number {
    return this.late[0]?.due ?? Infinity;
  }

  echo(command: BiosCommand, byte: number, at: number): void {
    const { echo, brackets, verbEcho, consoleEcho } = this.dialect;
    if (!echo) return;
    const echoed =
      command.kind === 'entry'
        ? !command.bracket || brackets
        : command.kind === 'on' || command.kind === 'off'
          ? verbEcho
          : command.kind === 'console'
            ? consoleEcho
            : command.kind !== 'none';
    if (echoed) this.send(Uint8Array.of(byte), at);
  }

  reply(node: SimNode, line: string, at: number): void {
    const share = this.tornShare();
    const torn = node.faults.torn || (share > 0 && this.options.random() < share);
    const text = damage(frame(line, this.dialect), { ...node.faults, torn }, this.options.random);
    // A BMC reads one character after the other: its replies come in the order of the requests.
    const earliest = this.late.findLast(({ addr }) => addr === node.addr)?.due ?? 0;
    const due = Math.max(earliest, at + this.turnaroundMs + node.faults.slowMs);
    if (node.faults.slowMs === 0 && due === 0) {
      this.sendText(text, due);
      return;
    }
    this.late.push({ addr: node.addr, text, due });
    this.late.sort((a, b) => a.due - b.due);
  }

  /**
   * Sends late replies of slow BMCs, even if the pipe leads to another node by then: a late reply is a foreign one
   * there.
   */
  sayLate(at: number): void {
    for (let next = this.late[0]; next && next.due <= at; next = this.late[0]) {
      this.late.shift();
      this.sendText(next.text, at);
    }
  }

  /** Sends stray bytes ahead of an exchange, with this chance (0 to 1). */
  noise(chance: number, at: number): void {
    const { random } = this.options;
    if (chance === 0 || random() >= chance) return;
    const count = 1 + Math.floor(random() * 3);
    this.send(
      Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
      at,
    );
  }

  sendText(text: string, at: number): void {
    this.send(Buffer.from(text, 'latin1'), at);
  }

  send(bytes: Uint8Array, at: number): void {
    this.options.send(bytes, at);
  }
}

/**
 * Switches for everything that docs/reference/bus-protocol.md leaves open ([?]): the form of the bus's answers, and the
 * behaviour of its BMCs where reports are few. A client has to support all of them; the defaults are what was published
 * (`04|=`, newline, `04 ff 1 26 98`).
 */
export interface Dialect {
  /** Whether commands are echoed at all. */
  echo: boolean;
  /** Whether `[` and `]` are echoed too. */
  brackets: boolean;
  newline: '\n' | '\r' | '\r\n';
  /** Spaces ahead of a reply line; a published transcript shows some. */
  spaces: number;
  /** Whether a reply line ends in a newline. */
  finalNewline: boolean;
  /** Whether `/` and `\` are echoed; by one report nothing is echoed at all. */
  verbEcho: boolean;
  /** Whether `~` is echoed. */
  consoleEcho: boolean;
  /** Answer to ^G. */
  close: 'nothing' | 'bell' | 'newline';
  /** `bare`: three spaces and a UUID without an address, as one owner reported; the others are guesses. */
  uid: 'bare' | 'plain' | 'labelled' | 'colons';
  upperCase: boolean;
  /** Whether a pipe that the master opens to its own address reaches its BIOS, or no BMC. */
  selfPipe: 'silent' | 'answers';
  /** Whether 0x07 in a node's own output closes the pipe to it, as ^G does. */
  nodeBell: 'passes' | 'closes';
  /** Whether the manager's BMC executes power verbs for its own slot, or ignores them, as in one report. */
  selfVerbs: 'executed' | 'ignored';
  /** ZZ: four times YY, as in every published pair (the drive that the BMC derives), or a fan's measured speed. */
  fan: 'drive' | 'speed';
  /** Behaviour of a node that was on when DC returns; and of one that had been switched off with `\` before. */
  mains: 'boots' | 'stays-off';
  mainsAfterOff: 'boots' | 'stays-off';
}

export const CAPTURED_DIALECT: Dialect = {
  echo: true,
  brackets: false,
  newline: '\r\n',
  spaces: 0,
  finalNewline: true,
  verbEcho: false,
  consoleEcho: true,
  close: 'nothing',
  uid: 'bare',
  upperCase: false,
  selfPipe: 'silent',
  nodeBell: 'passes',
  selfVerbs: 'executed',
  fan: 'drive',
  mains: 'boots',
  mainsAfterOff: 'boots',
};

const yesNo = { yes: true, no: false } as const;
const bootsOrNot = { boots: 'boots', 'stays-off': 'stays-off' } as const;

/** All switches: name on the command line, field, and values by name. */
const SWITCHES: Record<string, { field: keyof Dialect; values: Record<string, Dialect[keyof Dialect]> }> = {
  echo: { field: 'echo', values: yesNo },
  brackets: { field: 'brackets', values: yesNo },
  newline: { field: 'newline', values: { lf: '\n', cr: '\r', crlf: '\r\n' } },
  spaces: { field: 'spaces', values: { 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 8: 8 } },
  'final-newline': { field: 'finalNewline', values: yesNo },
  'verb-echo': { field: 'verbEcho', values: yesNo },
  'console-echo': { field: 'consoleEcho', values: yesNo },
  close: { field: 'close', values: { nothing: 'nothing', bell: 'bell', newline: 'newline' } },
  uid: { field: 'uid', values: { bare: 'bare', plain: 'plain', labelled: 'labelled', colons: 'colons' } },
  hex: { field: 'upperCase', values: { lower: false, upper: true } },
  'self-pipe': { field: 'selfPipe', values: { silent: 'silent', answers: 'answers' } },
  'node-bell': { field: 'nodeBell', values: { passes: 'passes', closes: 'closes' } },
  'self-verbs': { field: 'selfVerbs', values: { executed: 'executed', ignored: 'ignored' } },
  fan: { field: 'fan', values: { drive: 'drive', speed: 'speed' } },
  mains: { field: 'mains', values: bootsOrNot },
  'mains-after-off': { field: 'mainsAfterOff', values: bootsOrNot },
};

/** Parses `newline=lf,brackets=yes` on top of `base`. Throws an Error that names the word and its possible values. */
export function parseDialect(text: string, base: Dialect = CAPTURED_DIALECT): Dialect {
  const dialect: Record<string, unknown> = { ...base };
  for (const word of text.split(',').filter((part) => part !== '')) {
    const [name = '', value = ''] = word.split('=');
    const entry = SWITCHES[name];
    if (!entry) throw new Error(`no dialect switch '${name}'; there are ${Object.keys(SWITCHES).join(', ')}`);
    if (!Object.hasOwn(entry.values, value))
      throw new Error(`dialect ${name}=${value}: can be ${Object.keys(entry.values).join(', ')}`);
    dialect[entry.field] = entry.values[value];
  }
  return dialect as unknown as Dialect;
}

/** Returns one line per switch, for `--help` and the manual. */
export function describeDialect(): string[] {
  return Object.entries(SWITCHES).map(([name, { values }]) => `${name}=${Object.keys(values).join('|')}`);
}
