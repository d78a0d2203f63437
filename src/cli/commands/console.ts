/** `rackui console NODE`. */
import { RPC_ERROR } from '../../api/protocol.ts';
import { EXIT } from '../../api/power.ts';
import { openClient, type GlobalOptions } from '../context.ts';
import { explain, Failure, UsageFailure } from '../failure.ts';
import { busUsable } from '../status-report.ts';
import { knownRack, targetsOf } from '../targets.ts';

export interface ConsoleOptions extends GlobalOptions {
  /** Take the keyboard, and the console from another node where somebody else types. */
  force?: boolean;
}

export async function consoleCommand(word: string, options: ConsoleOptions): Promise<number> {
  const client = await openClient(options, 'console', { autostart: true });
  try {
    const rack = await knownRack(client);
    if (!busUsable(rack.bus.state)) throw new Failure(EXIT.unavailable, rack.bus.detail);
    const [node, ...others] = targetsOf([word], rack).nodes;
    if (node === undefined || others.length > 0) throw new UsageFailure(`'${word}' means several nodes: name one`);
    const take = options.force === true;
    const { stdin, stdout } = process;
    if (stdin.isTTY && stdout.isTTY) {
      if (process.env.TERM === 'dumb')
        throw new UsageFailure(
          'TERM=dumb cannot show a console: pipe lines in instead (echo uptime | rackui console …)',
        );
      const { liveConsole } = await import('../console/live.ts');
      return await liveConsole(client, node, take, stdin, stdout);
    }
    const { scriptConsole } = await import('../console/script.ts');
    return await scriptConsole(client, node, take);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === RPC_ERROR.held)
      throw new Failure(explain(error).exitCode, `${error.message}; take it with --force`);
    throw error;
  } finally {
    client.close();
  }
}
