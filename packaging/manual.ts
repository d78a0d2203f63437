/** Writes the manual pages from the command line's declarations, in the man macros of troff. */
import { COMMON_EXITS, EXITS } from '../src/cli/exit-codes.ts';
import {
  allCommands,
  type CommandEntry,
  type OperandEntry,
  type OptionEntry,
} from '../src/cli/completion/command-line.ts';

export interface ManualPage {
  /** File name without section: `rackui`, `rackui-plan`. */
  name: string;
  text: string;
}

/** Returns a page for the program and one for each of its commands. `date`: as `2026-11-29`. */
export function manualPages(program: CommandEntry, version: string, date: string): ManualPage[] {
  return [
    { name: 'rackui', text: programPage(program, version, date) },
    ...program.commands.map((command) => ({
      name: `rackui-${command.words.join('-')}`,
      text: commandPage(command, version, date),
    })),
  ];
}

function programPage(program: CommandEntry, version: string, date: string): string {
  return page('rackui', version, date, [
    '.SH NAME',
    'rackui \\- terminal console for a rack whose BMCs share one serial bus',
    '.SH SYNOPSIS',
    synopsis(program),
    '.br',
    '.B rackui',
    '.RI [ options ]',
    '.I command',
    '.RI [ operands ]',
    '.SH DESCRIPTION',
    text(program.description),
    '.SH COMMANDS',
    ...program.commands.flatMap(({ words, description }) => [
      '.TP',
      `.BR rackui\\-${escape(words.join('-'))} (1)`,
      text(description),
    ]),
    '.SH OPTIONS',
    'These are valid for every command.',
    ...program.options.flatMap(optionLines),
    '.SH SELECTORS',
    text(
      'A selector is a name, a hex address (03), a position (A-3), a range (0c-17, worker-[01-04]), row:A, role:worker, cluster:dev, or all; !x leaves x out.',
    ),
    ...exitLines({}),
    '.SH ENVIRONMENT',
    ...tagged('RACKUI_CONFIG', 'The configuration file, as with --config.'),
    ...tagged('RACKUI_SOCKET', "The server's socket, as with --socket."),
    ...tagged('NO_COLOR', 'The interface uses no colours.'),
    '.SH FILES',
    ...tagged('~/.config/rackui/rack.yaml', "The user's configuration, read before the system's."),
    ...tagged('/etc/rackui/rack.yaml', "The system's configuration, which the service uses."),
    ...tagged('~/.cache/rackui/', 'Compiled code of the program, which shortens starts; it can be removed.'),
    ...tagged('/run/rackui/', "Sockets of the service's server."),
    ...tagged('/var/lib/rackui/', 'State and logs of the service.'),
    '.SH SEE ALSO',
    program.commands.map(({ words }) => `.BR rackui\\-${escape(words.join('-'))} (1)`).join(' ,\n'),
  ]);
}

function commandPage(command: CommandEntry, version: string, date: string): string {
  const all = allCommands(command);
  const name = `rackui-${command.words.join('-')}`;
  const codes = Object.assign({}, ...all.map(({ words }) => EXITS[words.join(' ')])) as Record<number, string>;
  return page(name, version, date, [
    '.SH NAME',
    `${escape(name)} \\- ${escape(command.description)}`,
    '.SH SYNOPSIS',
    all
      .filter(({ commands, operands, words }) => commands.length === 0 || operands.length > 0 || words[0] === 'outage')
      .map(synopsis)
      .join('\n.br\n'),
    '.SH DESCRIPTION',
    text(sentence(command.description)),
    ...all
      .slice(1)
      .flatMap((below) => [
        `.SS "rackui ${escape(below.words.join(' '))}"`,
        text(sentence(below.description)),
        ...ownOptions(below).flatMap(optionLines),
      ]),
    ...(ownOptions(command).length > 0 ? ['.SH OPTIONS', ...ownOptions(command).flatMap(optionLines)] : []),
    ...exitLines(codes),
    '.SH SEE ALSO',
    '.BR rackui (1)',
  ]);
}

function page(name: string, version: string, date: string, lines: readonly string[]): string {
  return `.TH ${escape(name.toUpperCase())} 1 ${date} "rackui ${version}" "rackui"\n.nh\n.ad l\n${lines.join('\n')}\n`;
}

const ownOptions = ({ options }: CommandEntry): OptionEntry[] =>
  options.filter(({ flags }) => !flags.includes('--help'));

function synopsis({ words, operands, options }: CommandEntry): string {
  const parts = operands.map(operandText);
  return [
    `.B ${escape(['rackui', ...words].join(' '))}`,
    ...(options.length > 1 ? ['.RI [ options ]'] : []),
    ...parts,
  ].join('\n');
}

function operandText({ name, required, repeats }: OperandEntry): string {
  const dots = repeats ? ' ...' : '';
  return required ? `.IR ${escape(name)}${dots}` : `.RI [ ${escape(name)}${dots} ]`;
}

function optionLines({ flags, value, description }: OptionEntry): string[] {
  const names = flags.map((flag) => `\\fB${escape(flag)}\\fR`).join(', ');
  return ['.TP', value === null ? names : `${names} \\fI${escape(value)}\\fR`, text(description)];
}

function exitLines(codes: Readonly<Record<number, string>>): string[] {
  return [
    '.SH EXIT STATUS',
    ...Object.entries({ ...COMMON_EXITS, ...codes }).flatMap(([code, when]) => tagged(code, when)),
  ];
}

const tagged = (tag: string, what: string): string[] => ['.TP', `.B ${escape(tag)}`, text(what)];

/** A phrase of the declarations as a sentence. */
const sentence = (phrase: string): string =>
  `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}${/[.?!]$/.test(phrase) ? '' : '.'}`;

/** Text as troff reads it: a backslash and a hyphen are escaped. */
const escape = (plain: string): string => plain.replaceAll('\\', '\\e').replaceAll('-', '\\-');

/** A line of text; one that begins with a control character of troff gets a zero-width character before it. */
function text(plain: string): string {
  const escaped = escape(plain);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
