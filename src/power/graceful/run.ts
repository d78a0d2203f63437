/** Runs one node's shutdown: events in one order, effects performed in one place. */
import { ConsoleReader } from '../../console/reader.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import type { Job } from '../job.ts';
import { nameOf } from '../job.ts';
import { ConsoleHeld, type Credentials, type OperationConsole } from '../ports.ts';
import { cutPower, type Switched } from '../power-switch.ts';
import { initialShutdown, type Effect, type Ground, type Shutdown, type ShutdownEvent, type Target } from './state.ts';
import { update } from './update.ts';
import { viewOf } from './view.ts';

/** How often time is looked at; prompts are recognised after 300 ms of silence. */
const TICK_MS = 100;
/** Looking for a prompt on a console that opened (SHUTDOWN section 1). */
const PREFLIGHT_MS = 10_000;

const GROUNDS: Record<Ground, string> = {
  halted: 'the kernel’s last line was read after the request, and nothing followed it',
  forced: 'an operator chose to cut and typed the name',
  deadline: 'the deadline passed; cutting then was confirmed beforehand',
};

/**
 * Asks the node's operating system to shut down, watches it halt, and cuts. Resolves with what became of the cut; with
 * null when there was none and the node's record has ended. The caller ends the record otherwise.
 */
export async function shutDown(job: Job): Promise<Switched | null> {
  const run = new ShutdownRun(job);
  try {
    return await run.finished;
  } finally {
    await run.dispose();
  }
}

class ShutdownRun {
  readonly finished: Promise<Switched | null>;
  readonly #job: Job;
  readonly #reader = new ConsoleReader();
  readonly #stopTicking: () => void;
  readonly #onAbort: () => void;
  #resolve: (switched: Switched | null) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #state: Shutdown;
  #events: ShutdownEvent[] = [];
  #applying = false;
  #console: OperationConsole | null = null;
  #acquiring = false;
  #credentials: Credentials | null = null;
  #cut: Switched | null = null;
  #disposed = false;

  constructor(job: Job) {
    const { ports, signal } = job;
    this.#job = job;
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#state = initialShutdown(targetOf(job), ports.now());
    this.#stopTicking = ports.every(TICK_MS, () => this.#tick());
    this.#onAbort = () => this.#send({ kind: 'abort', at: ports.now() });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    job.onAnswer = (choice, by) => this.#send({ kind: 'answer', at: ports.now(), choice, by: nameOf(by) });
    this.#send({ kind: 'start', at: ports.now() });
    if (signal.aborted) this.#onAbort();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#stopTicking();
    this.#job.signal.removeEventListener('abort', this.#onAbort);
    this.#job.onAnswer = null;
    this.#credentials = null;
    await this.#console?.release();
    this.#console = null;
  }

  #tick(): void {
    const at = this.#job.ports.now();
    for (const recognition of this.#reader.tick(at)) this.#send({ kind: 'heard', at, recognition });
    this.#send({ kind: 'tick', at });
  }

  /** Events are taken one after another: an effect may bring the next one before this one is done. */
  #send(event: ShutdownEvent): void {
    if (this.#disposed) return;
    this.#events.push(event);
    if (this.#applying) return;
    this.#applying = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#apply(next);
    } catch (error) {
      this.#reject(error);
    } finally {
      this.#applying = false;
    }
  }

  #apply(event: ShutdownEvent): void {
    const { node } = this.#job;
    const { state, effects } = update(this.#state, event);
    this.#state = state;
    // What was proven, first: it travels with the change of phase.
    for (const effect of effects) if (effect.do === 'prove') node.prove(effect.kind, effect.text);
    const { stage } = state;
    if (stage.is !== 'ended') {
      const { phase, detail, until, question } = viewOf(state);
      node.show(phase, detail, until, question);
    }
    for (const effect of effects) this.#perform(effect);
    if (stage.is !== 'ended') return;
    if (this.#cut === null) node.end(stage.outcome, stage.detail);
    this.#resolve(this.#cut);
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'prove':
        return;
      case 'acquire':
        return void this.#acquire();
      case 'type': {
        this.#type(effect.text);
        return;
      }
      case 'request':
        return void this.#request(effect.text);
      case 'listen': {
        this.#reader.requested();
        return;
      }
      case 'ask-credentials':
        return void this.#askCredentials();
      case 'type-user': {
        this.#type(`${this.#credentials?.user ?? ''}\r`);
        return;
      }
      case 'type-password': {
        this.#typePassword();
        return;
      }
      case 'cut':
        return void this.#cutPower(effect.ground);
    }
  }

