/**
 * What docs/reference/bus-protocol.md leaves open ([?]) as switches: how the bus words its answers, and what its BMCs do where
 * reports are few. A client has to live with all of them; the defaults are what was published (`04|=`, newline,
 * `04 ff 1 26 98`).
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
  /** Whether `/` and `\` are echoed; one report says that nothing at all comes back. */
  verbEcho: boolean;
  /** Whether `~` is echoed. */
  consoleEcho: boolean;
  /** What comes back for ^G. */
  close: 'nothing' | 'bell' | 'newline';
  /** `bare`: three spaces and a UUID without an address, as one owner wrote it down; the others are guesses. */
  uid: 'bare' | 'plain' | 'labelled' | 'colons';
  upperCase: boolean;
  /** Whether a pipe that the master opens to its own address reaches its BIOS, or nobody. */
  selfPipe: 'silent' | 'answers';
  /** Whether 0x07 in a node's own output closes the pipe to it, as ^G does. */
  nodeBell: 'passes' | 'closes';
  /** Whether the manager's BMC executes power verbs for its own slot, or ignores them, as one report says. */
  selfVerbs: 'executed' | 'ignored';
  /** ZZ: four times YY, as in every published pair (the drive that the BMC derives), or a fan's measured speed. */
  fan: 'drive' | 'speed';
  /** What a node that was on does when DC returns; and one that had been switched off with `\` before. */
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

/** Every switch: its name on the command line, the field, and the values by name. */
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

/** `newline=lf,brackets=yes` on top of `base`. Throws an Error that names the word and what it could be. */
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

/** One line a switch, for `--help` and the manual. */
export function describeDialect(): string[] {
  return Object.entries(SWITCHES).map(([name, { values }]) => `${name}=${Object.keys(values).join('|')}`);
}
