/** `rackui server status|stop`: the server of this rack, never a new one. */
import { EXIT } from '../../api/power.ts';
import { silenceText, type Session } from '../../api/protocol.ts';
import { openClient, type GlobalOptions } from '../context.ts';
import { clock, iso } from '../dates.ts';
import { print, printJson } from '../output.ts';

export interface ServerOptions extends GlobalOptions {
  json?: boolean;
}

export async function serverStatusCommand(options: ServerOptions): Promise<number> {
  const client = await openClient(options, 'server status', { autostart: false });
  try {
    const info = await client.request('server.info', {});
    if (options.json === true) {
      printJson({ ...info, startedAt: iso(info.startedAt) });
      return EXIT.done;
    }
    print(`rackui ${info.version}, pid ${info.pid}, user ${info.user}, since ${clock(info.startedAt)}`);
    print(`port ${info.port}, socket ${info.socket}`);
    print(`state in ${info.stateDir}, configuration ${info.config ?? 'none: the bus is scanned'}`);
    if (info.autostarted) print('started by a client: leaves when nobody needs it');
    for (const session of info.sessions) print(`session ${sessionText(session, client.now())}`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

/** Done when the connection ends: then nobody holds the port any more, or is about to let it go. */
export async function serverStopCommand(options: ServerOptions): Promise<number> {
  const client = await openClient(options, 'server stop', { autostart: false });
  try {
    const { pid } = client.welcome;
    const gone = new Promise<void>((resolve) => client.onClose(() => resolve()));
    await client.request('server.stop', {});
    await gone;
    print(`the server (pid ${pid}) leaves`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

function sessionText({ id, who, since, access, silentSince }: Session, now: number): string {
  const from = who.from === null ? '' : ` from ${who.from}`;
  const silence = silentSince === null ? '' : `, ${silenceText(silentSince, now)}: stopped, or cut off`;
  return `${id}: ${who.user}${from}, ${who.program} (pid ${who.pid}), ${access}, since ${clock(since)}${silence}`;
}
