/** `rackui demo`: simulated rack, server and interface in one command. */
import { DemoRack } from '../demo-rack.ts';
import { openClient } from '../server-connection.ts';
import { print, reportEnd, UsageFailure } from '../terminal-output.ts';
import { interfaceOptions, type LookOptions } from './tui.ts';

export interface DemoOptions extends LookOptions {
  rack?: string;
  seed?: string;
  headless?: boolean;
  plain?: boolean;
}

/** `run`: runs one command line that was typed into the plain interface. */
export async function demoCommand(
  options: DemoOptions,
  run: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const demo = await DemoRack.start(options);
  try {
    const tui = options.headless === true || options.plain === true ? null : await import('../../tui/app.ts');
    if (tui !== null) {
      const { refuseTerminal } = await import('../../tui/terminal/terminal.ts');
      const refusal = refuseTerminal(process.env, process.stdin, process.stdout);
      if (refusal !== null) throw new UsageFailure(refusal);
    }
    await demo.ready;
    if (options.plain === true && options.headless !== true) {
      const { plainCommand } = await import('../plain/session.ts');
      return await plainCommand({ socket: demo.socket }, run);
    }
    if (tui === null) {
      print(`port ${demo.port}`);
      print(`socket ${demo.socket}`);
      print(`control ${demo.control}`);
      print('ready');
      return await demo.untilAskedToLeave();
    }
    const open = (): ReturnType<typeof openClient> =>
      openClient({ socket: demo.socket }, 'interface', { autostart: false });
    const usual = await interfaceOptions(options);
    const { code, message } = await tui.runInterface({
      ...usual,
      settings: { ...usual.settings, demo: true },
      mains: (on) => demo.mains(on),
      racks: [{ client: await open(), reconnect: open }],
      viewOnly: false,
    });
    reportEnd(code, message);
    return code;
  } finally {
    await demo.end();
  }
}
