/**
 * `rackui plain`, or `rackui --plain`: the rack by words and sentences, for ears and for terminals that can do nothing.
 */
import { type GlobalOptions, openClient } from '../server-connection.ts';

/** `run`: one command line, as a shell would start it. */
export async function plainCommand(
  options: GlobalOptions,
  run: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const client = await openClient(options, 'plain', { autostart: true });
  try {
    const { plainSession } = await import('../plain/session.ts');
    const same = globalWords(options);
    return await plainSession(client, { stdin: process.stdin, run: (words) => run([...same, ...words]) });
  } finally {
    client.close();
  }
}

/** The options that lead to the same server, and the one that keeps output plain. */
function globalWords({ config, port, socket, viewOnly }: GlobalOptions): string[] {
  return [
    '--plain',
    ...(config === undefined ? [] : ['--config', config]),
    ...(port === undefined ? [] : ['--port', port]),
    ...(socket === undefined ? [] : ['--socket', socket]),
    ...(viewOnly === true ? ['--view-only'] : []),
  ];
}
