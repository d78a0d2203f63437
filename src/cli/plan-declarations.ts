/** The commands about plans, of one rack and of several: what they are called, and what they take. */
import type { Command } from 'commander';
import type { Act } from './declarations.ts';

export function declarePlans(program: Command, act: Act): void {
  const plan = program.command('plan').description('configured sequences of power operations');
  const load = () => import('./commands/plan.ts');
  const fleet = () => import('./fleet/plan.ts');
  plan
    .command('list')
    .description('the plans, and their runs')
    .option('--json', 'as JSON')
    .action(
      act(async (options) => (await load()).planListCommand(options), {
        racks: 'none',
        whole: async (list, options) => (await fleet()).listFleetPlans(list, options),
      }),
    );
  plan
    .command('show <plan>')
    .description('show order, times and refusals; sends nothing')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [name = '']) => (await load()).planShowCommand(name, options), {
        racks: 'one',
        whole: async (list, options, [word = '']) => (await fleet()).showFleetPlan(list, word, options),
      }),
    );
  plan
    .command('run <plan>')
    .description('run it')
    .option('--confirm <text>', "the plan's name and the number of nodes that lose power: 'shed-dev 9'")
    .option(
      '--armed',
      'for scripts: no confirmation and no prompts; steps with onDeadline: cut may cut at their deadline',
    )
    .option('--detach', 'print the run and leave it running')
    .option('--deadline <seconds>', 'start nothing new after this time')
    .option('--dry-run', 'the same as show')
    .option('--json', 'one JSON object a line')
    .action(
      act(async (options, [name = '']) => (await load()).planRunCommand(name, options), {
        racks: 'one',
        whole: async (list, options, [word = '']) => (await fleet()).runFleetPlan(list, word, options),
      }),
    );
  plan
    .command('resume <run>')
    .description('continue it; nodes in progress are checked again')
    .option('--detach', 'leave it running')
    .option('--json', 'one JSON object a line')
    .action(
      act(async (options, [id = '']) => (await load()).planResumeCommand(id, options), {
        racks: 'one',
        whole: async (list, options, [word = '']) => (await fleet()).resumeFleetPlan(list, word, options),
      }),
    );
  for (const [what, description] of [
    ['pause', 'start no further operation; running ones continue'],
    ['abort', 'abort it; nodes that were cut stay off'],
  ] as const)
    plan
      .command(`${what} <run>`)
      .description(description)
      .option('--json', 'as JSON')
      .action(
        act(async (options, [id = '']) => (await load()).planChangeCommand(what, id, options), {
          racks: 'one',
          whole: async (list, options, [word = '']) => (await fleet()).changeFleetPlan(what, list, word, options),
        }),
      );
  plan
    .command('skip <run> [selector...]')
    .description('skip nodes, or a step')
    .option('--step <name>', 'the whole step')
    .option('--json', 'as JSON')
    .action(
      act(async (options, [id = '', ...words]) => (await load()).planSkipCommand(id, words, options), {
        racks: 'one',
        whole: async (list, options, [word = '', ...words]) =>
          (await fleet()).skipFleetPlan(list, word, words, options),
      }),
    );
}
