/** Writes the completion script for bash. It needs no other file, not even the package bash-completion. */
import { quoteForShell } from '../../lib/words.ts';
import { allCommands, type CommandEntry, type ValueKind, valuedFlags } from './command-line.ts';

export function bashCompletion(program: CommandEntry): string {
  const commands = allCommands(program);
  const below = commands.filter(({ words }) => words.length > 0);
  return `# Completions of rackui for bash, written by 'rackui completion bash'.
_rackui() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command='' skip='' word words='' options='' operand='' i
  COMPREPLY=()
  # bash makes --option=value three words.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then
      skip=1
      continue
    elif [[ $skip ]]; then
      skip=''
      continue
    fi
    case $word in
    ${valuedFlags(program).join('|')})
      [[ \${COMP_WORDS[i+1]} == = ]] || skip=1
      continue
      ;;
    -*) continue ;;
    esac
    case \${command:+$command }$word in
    ${below.map(({ words }) => quoteForShell(words.join(' '))).join('|')}) command=\${command:+$command }$word ;;
    *) break ;;
    esac
  done
  case $command:$previous in
${valueCases(below)}
  esac
  case $previous in
${valueCases([program])}
  esac
  case $command in
${commands.map((command) => commandCase(command)).join('\n')}
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options ${flagsOf(program)}" -- "$current")
  elif [[ $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ $operand ]]; then
    _rackui_values "$operand" "$current"
  fi
}

_rackui_values() {
  case $1 in
  file | directory)
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$([[ $1 == file ]] && echo -f || echo -d)" -- "$2")
    ;;
  *) mapfile -t COMPREPLY < <(compgen -W "$(rackui completion "$1" 2>/dev/null)" -- "$2") ;;
  esac
}

complete -F _rackui rackui
`;
}

/** Cases for options that take a value: `command:option`, or the option alone where it is the program's. */
function valueCases(commands: readonly CommandEntry[]): string {
  const patterns = new Map<ValueKind, string[]>();
  for (const command of commands)
    for (const { value, kind, flags } of command.options) {
      if (value === null) continue;
      const before = command.words.length === 0 ? '' : `${quoteForShell(place(command))}:`;
      patterns.set(kind, [...(patterns.get(kind) ?? []), ...flags.map((flag) => `${before}${flag}`)]);
    }
  return [...patterns]
    .map(
      ([kind, all]) => `  ${all.join('|')})
    ${kind === null ? ':' : `_rackui_values ${kind} "$current"`}
    return
    ;;`,
    )
    .join('\n');
}

function commandCase(command: CommandEntry): string {
  const [operand] = command.operands;
  const words = [...command.commands.map(({ words }) => words.at(-1) ?? ''), ...(operand?.choices ?? [])];
  const kind: ValueKind = operand?.kind ?? null;
  return `  ${quoteForShell(place(command))})
    options=${quoteForShell(flagsOf(command))}
    words=${quoteForShell(words.join(' '))}
    operand=${quoteForShell(kind ?? '')}
    ;;`;
}

const place = ({ words }: CommandEntry): string => words.join(' ');
const flagsOf = ({ options }: CommandEntry): string => options.flatMap(({ flags }) => flags).join(' ');
