/** The control socket's client: `rackui sim ctl SOCKET VERB …`, and the same for tests. */
import { createConnection, type Socket } from 'node:net';
import { onLines } from './control.ts';
import { paramsFromWords } from './verbs.ts';

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

  /** Rejects with an Error in words when no simulator listens there. */
  static async connect(path: string): Promise<SimControl> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new Error(`no simulator listens at ${path} (${error.message})`)));
    });
    return new SimControl(socket);
  }

  /** Rejects with the simulator's sentence when it does not do it. */
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

/** Does `words` (verb, then values in order or as name=value), prints the result as JSON. Returns 0; throws an Error in words. */
export async function simCtl(controlPath: string, words: readonly string[]): Promise<number> {
  const [verb = 'help', ...rest] = words;
  const params = paramsFromWords(verb, rest);
  const control = await SimControl.connect(controlPath);
  try {
    const result = await control.request(verb, params);
    // Help is text for a person already.
    process.stdout.write(typeof result === 'string' ? `${result}\n` : `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } finally {
    control.close();
  }
}
