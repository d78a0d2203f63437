/**
 * The control socket: what stands in for hands in the rack. One JSON object a line: `{"id":1,"do":"off-late","node":"03",
 * "ms":500}` → `{"id":1,"ok":true,"result":…}` or `{"id":1,"ok":false,"error":"…"}`. It is no part of the rack: a driver
 * that is tested never sees it.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { SimHost } from './host.ts';
import { perform } from './verbs.ts';

export interface ControlServer {
  close(): void;
}

/** Listens at `path`; whatever lies there is replaced. */
export async function listen(path: string, host: SimHost): Promise<ControlServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    // A client that left without reading its answer.
    socket.on('error', () => socket.destroy());
    onLines(socket, (line) => void answer(line, host).then((said) => socket.write(`${JSON.stringify(said)}\n`)));
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`the control socket ${path} cannot be: ${error.message}`)));
    server.listen(path, resolve);
  });
  return {
    close() {
      server.close();
      for (const socket of clients) socket.destroy();
    },
  };
}

/** Calls `handle` with each whole line that `socket` receives. */
export function onLines(socket: Socket, handle: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') handle(line);
  });
}

interface Answer {
  id: unknown;
  ok: boolean;
  result?: unknown;
  error?: string;
}

async function answer(line: string, host: SimHost): Promise<Answer> {
  let id: unknown = null;
  try {
    const request = JSON.parse(line) as Record<string, unknown> | null;
    if (typeof request !== 'object' || request === null) throw new Error('a request is one JSON object a line');
    id = request['id'] ?? null;
    const { do: verb, ...params } = request;
    delete params['id'];
    if (typeof verb !== 'string') throw new Error(`a request says what to do: {"id":1,"do":"help"}`);
    return { id, ok: true, result: (await perform(host, verb, params)) ?? null };
  } catch (error) {
    return { id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
