/** `rackui sim`: the simulated rack as a program of its own. */
import { Command } from 'commander';
import { simCtl, startControlled } from './control/socket.ts';
import { SimHost } from './host.ts';
import { optionsOf, type SimOptions, withSimOptions } from './options.ts';
import { ReplayHost } from './replay.ts';

/**
 * Runs the command line after `rackui sim`. Returns the exit code. @throws {CommanderError} or an Error for operators
 */
export async function simulate(words: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = withSimOptions(new Command('rackui sim'))
    .description(
      "Simulated rack behind a pseudo-terminal: prints 'port DEVICE', 'control SOCKET' and 'ready', then runs until it is interrupted.",
    )
    .exitOverride()
    .enablePositionalOptions()
    .action(async () => {
      exitCode = await runSim(optionsOf(program));
    });
  program
    .command('ctl <control> [verb...]')
    .description("show a rack's true state, set faults; the verb 'help' lists all verbs")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (control: string, verb: string[]) => {
      exitCode = await simCtl(control, verb);
    });
  await program.parseAsync([...words], { from: 'user' });
  return exitCode;
}

/**
 * Runs until SIGINT, SIGTERM, SIGHUP, or the end of standard input where `--exit-with-stdin` asks for it. Returns the
 * exit code.
 */
export async function runSim(options: SimOptions): Promise<number> {
  const host = options.replay === null ? await startControlled(options) : new ReplayHost(options.replay, options.link);
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    if (options.exitWithStdin)
      process.stdin.once('error', resolve).once('close', resolve).once('end', resolve).resume();
  });
  const control = host instanceof SimHost ? `control ${host.control}\n` : '';
  const ups = host instanceof SimHost && host.upsPort !== null ? `upsd 127.0.0.1:${host.upsPort}\n` : '';
  process.stdout.write(`port ${host.port ?? ''}\n${control}${ups}ready\n`);
  await ended;
  host.close();
  // After a signal an open standard input would keep the process running.
  if (options.exitWithStdin) process.stdin.destroy();
  return 0;
}
