/** Reads the command line's declarations as data, for completion scripts and manual pages. */
import type { Command, Option } from 'commander';

/** Values that a shell can complete: a file, a directory, names from the configuration; null: free text. */
export type ValueKind = 'file' | 'directory' | 'nodes' | 'plans' | null;

export interface OptionEntry {
  /** Short flag before the long one: `-V`, `--version`. */
  flags: string[];
  /** Word that stands for the value, without brackets; null: the option takes none. */
  value: string | null;
  kind: ValueKind;
  /** May be given several times. */
  repeats: boolean;
  description: string;
}

export interface OperandEntry {
  name: string;
  kind: ValueKind;
  required: boolean;
  repeats: boolean;
  /** Words that are valid; empty: any. */
  choices: string[];
}

export interface CommandEntry {
  /** Words that call the command, without the program: `['plan', 'run']`; empty for the program itself. */
  words: string[];
  description: string;
  operands: OperandEntry[];
  options: OptionEntry[];
  commands: CommandEntry[];
}

/** Kinds by the words that stand for values in the declarations. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  file: 'file',
  device: 'file',
  path: 'file',
  directory: 'directory',
  node: 'nodes',
  selector: 'nodes',
  plan: 'plans',
};

/** Returns the command and those below it. Hidden options are left out, `--help` is added. */
export function readCommandLine(command: Command, words: string[] = []): CommandEntry {
  return {
    words,
    description: command.description(),
    operands: command.registeredArguments.map((operand) => ({
      name: operand.name(),
      kind: KINDS[operand.name()] ?? null,
      required: operand.required,
      repeats: operand.variadic,
      choices: operand.argChoices ?? [],
    })),
    options: [...command.options.filter(({ hidden }) => !hidden).map(readOption), HELP],
    commands: command.commands.map((one) => readCommandLine(one, [...words, one.name()])),
  };
}

const HELP: OptionEntry = {
  flags: ['-h', '--help'],
  value: null,
  kind: null,
  repeats: false,
  description: 'what the command takes',
};

function readOption(option: Option): OptionEntry {
  const [, value] = /[<[]([^>\]]+)[>\]]/.exec(option.flags) ?? [];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    value: value ?? null,
    kind: KINDS[value ?? ''] ?? null,
    // An option that collects its values has a parser of its own.
    repeats: option.parseArg !== undefined,
    description: option.description,
  };
}

/** Returns the command and all below it, each before its own. */
export function allCommands(command: CommandEntry): CommandEntry[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** Returns the flags of the options that take a value. */
export function valuedFlags({ options }: CommandEntry): string[] {
  return options.filter(({ value }) => value !== null).flatMap(({ flags }) => flags);
}