  async #acquire(): Promise<void> {
    const { ports, node, operation, session, request } = this.#job;
    if (this.#acquiring) return;
    this.#acquiring = true;
    try {
      const former = this.#console;
      this.#console = null;
      await former?.release();
      const console = await ports.console.acquire(node.addr, operation.id, { session, take: request.takeConsole });
      if (this.#disposed) {
        await console.release();
        return;
      }
      this.#console = console;
      console.onText((text, at) => {
        for (const recognition of this.#reader.feed(text, at)) this.#send({ kind: 'heard', at, recognition });
      });
      console.onState((condition) => this.#send({ kind: 'console', at: ports.now(), condition }));
    } catch (error) {
      const why = error instanceof ConsoleHeld ? `${error.holder} holds the console` : reason(error);
      this.#send({ kind: 'no-console', at: ports.now(), why });
    } finally {
      this.#acquiring = false;
    }
  }

  /** That it was asked is on the disk before it is asked; a disk that fails is told, and does not hold this up. */
  async #request(text: string): Promise<void> {
    await this.#job.operation.journalled().catch(() => undefined);
    if (this.#disposed || this.#state.stage.is !== 'asked') return;
    this.#reader.requested();
    this.#type(text);
  }

  async #askCredentials(): Promise<void> {
    const { ports, node } = this.#job;
    let why = 'none are configured';
    try {
      this.#credentials = await ports.credentials(node.addr);
    } catch {
      // The reason may quote what a password program printed.
      why = 'they could not be read';
    }
    if (this.#credentials) this.#reader.conceal(this.#credentials.password);
    this.#send({ kind: 'credentials', at: ports.now(), user: this.#credentials?.user ?? null, why });
  }

  #typePassword(): void {
    const password = this.#credentials?.password ?? '';
    const { refused } = this.#console?.type(`${password}\r`) ?? { refused: 'there is no console' };
    if (refused !== null) this.#send({ kind: 'refused', at: this.#job.ports.now(), why: refused });
  }

  #type(text: string): void {
    const at = this.#job.ports.now();
    this.#reader.sent(text, at);
    const { refused } = this.#console?.type(text) ?? { refused: 'there is no console' };
    if (refused !== null) this.#send({ kind: 'refused', at, why: refused });
  }

  async #cutPower(ground: Ground): Promise<void> {
    try {
      const switched = await cutPower(this.#job, GROUNDS[ground]);
      const { ok } = switched;
      if (ok || switched.sent) this.#cut = switched;
      const result = ok
        ? { sent: true, outcome: 'done' as const, detail: 'is off' }
        : { sent: switched.sent, outcome: switched.outcome, detail: switched.detail };
      this.#send({ kind: 'cut-done', at: this.#job.ports.now(), ok, ...result });
    } catch (error) {
      this.#reject(error);
    }
  }
}

function targetOf({ ports, node, request, deadlineAt }: Job): Target {
  const { request: asking, acknowledged, stopping, hard, settle } = ports.limits;
  const { configured } = ports.inventory();
  return {
    name: node.name,
    place: `${formatPosition(node.addr)}, ${formatAddress(node.addr)}`,
    // Where the bus was scanned for nodes, nobody said how they are called.
    host: configured ? node.name : null,
    limits: {
      preflight: PREFLIGHT_MS,
      request: asking * 1000,
      acknowledged: acknowledged * 1000,
      stopping: stopping * 1000,
      hard: hard * 1000,
      settle: settle * 1000,
    },
    deadlineAt,
    onDeadline: request.onDeadline,
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
