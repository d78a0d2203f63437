/** `rackui` without a command: the full-screen interface. */
import { openClient, type GlobalOptions } from '../context.ts';
import { missing, UsageFailure } from '../failure.ts';

export interface InterfaceOptions extends GlobalOptions {
  theme?: string;
  ascii?: boolean;
}

export async function interfaceCommand(options: InterfaceOptions): Promise<number> {
  const { stdin, stdout } = process;
  // The answer of the server and the interface's code load at the same time.
  const opening = openClient(options, 'interface', { autostart: true });
  opening.catch(() => undefined);
  const { refuseTerminal, runInterface } = await import('../../tui/interface.ts').catch(missing);
  const refusal = refuseTerminal(process.env, stdin, stdout);
  if (refusal !== null) {
    opening.then((client) => client.close()).catch(() => undefined);
    throw new UsageFailure(refusal);
  }
  return runInterface({
    client: await opening,
    stdin,
    stdout,
    theme: options.theme ?? 'dark',
    ascii: options.ascii === true,
    viewOnly: options.viewOnly === true,
    reconnect: () => openClient(options, 'interface', { autostart: true }),
  });
}
