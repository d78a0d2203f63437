/** Words of the commands around the server: demo, serve, doctor, server, config. */
import { Option, type Command } from 'commander';
import { SEVERAL, type Act, type Run } from './act.ts';

export function declareServing(program: Command, act: Act, run: Run): void {
  program
    .command('demo')
    .description('simulated rack, server and interface in one; nothing stays behind')
    .option('--rack <file>', 'nodes of the simulated rack (default: the reference rack of 24)')
    .option('--seed <number>', 'everything that looks random follows from it')
    .option('--headless', 'no interface: print port and socket, and wait')
    .action(act(async (options) => (await import('../commands/demo.ts')).demoCommand(options, run), SEVERAL));
  // Only for `--help`: `run` has handed the words over before they come here.
  program.command('sim').description("simulated rack behind a pseudo-terminal; see 'rackui sim --help'");
  program
    .command('serve')
    .description('own the port and serve clients')
    .option('--state <directory>', 'logs and state')
    .option('--record <file>', 'write down every byte of the line; secrets are masked')
    .addOption(new Option('--autostarted', 'started by a client: leave when nobody needs it').hideHelp())
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp())
    .action(act(async (options) => (await import('../commands/serve.ts')).serveCommand(options), SEVERAL));
  program
    .command('doctor')
    .description('port, rights, other programs, the Pi, the bus: what is wrong and what to do; changes nothing')
    .option('--json', 'as JSON')
    .option('--ups', 'the UPS, its software, its users and the plans instead: would the rack go down in order?')
    .option('--root <directory>', 'look at this copy of a machine’s files instead; no bus is asked')
    .action(
      act(async (options) =>
        'ups' in options && options.ups === true
          ? (await import('../commands/doctor-ups.ts')).doctorUps(options)
          : (await import('../commands/doctor.ts')).doctorCommand(options),
      ),
    );
  const server = program.command('server').description('the server of this rack');
  server
    .command('status')
    .description('whose it is, where, and who is connected')
    .option('--json', 'as JSON')
    .action(act(async (options) => (await import('../commands/server.ts')).serverStatusCommand(options)));
  server
    .command('reload')
    .description('read the configuration file anew; says what needs a restart')
    .action(act(async (options) => (await import('../commands/server.ts')).serverReloadCommand(options)));
  server
    .command('stop')
    .description('end it; refused while operations run')
    .action(act(async (options) => (await import('../commands/server.ts')).serverStopCommand(options)));
  const config = program.command('config').description('the configuration file');
  for (const [name, description] of [
    ['check', 'is it right, and what does it say'],
    ['show', 'with every default filled in'],
    ['schema', 'JSON schema, for editors'],
  ] as const)
    config
      .command(name)
      .description(description)
      .action(act(async (options) => (await import('../commands/config.ts')).configCommand(name, options), SEVERAL));
}
