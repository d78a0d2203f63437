/** Writes the completion script for zsh: one function a command, for `_arguments`. */
import { quoteForShell } from '../../lib/words.ts';
import {
  allCommands,
  type CommandEntry,
  type OperandEntry,
  type OptionEntry,
  type ValueKind,
  valuedFlags,
} from './command-line.ts';

/** What completes a value of each kind. */
const ACTIONS: Readonly<Record<NonNullable<ValueKind>, string>> = {
  file: '_files',
  directory: '_files -/',
  nodes: '_rackui_nodes',
  plans: '_rackui_plans',
};

export function zshCompletion(program: CommandEntry): string {
  const below = allCommands(program).filter((command) => command !== program);
  return `#compdef rackui
# Completions of rackui for zsh, written by 'rackui completion zsh'.

_rackui_names() {
  local -a names
  names=(\${(f)"$(_call_program names rackui completion $1 2>/dev/null)"})
  compadd "\${@[2,-1]}" -a names
}
_rackui_nodes() { _rackui_names nodes "$@" }
_rackui_plans() { _rackui_names plans "$@" }

${[...below].reverse().map(functionOf).join('\n')}
${functionOf(program)}
# Called by the completion system where this file is in fpath; sourced otherwise.
if [[ $funcstack[1] == _rackui ]]; then
  _rackui "$@"
else
  compdef _rackui rackui
fi
`;

  function functionOf(command: CommandEntry): string {
    const own = command === program ? [] : command.options.filter(({ flags }) => !flags.includes('--help'));
    // An option of the program's name replaces it.
    const replaced = own.flatMap(({ flags }) => flags).filter((flag) => valuedFlags(program).includes(flag));
    const globals = replaced.length === 0 ? '$globals' : `\${globals:#(${replaced.join('|')})=*}`;
    const specs = [...own.map(optionSpec), globals];
    const head = `_rackui${command.words.map((word) => `_${word}`).join('')}() {`;
    if (command.commands.length === 0) {
      const operands = command.operands.map((operand, at) => quoteForShell(operandSpec(operand, at + 1)));
      return `${head}\n  _arguments -s ${[...specs, ...operands].join(' \\\n    ')}\n}\n`;
    }
    const names = command.commands.map(({ words, description }) => [words.at(-1) ?? '', description] as const);
    return `${head}
  local curcontext=$curcontext state
  local -a line commands${command === program ? `\n  local -a globals=(\n    ${program.options.map(optionSpec).join('\n    ')}\n  )` : ''}
  typeset -A opt_args
  _arguments -s -C -A '-*' ${[...specs, "'1: :->command'", "'*:: :->words'"].join(' \\\n    ')}
  case $state in
  command)
    commands=(
      ${names.map(([name, what]) => quoteForShell(`${name}:${what}`)).join('\n      ')}
    )
    _describe -t commands command commands
    ;;
  words)
    case $line[1] in
    ${names.map(([name]) => `${name}) _rackui${[...command.words, name].map((word) => `_${word}`).join('')} ;;`).join('\n    ')}
    esac
    ;;
  esac
}
`;
  }
}

/** `'(-V --version)'{-V,--version}'[the version]'`, `'--config=[file]:file:_files'`. */
function optionSpec({ flags, value, kind, repeats, description }: OptionEntry): string {
  const end = value === null ? '' : `:${value}:${kind === null ? ' ' : ACTIONS[kind]}`;
  const text = `[${description.replaceAll(/[[\]\\:]/g, String.raw`\$&`)}]${end}`;
  const spec = (flag: string): string => `${flag}${value === null ? '' : '='}`;
  const [only = '', ...others] = flags;
  if (others.length === 0) return quoteForShell(`${repeats ? '*' : ''}${spec(only)}${text}`);
  return `${quoteForShell(`(${flags.join(' ')})`)}{${flags.map(spec).join(',')}}${quoteForShell(text)}`;
}

function operandSpec({ name, kind, required, repeats, choices }: OperandEntry, at: number): string {
  const action = choices.length > 0 ? `(${choices.join(' ')})` : kind === null ? ' ' : ACTIONS[kind];
  return repeats ? `*:${name}:${action}` : `${at}:${required ? '' : ':'}${name}:${action}`;
}
