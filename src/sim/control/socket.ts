/**
 * The control socket, which replaces manual work at the rack, with its server and its client
 * (`rackui sim ctl SOCKET VERB …`, and tests). One JSON object a line: `{"id":1,"do":"off-late","node":"03","ms":500}`
 * → `{"id":1,"ok":true,"result":…}` or `{"id":1,"ok":false,"error":"…"}`. It is no part of the rack: a driver under
 * test never sees it.
 */
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { SimHost } from '../host.ts';
import { onLines } from '../line-socket.ts';
import type { SimOptions } from '../options.ts';
import { paramsFromWords, perform } from './dispatch.ts';

interface ControlServer {
  close(): void;
}

/**
 * Starts a rack that is controlled through its socket. @throws {Error} for operators where one of its parts cannot be
 * used
 */
export async function startControlled(options: SimOptions): Promise<SimHost> {
  const host = await SimHost.start(options);
  try {
    const server = await listen(host.control, host);
    host.onClose(() => server.close());
  } catch (error) {
    host.close();
    throw error;
  }
  return host;
}

/** Listens at `path`; replaces any file there. */
async function listen(path: string, host: SimHost): Promise<ControlServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    // A client may close before it reads its answer.
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

export class SimControl {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    onLines(socket, (line) => {
      const { id, ok, result, error } = JSON.parse(line) as { id: number; ok: boolean; result: unknown; error: string };
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (ok) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      for (const call of this.waiting.values()) call.reject(new Error('the simulator has ended'));
      this.waiting.clear();
    });
  }

  /** Connects to a simulator. Rejects with an Error for operators when no simulator listens there. */
  static async connect(path: string): Promise<SimControl> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new Error(`no simulator listens at ${path} (${error.message})`)));
    });
    return new SimControl(socket);
  }

  /** Sends a verb. Rejects with the simulator's message when it fails. */
  request(verb: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new Error('the simulator has ended'));
        return;
      }
      this.waiting.set(id, { resolve, reject });
      this.socket.write(`${JSON.stringify({ id, do: verb, ...params })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/**
 * Performs `words` (verb, then values in order or as name=value) and prints the result as JSON. Returns 0; throws an
 * Error for operators.
 */
export async function simCtl(controlPath: string, words: readonly string[]): Promise<number> {
  const [verb = 'help', ...rest] = words;
  const params = paramsFromWords(verb, rest);
  const control = await SimControl.connect(controlPath);
  try {
    const result = await control.request(verb, params);
    // Help is plain text already.
    process.stdout.write(typeof result === 'string' ? `${result}\n` : `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } finally {
    control.close();
  }
}
