/** The shell on a node's console, for as long as one use needs it: reached, used, and left as it was found. */
import { randomBytes } from 'node:crypto';
import { Unavailable } from '../../lib/errors.ts';
import { commandLine, OutputReader, whyNotTyped } from '../../console/shell-command.ts';
import type { ConsoleArbiter } from '../../power/console-arbiter.ts';
import { ConsoleAccess } from '../../power/console-access.ts';
import { type CommandEnd, everyTick } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import { ShellLogin, type ShellPorts } from './login.ts';

const TICK_MS = 100;
/** Time for the shell to take a line, behind its last byte, ms. */
const TAKES_MS = 5_000;
/** Time after which a closed console is lost, ms: verbs for other nodes interrupt it for milliseconds. */
const LOST_MS = 10_000;
/** Time for a program to end after ^C, and then after ^\, ms. */
const ENDS_MS = 2_000;
/** Number of times that a line is typed whose end was not sent. */
const TYPED_MOST = 3;

/** Reason why waiting ended before its condition was met. */
export type Stopped = 'limit' | 'lost' | 'left';

export class NodeShell {
  readonly #ports: ShellPorts;
  readonly #addr: Address;
  readonly #signal: AbortSignal;
  readonly #console: ConsoleAccess;
  readonly #stopTicking: () => void;
  #login: ShellLogin | null = null;
  /** A login typed a user's name: the shell is left again in the end. */
  #loggedIn = false;
  #reader: OutputReader | null = null;
  #closedAt: number | null = null;
  #closedWhy = '';
  #gap = '';
  /** The last thing that came is a prompt, or may be one. */
  #atPrompt = false;
  #wakeUp: () => void = () => undefined;

