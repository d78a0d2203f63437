/**
 * `rackui plain`, or `rackui --plain`: the rack in words and sentences, for screen readers and for simple
 * terminals.
 */
import { type GlobalOptions, openClient } from '../server-connection.ts';

/** `run`: runs one command line, as a shell would. */
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

/** Returns the options that lead to the same server, and the one that keeps output plain. */
function globalWords({ config, port, socket, viewOnly }: GlobalOptions): string[] {
  return [
    '--plain',
    ...(config === undefined ? [] : ['--config', config]),
    ...(port === undefined ? [] : ['--port', port]),
    ...(socket === undefined ? [] : ['--socket', socket]),
    ...(viewOnly === true ? ['--view-only'] : []),
  ];
}
