/** A stand-in for NUT's upsd in this process, for virtual time: it answers what a server asks of its UPSes. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { onLines } from '../../src/sim/line-socket.ts';
import { upsVariables, type NutOptions, type NutServer } from './nut.ts';

export async function virtualNut(
  upses: readonly string[],
  { variables = {} }: Pick<NutOptions, 'variables'> = {},
): Promise<NutServer> {
  const values = new Map(upses.map((ups) => [ups, upsVariables(variables)]));
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;

  /** `session`: the name and password of its client so far. */
  function answer(line: string, session: Record<string, string>): string[] {
    const [verb = '', what = '', ups = ''] = line.split(' ');
    const known = values.get(ups);
    if (verb === 'LOGOUT') return ['OK Goodbye'];
    if (verb === 'USERNAME' || verb === 'PASSWORD') {
      session[verb] = what.replaceAll('"', '');
      return ['OK'];
    }
    if (verb === 'LOGIN')
      return [session.USERNAME === 'admin' && session.PASSWORD === 'x' ? 'OK' : 'ERR ACCESS-DENIED'];
    if (verb !== 'LIST' || what !== 'VAR') return ['ERR UNKNOWN-COMMAND'];
    if (known === undefined) return ['ERR UNKNOWN-UPS'];
    const present = Object.entries(known).filter(([, value]) => value !== '');
    return [
      `BEGIN LIST VAR ${ups}`,
      ...present.map(([name, value]) => `VAR ${ups} ${name} "${value}"`),
      `END LIST VAR ${ups}`,
    ];
  }

  async function stopUpsd(): Promise<void> {
    const former = server;
    server = null;
    for (const socket of sockets) socket.destroy();
    if (former) await new Promise((resolve) => former.close(resolve));
  }

  async function startUpsd(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const one of values.values()) Object.assign(one, changes);
    const next = createServer((socket) => {
      const session: Record<string, string> = {};
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      onLines(socket, (line) => {
        socket.write(`${answer(line, session).join('\n')}\n`);
        if (line === 'LOGOUT') socket.end();
      });
    });
    server = next;
    await new Promise<void>((resolve) => next.listen(port, '127.0.0.1', resolve));
    ({ port } = next.address() as AddressInfo);
  }

  await startUpsd();
  return {
    port,
    set(ups, variable, value) {
      Object.assign(values.get(ups) ?? {}, { [variable]: value });
      return Promise.resolve();
    },
    get: (ups, variable) => Promise.resolve(values.get(ups)?.[variable] ?? ''),
    ...{ stopUpsd, startUpsd },
    startUpsmon: () => {
      throw new Error('no program runs in virtual time');
    },
    [Symbol.asyncDispose]: stopUpsd,
  };
}