  /** `id` names this use to others; `signal` ends it, with a reason. */
  constructor(
    ports: ShellPorts,
    { addr, id, session, arbiter }: { addr: Address; id: string; session: number; arbiter: ConsoleArbiter },
    signal: AbortSignal,
  ) {
    this.#ports = ports;
    this.#addr = addr;
    this.#signal = signal;
    const user = {
      ports,
      node: { addr },
      operation: { id },
      session,
      request: { takeConsole: false },
      console: arbiter,
    };
    this.#console = new ConsoleAccess(user, 'gives-way', {
      acquired: () => this.#login?.send({ kind: 'turn', at: ports.now() }),
      none: (why) => this.#login?.send({ kind: 'no-console', at: ports.now(), why }),
      condition: (condition) => {
        this.#closedAt = condition.open ? null : (this.#closedAt ?? ports.now());
        this.#closedWhy = condition.why;
        this.#login?.condition(condition);
        this.#wakeUp();
      },
      recognized: (recognition, at) => {
        this.#atPrompt = recognition.kind === 'shell' || (recognition.kind === 'output' && recognition.waits === true);
        this.#login?.send({ kind: 'recognized', at, recognition });
        this.#wakeUp();
      },
      output: (text) => {
        this.#reader?.feed(text);
        this.#wakeUp();
      },
      gap: (text) => (this.#gap = text),
    });
    this.#stopTicking = everyTick(ports, TICK_MS, {
      stalled: () => undefined,
      tick: (at) => {
        this.#console.tick(at);
        this.#login?.send({ kind: 'tick', at, wanted: false });
        this.#wakeUp();
      },
    });
    this.#signal.addEventListener('abort', this.#left, { once: true });
  }

  readonly #left = (): void => {
    this.#login?.giveUp(this.#whyLeft);
    this.#wakeUp();
  };

  /** Why the signal was aborted. */
  get #whyLeft(): string {
    return String(this.#signal.reason);
  }

  /**
   * Reaches the shell's prompt, also again: what is left in its line is cleared.
   * @throws {Unavailable} with a reason that follows the node's name
   */
  async reach(): Promise<void> {
    const login = new ShellLogin(this.#ports, this.#addr, this.#console);
    this.#login = login;
    if (this.#signal.aborted) this.#left();
    try {
      await login.reached;
    } finally {
      this.#loggedIn ||= login.loggedIn;
    }
    this.#atPrompt = true;
  }

  /** Runs one command. @throws {Unavailable} where the shell did not take it */
  async run(command: string, limitMs: number): Promise<CommandEnd> {
    const token = randomBytes(3).toString('hex');
    const line = commandLine(command, token);
    const wrong = whyNotTyped(line);
    if (wrong !== null) throw new Unavailable(`the command was not typed: ${wrong}`);
    const reader = new OutputReader(token);
    await this.typeLine(`${line}\r`, reader);
    const taken = await this.wait(() => reader.begun || reader.ended, TAKES_MS);
    if (taken !== null) {
      await this.interrupt();
      throw new Unavailable(`the shell did not take the command${this.reason(taken)}`);
    }
    this.#gap = '';
    const stopped = await this.wait(() => reader.ended, limitMs);
    const { output, truncated, code } = reader;
    if (stopped === null) {
      const why =
        this.#gap !== '' ? `output may be missing: ${this.#gap}` : code === null ? 'the node printed no exit code' : '';
      return { code, output, truncated, why };
    }
    const ended = stopped !== 'lost' && (await this.interrupt());
    const so = ended ? 'interrupted with Ctrl-C' : 'it may still run';
    const limit = `no end within ${Math.round(limitMs / 1000)} s`;
    const why =
      stopped === 'limit' ? limit : stopped === 'lost' ? `its console was lost: ${this.#closedWhy}` : this.#whyLeft;
    return { code: null, output, truncated, why: `${why}; ${so}` };
  }

  /**
   * Types a line at the prompt, and waits until it was sent. `text` ends with its only Enter, so where its end was not
   * sent, nothing runs: the prompt is reached again, and the line typed again. @throws {Unavailable} and nothing runs
   */
  async typeLine(text: string, reader: OutputReader | null): Promise<void> {
    for (let typed = 1; ; typed++) {
      const unsent = await this.type(text, reader);
      if (unsent === '') return;
      if (typed === TYPED_MOST) throw new Unavailable(`the command was not typed: ${unsent}`);
      await this.reach();
    }
  }

  /**
   * Types text whose answer `reader` reads, and waits until it was sent. Returns '', or the reason why its end was not
   * sent: some of it may have been.
   */
  async type(text: string, reader: OutputReader | null): Promise<string> {
    this.#reader = reader;
    this.#atPrompt = false;
    const refused = this.#console.type(text);
    if (refused !== '') return refused;
    return (await this.#console.left()) === null ? this.#closedWhy || 'the console was interrupted' : '';
  }

  /** Logs out where it logged in, and releases the console. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#left);
    if (this.#loggedIn && this.#closedAt === null) {
      // A prompt follows the end of the command within moments.
      await this.#settle(ENDS_MS);
      if (this.#atPrompt) await this.typeLine('exit\r', null).catch(() => undefined);
    }
    await this.#console.answered();
    this.#stopTicking();
    await this.#console.letGo();
  }

  /** Ends the program in the foreground. Returns whether a prompt came. */
  async interrupt(): Promise<boolean> {
    for (const key of ['\x03', '\x1c']) {
      if (this.#closedAt !== null) return false;
      this.#atPrompt = false;
      this.#console.type(key);
      if (await this.#settle(ENDS_MS)) return true;
    }
    return false;
  }

  /** Waits for a prompt, also where the client is gone. */
  async #settle(limitMs: number): Promise<boolean> {
    const until = this.#ports.now() + limitMs;
    while (!this.#atPrompt && this.#ports.now() < until) await this.#change();
    return this.#atPrompt;
  }

  /** Waits for a condition; returns null, or what came before it. */
  async wait(met: () => boolean, limitMs: number): Promise<Stopped | null> {
    const until = this.#ports.now() + limitMs;
    for (;;) {
      const now = this.#ports.now();
      if (met()) return null;
      if (this.#signal.aborted) return 'left';
      if (this.#closedAt !== null && now - this.#closedAt >= LOST_MS) return 'lost';
      if (now >= until) return 'limit';
      await this.#change();
    }
  }

  /** Resolves with the console's next output or condition, or the next tick. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wakeUp = resolve));
  }

  reason(stopped: Stopped): string {
    if (stopped === 'left') return `: ${this.#whyLeft}`;
    return stopped === 'lost' ? `: its console was lost: ${this.#closedWhy}` : '';
  }
}
