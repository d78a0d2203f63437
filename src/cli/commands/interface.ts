/** `rackui` without a command: the full-screen interface. */
import type { RackClient } from '../../client/client.ts';
import { keepYoungSmall } from '../../config/garbage.ts';
import { openClient, type GlobalOptions } from '../context.ts';
import { UsageFailure } from '../failure.ts';
import { interfaceOptions, type LookOptions } from '../interface-options.ts';
import { tellEnd } from '../output.ts';
import { rackListOf, withOneRack } from '../racks.ts';

type CommandOptions = GlobalOptions & LookOptions;

/** A rack's server as the interface wants it. */
interface Access {
  client: RackClient;
  notice: string | null;
  reconnect: () => Promise<RackClient>;
}

export async function interfaceCommand(options: CommandOptions): Promise<number> {
  keepYoungSmall();
  const { stdin, stdout, env } = process;
  // The answer of the server and the interface's code load at the same time; but no server is started for a terminal
  // that will be refused.
  const hopeful = stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb';
  const opening = hopeful ? openRacks(options) : null;
  opening?.catch(() => undefined);
  try {
    const [{ refuseTerminal }, { runInterface }] = await Promise.all([
      import('../../tui/terminal-environment.ts'),
      import('../../tui/interface.ts'),
    ]);
    const refusal = refuseTerminal(env, stdin, stdout);
    if (refusal !== null) throw new UsageFailure(refusal);
    const common = await interfaceOptions(options);
    const { code, message } = await runInterface({
      ...common,
      racks: await (opening ?? openRacks(options)),
      viewOnly: options.viewOnly === true,
    });
    tellEnd(code, message);
    return code;
  } finally {
    // Also where they were opened for nothing: an open connection would keep this process.
    opening?.then((racks) => racks.forEach(({ client }) => client.close())).catch(() => undefined);
  }
}

/** One rack's server, or those of all that are configured; a server that must be started is started for all of them. */
async function openRacks(options: CommandOptions): Promise<Access[]> {
  const list = options.rack === undefined ? await rackListOf(options) : null;
  if (list === null) {
    const one = await withOneRack(options);
    return [await opened((warn) => openClient(one, 'interface', { autostart: true, warn }))];
  }
  const accesses: Access[] = [];
  for (const { path } of list.racks) {
    const open = (warn: Warn): Promise<RackClient> =>
      openClient({ ...options, config: path }, 'interface', { autostart: true, serve: list.path, warn });
    accesses.push(await opened(open));
  }
  return accesses;
}

type Warn = (text: string) => void;

/** What is to be said of a server that is started is said in the interface: it takes the screen. */
async function opened(open: (warn: Warn) => Promise<RackClient>): Promise<Access> {
  let notice: string | null = null;
  const client = await open((text) => (notice = text));
  return { client, notice, reconnect: () => open(() => undefined) };
}
