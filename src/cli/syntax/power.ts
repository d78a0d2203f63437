/** Words of the commands for power: verbs, and the operations that carry them out. */
import type { Command } from 'commander';
import type { Act } from './act.ts';

export function declarePower(program: Command, act: Act): void {
  const verb = (word: 'on' | 'off' | 'cycle', description: string): Command =>
    program
      .command(`${word} <selector...>`)
      .description(description)
      .option('--dry-run', 'say what would happen; send nothing')
      .option('--detach', 'print the operation and leave it running')
      .option('--deadline <seconds>', 'give up after this time')
      .option('--json', 'one JSON object a line')
      .action(act(async (options, words) => (await import('../commands/power.ts')).powerCommand(word, words, options)));
  const cut = (command: Command): Command =>
    command
      .option('--confirm <text>', "the node's name; for several, the selector and the count: 'row:A 4'")
      .option('--force', 'cut at once, without asking the operating system')
      .option('--on-deadline <what>', 'leave (the default) the node on, or cut', 'leave')
      .option('--take-console', 'take the console from somebody if the shutdown needs it')
      .option('--override <rules>', 'break rules about dependent nodes on purpose: dns, quorum, fan');
  verb('on', 'switch power on');
  cut(verb('off', 'shut the operating system down, then cut power'));
  cut(verb('cycle', 'off, then on'));

  program
    .command('ops [id]')
    .description('operations, running and past; with an ID all that is known of it')
    .option('--json', 'as JSON')
    .action(act(async (options, [id]) => (await import('../commands/operations.ts')).opsCommand(id, options)));
  program
    .command('answer <id> <choice>')
    .description("answer an operation's question; 'ops ID' lists the choices")
    .option('--node <name>', 'whose question, where several ask')
    .option('--confirm <text>', "the words that a dangerous choice needs: the node's name")
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id = '', choice = '']) =>
        (await import('../commands/operations.ts')).answerCommand(id, choice, options),
      ),
    );
  program
    .command('abort <id>')
    .description('end a running operation; what was cut stays cut')
    .option('--json', 'as JSON')
    .action(act(async (options, [id = '']) => (await import('../commands/operations.ts')).abortCommand(id, options)));
}
