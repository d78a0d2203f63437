/** Writes the completion script for fish: one `complete` a command, an option and an operand. */
import { allCommands, type CommandEntry, type OptionEntry, type ValueKind, valuedFlags } from './command-line.ts';

/** What completes a value of each kind. */
const ACTIONS: Readonly<Record<NonNullable<ValueKind>, string>> = {
  file: '-r -F',
  directory: "-x -a '(__fish_complete_directories)'",
  nodes: "-x -a '(rackui completion nodes 2>/dev/null)'",
  plans: "-x -a '(rackui completion plans 2>/dev/null)'",
};

/** An operand's action starts rackui, which fish would do for each option as well. */
const NO_OPTION = "and not string match -q -- '-*' (commandline -ct)";

export function fishCompletion(program: CommandEntry): string {
  const commands = allCommands(program);
  const below = commands.filter((command) => command !== program);
  return `# Completions of rackui for fish, written by 'rackui completion fish'.
function __rackui_at --description 'Whether these words are the command on the line'
    set -l words (commandline -opc)
    set -e words[1]
    set -l command
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${valuedFlags(program).join(' ')}
                set skip 1
                continue
            case '-*'
                continue
        end
        set -l longer (string join ' ' $command $word)
        if not contains -- $longer ${below.map(({ words }) => quote(words.join(' '))).join(' ')}
            break
        end
        set -a command $word
    end
    test "$command" = "$argv"
end

complete -c rackui -f
${program.options.map((option) => `complete -c rackui ${optionArguments(option)}`).join('\n')}
${commands.flatMap((command) => linesOf(command, command === program)).join('\n')}
`;
}

function linesOf(command: CommandEntry, isProgram: boolean): string[] {
  const [operand] = command.operands;
  const at = `__rackui_at ${command.words.join(' ')}`.trim();
  const startWhere = (condition: string): string => `complete -c rackui -n ${quote(condition)}`;
  const start = startWhere(at);
  const options = isProgram ? [] : command.options.filter(({ flags }) => !flags.includes('--help'));
  return [
    ...command.commands.map(
      ({ words, description }) => `${start} -a ${quote(words.at(-1) ?? '')} -d ${quote(description)}`,
    ),
    ...options.map((option) => `${start} ${optionArguments(option)}`),
    ...(operand === undefined || operand.choices.length === 0
      ? []
      : [`${start} -a ${quote(operand.choices.join(' '))}`]),
    ...(operand === undefined || operand.kind === null
      ? []
      : [`${startWhere(`${at}; ${NO_OPTION}`)} ${ACTIONS[operand.kind].replace(/^-[rx] /, '')}`]),
  ];
}

function optionArguments({ flags, value, kind, description }: OptionEntry): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes = value === null ? [] : [kind === null ? '-x' : ACTIONS[kind]];
  return [...names, ...takes, `-d ${quote(description)}`].join(' ');
}

/** Quotes for fish, where a backslash escapes within single quotes. */
const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
