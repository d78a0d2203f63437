/** Words of `rackui plan …`. */
import type { Command } from 'commander';
import type { Act } from './act.ts';

export function declarePlans(program: Command, act: Act): void {
  const plan = program
    .command('plan')
    .description('sequences from the configuration: off in the right order, and on again');
  const load = () => import('../commands/plan.ts');
  plan
    .command('list')
    .description('the plans, and their runs')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await load()).planListCommand(options)));
  plan
    .command('show <name>')
    .description('the exact order, times, and who would refuse; sends nothing')
    .option('--json', 'as JSON')
    .action(act(async (options, [name = '']) => (await load()).planShowCommand(name, options)));
  plan
    .command('run <name>')
    .description('carry it out')
    .option('--confirm <text>', "the plan's name and how many nodes lose power: 'shed-dev 9'")
    .option('--armed', 'for scripts: no words needed, nobody is asked, steps that say so cut at their deadline')
    .option('--detach', 'print the run and leave it running')
    .option('--deadline <seconds>', 'begin nothing new after this time')
    .option('--dry-run', 'as show')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, [name = '']) => (await load()).planRunCommand(name, options)));
  plan
    .command('resume <run>')
    .description('go on; nodes that were under way are looked at afresh')
    .option('--detach', 'leave it running')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, [id = '']) => (await load()).planResumeCommand(id, options)));
  for (const [what, description] of [
    ['pause', 'begin nothing new; what runs goes on'],
    ['abort', 'end it; what was cut stays cut'],
  ] as const)
    plan
      .command(`${what} <run>`)
      .description(description)
      .option('--json', 'as JSON')
      .action(act(async (options, [id = '']) => (await load()).planChangeCommand(what, id, options)));
  plan
    .command('skip <run> [selector...]')
    .description('leave nodes, or a step, out')
    .option('--step <name>', 'the whole step')
    .option('--json', 'as JSON')
    .action(act(async (options, [id = '', ...words]) => (await load()).planSkipCommand(id, words, options)));
}
