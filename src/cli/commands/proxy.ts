/**
 * `rackui proxy`: connects standard input and output with the rack's server, for a rackui on another machine that runs it
 * by ssh. Finds or starts the server as every command does.
 */
import { connect } from 'node:net';
import { EXIT } from '../../api/power.ts';
import { type GlobalOptions, openClient } from '../server-connection.ts';
import { Failure, UsageFailure } from '../terminal-output.ts';

export async function proxyCommand(options: GlobalOptions): Promise<number> {
  const { stdin, stdout } = process;
  if (stdin.isTTY)
    throw new UsageFailure(
      "proxy is for a rackui on another machine, which runs it by ssh: 'rackui' alone is the interface",
    );
  const client = await openClient(options, 'proxy', { autostart: true });
  const { path } = client;
  if (path === null) throw new Failure(EXIT.usage, 'this rack is itself reached by ssh: list it where you are');
  const socket = connect(path);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => client.close());
      socket.once('close', () => resolve());
      stdout.once('error', () => socket.destroy());
      stdin.pipe(socket).pipe(stdout, { end: false });
    });
  } catch (error) {
    throw new Failure(EXIT.unavailable, `the server at ${path} went away: ${String(error)}`);
  } finally {
    client.close();
    stdin.destroy();
  }
  return EXIT.done;
}
