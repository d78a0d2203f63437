/** Words of `rackui outage …`. */
import type { Command } from 'commander';
import { didYouMean } from '../../lib/words.ts';
import { UsageFailure } from '../failure.ts';
import type { Act } from './act.ts';

function unknownWord(word: string, { commands }: Command): UsageFailure {
  const names = commands.map((command) => command.name());
  return new UsageFailure(`outage has no '${word}'; it has ${names.join(', ')}${didYouMean(word, names)}`);
}

export function declareOutage(program: Command, act: Act): void {
  const load = () => import('../commands/outage.ts');
  const outage = program
    .command('outage')
    .description('mains, UPS and battery: how they stand, and what would happen')
    .option('--json', 'as JSON')
    .allowExcessArguments()
    .action(
      act(async (options, [word]) => {
        if (word !== undefined) throw unknownWord(word, outage);
        return (await load()).outageCommand(options);
      }),
    );
  outage
    .command('report')
    .description('the outage that is under way, or the last one, node by node')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await load()).outageReportCommand(options)));
  outage
    .command('last')
    .description('for UPS software: this machine goes down; the last plan, back within the time whatever happens')
    .option('--within <seconds>', 'how long the battery is trusted for')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await load()).outageLastCommand(options)));
  for (const [supply, description] of [
    ['battery', 'for UPS software that the server does not ask itself: the mains are away'],
    ['mains', 'the same: the mains are back'],
  ] as const)
    outage
      .command(supply)
      .description(description)
      .option('--runtime <seconds>', 'how long the battery lasts')
      .option('--now', 'mains have been back for long enough: nodes come back at once')
      .option('--json', 'as JSON')
      .action(act(async (options) => (await load()).outageTellCommand(supply, options)));
  outage
    .command('drill')
    .description('play an outage on these nodes, for real: shut down, power off, power on')
    .requiredOption('--nodes <selector>', 'the nodes; every other one is left alone')
    .option('--json', 'the report as JSON')
    .action(act(async (options) => (await load()).outageDrillCommand(options)));
}
