/** `rackui` without a command: the full-screen interface. */
import type { RackClient } from '../../client/client.ts';
import { join } from 'node:path';
import { stateDirectory } from '../../config/paths.ts';
import { openClient, type GlobalOptions } from '../context.ts';
import { UsageFailure } from '../failure.ts';
import { collectGarbage, keepYoungSmall } from '../../config/garbage.ts';
import { depthOf, themeNamed } from '../theme.ts';
import { tellEnd } from '../output.ts';

export interface InterfaceOptions extends GlobalOptions {
  theme?: string;
  colours?: string;
  ascii?: boolean;
}

export async function interfaceCommand(options: InterfaceOptions): Promise<number> {
  keepYoungSmall();
  const { stdin, stdout, env } = process;
  const open = (): Promise<RackClient> => openClient(options, 'interface', { autostart: true });
  // The answer of the server and the interface's code load at the same time; but no server is started for a terminal
  // that will be refused.
  const hopeful = stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb';
  const opening = hopeful ? open() : null;
  opening?.catch(() => undefined);
  try {
    const { refuseTerminal, runInterface } = await import('../../tui/interface.ts');
    const refusal = refuseTerminal(env, stdin, stdout);
    if (refusal !== null) throw new UsageFailure(refusal);
    const { code, message } = await runInterface({
      client: await (opening ?? open()),
      stdin,
      stdout,
      collect: collectGarbage,
      theme: await themeNamed(options.theme),
      depth: depthOf(options.colours),
      ascii: options.ascii === true,
      viewOnly: options.viewOnly === true,
      saveDirectory: join(stateDirectory(), 'saved'),
      viewFile: join(stateDirectory(), 'interface.json'),
      reconnect: open,
    });
    tellEnd(code, message);
    return code;
  } finally {
    // Also where it was opened for nothing: an open connection would keep this process.
    opening?.then((client) => client.close()).catch(() => undefined);
  }
}
