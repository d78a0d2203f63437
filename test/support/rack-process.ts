/**
 * The process of the simulated racks of a tests' process, started with the first of them: a start of its own would take
 * each rack a quarter of a second of processor time. It ends with the tests' process.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { ownProgram } from './program.ts';

/** `stop`: the id of a rack that was started. */
export type Request = { id: number; start: string[] } | { id: number; stop: number };
export interface Answer {
  id: number;
  /** The rack's device, `/dev/pts/N`; empty once it is stopped. */
  port: string;
  error: string | null;
}

export class RackProcess {
  static #running: RackProcess | null = null;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;
  #said = '';

  private constructor() {
    this.#child = fork(ownProgram('rack-program'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#child.once('exit', () => {
      if (RackProcess.#running === this) RackProcess.#running = null;
      for (const [id, take] of this.#waiting) take({ id, port: '', error: `their process ended:\n${this.#said}` });
    });
    // It must not keep the tests' process running.
    this.#child.unref();
    this.#child.channel?.unref();
    (this.#child.stderr as unknown as { unref(): void } | null)?.unref();
  }

  static get running(): RackProcess {
    return (RackProcess.#running ??= new RackProcess());
  }

  /** Starts a rack; resolves its device, and the function that stops it. Rejects with the reason. */
  async start(args: string[]): Promise<{ port: string; stop: () => Promise<void> }> {
    const { id, port } = await this.#ask({ id: ++this.#asked, start: args });
    return { port, stop: async () => void (await this.#ask({ id: ++this.#asked, stop: id })) };
  }

  async #ask(request: Request): Promise<Answer> {
    this.#child.channel?.ref();
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(request.id, resolve);
      this.#child.send(request, (error) => {
        if (error) resolve({ id: request.id, port: '', error: `${error.message}\n${this.#said}` });
      });
    });
    if (this.#waiting.size === 0) this.#child.channel?.unref();
    if (answer.error !== null) throw new Error(`the simulated racks failed: ${answer.error}`);
    return answer;
  }
}
