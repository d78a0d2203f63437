/**
 * What PROTOCOL.md leaves open ([?]) as switches: how the bus words its answers. A client has to understand all of them;
 * the defaults are the one real capture (`04|=`, newline, `04 ff 1 26 98`).
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
  uid: 'plain' | 'labelled' | 'colons';
  upperCase: boolean;
  /** Whether a pipe that the master opens to its own address reaches its BIOS, or nobody. */
  selfPipe: 'silent' | 'answers';
  /** Whether 0x07 in a node's own output closes the pipe to it, as ^G does. */
  nodeBell: 'passes' | 'closes';
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
  uid: 'plain',
  upperCase: false,
  selfPipe: 'silent',
  nodeBell: 'passes',
};

const yesNo = { yes: true, no: false } as const;

/** Every switch: its name on the command line, the field, and the values by name. */
const SWITCHES: Record<string, { field: keyof Dialect; values: Record<string, Dialect[keyof Dialect]> }> = {
  echo: { field: 'echo', values: yesNo },
  brackets: { field: 'brackets', values: yesNo },
  newline: { field: 'newline', values: { lf: '\n', cr: '\r', crlf: '\r\n' } },
  spaces: { field: 'spaces', values: { 0: 0, 1: 1, 2: 2, 4: 4, 8: 8 } },
  'final-newline': { field: 'finalNewline', values: yesNo },
  'verb-echo': { field: 'verbEcho', values: yesNo },
  'console-echo': { field: 'consoleEcho', values: yesNo },
  close: { field: 'close', values: { nothing: 'nothing', bell: 'bell', newline: 'newline' } },
  uid: { field: 'uid', values: { plain: 'plain', labelled: 'labelled', colons: 'colons' } },
  hex: { field: 'upperCase', values: { lower: false, upper: true } },
  'self-pipe': { field: 'selfPipe', values: { silent: 'silent', answers: 'answers' } },
  'node-bell': { field: 'nodeBell', values: { passes: 'passes', closes: 'closes' } },
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
