/** Words of the commands that look, at the rack and at consoles: nothing of them switches anything. */
import type { Command } from 'commander';
import { expectStep, sendStep, type ConsoleStep } from '../console/steps.ts';
import type { Act } from './act.ts';

const CONSOLE_HELP = `
Exit codes: 0 done, every --expect met; 3 somebody else types; 4 an --expect was not met in time; 5 the node does not
answer or its console ended.`;

export function declareLooking(program: Command, act: Act): void {
  const steps: ConsoleStep[] = [];
  const step = (make: (text: string) => ConsoleStep) => (text: string) => {
    steps.push(make(text));
    return steps;
  };
  const [send, expect] = [step(sendStep), step(expectStep)];
  program
    .command('status [selector...]')
    .description('the rack as a fresh sweep finds it')
    .option('--json', 'as JSON')
    .option('--watch', 'and on, as it changes')
    .action(act(async (options, words) => (await import('../commands/status.ts')).statusCommand(words, options)));
  program
    .command('console <node>')
    .description("this terminal becomes the node's console; Ctrl-] d (or Ctrl-5 d) leaves it")
    .option('--force', 'take the keyboard from whoever has it')
    .option('--send <text>', 'type this and Enter (\\c at the end: without); instead of standard input', send)
    .option('--expect <regex>', 'wait until the node prints this; --send and --expect in any number and order', expect)
    .option('--timeout <seconds>', 'how long each --expect waits (default 10)')
    .option('--baud <rate>', "of the node's UART, until the console is closed")
    .option('--raw-output', "the node's bytes unfiltered: what it prints may do anything to this terminal")
    .option('--prefix <key>', 'for Ctrl-], such as Ctrl-A (default: keys.console.prefix of the configuration)')
    .addHelpText('after', CONSOLE_HELP)
    .action(
      act(async (options, [word = '']) => (await import('../commands/console.ts')).consoleCommand(word, options)),
    );
  program
    .command('log <node>')
    .description("what the node's console showed, with UTC times and marks")
    .option('--follow', 'and on, as it comes')
    .option('--since <time>', 'from 90s, 10m, 2h or 3d ago, or from a time like 2026-07-14T12:00Z')
    .option('--search <text>', 'only lines that hold this, whatever the case')
    .option('--raw', "the node's bytes as they came, into a file or a pipe")
    .action(act(async (options, [word = '']) => (await import('../commands/log.ts')).logCommand(word, options)));
  program
    .command('alarms')
    .description('what is wrong now, and what was and nobody saw')
    .option('--ack <ids>', 'acknowledge these (numbers with commas between, or all)')
    .option('--past', 'those that are over and were seen, too')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('../commands/alarms.ts')).alarmsCommand(options)));
  program
    .command('events')
    .description('what happened, oldest first')
    .option('--follow', 'and on, as it happens')
    .option('--json', 'one JSON object a line')
    .action(act(async (options) => (await import('../commands/events.ts')).eventsCommand(options)));
  program
    .command('verify [selector...]')
    .description('is each machine the one that the map says? reads host names from consoles, changes nothing')
    .option('--json', 'one JSON object a line')
    .action(act(async (options, words) => (await import('../commands/verify.ts')).verifyCommand(words, options)));
  program
    .command('discover')
    .description('who is on the bus, by UID and host name, as a configuration to begin with')
    .option('--write <file>', 'write it there; an existing file is not overwritten')
    .option('--force', 'overwrite it')
    .option('--no-hosts', 'leave consoles alone: no host names')
    .option('--json', 'one JSON object a node')
    .action(act(async (options) => (await import('../commands/discover.ts')).discoverCommand(options)));
  program
    .command('calibrate <selector...>')
    .description('what a count of current means, from what a meter shows at two loads or more')
    .option('--write', 'put it into the configuration')
    .option('--json', 'as JSON')
    .action(act(async (options, words) => (await import('../commands/calibrate.ts')).calibrateCommand(words, options)));
  program
    .command('bus [node]')
    .description('exchanges on the bus as they passed; bytes by hand with --raw')
    .option('--follow', 'and on, as they pass')
    .option('--json', 'one JSON object a line')
    .option('--raw <bytes>', "for the BIOS of the node, or 'master'; ^G means 0x07")
    .option('--confirm <name>', 'what it takes to send / \\ ~ | ] [ or ^G: the name of the node, or master')
    .action(act(async (options, words) => (await import('../commands/bus.ts')).busCommand(words, options)));
}
