/** Runs one node's shutdown: events in one order, effects performed in one place. */
import { count } from '../../lib/words.ts';
import { ConsoleAccess } from '../console-access.ts';
import { runHooks } from '../hooks.ts';
import { type Job, nameOf } from '../operation.ts';
import { type Credentials, everyTick, pause } from '../ports.ts';
import { cutPower, type Switched } from '../power-command.ts';
import { update } from './machine.ts';
import { LifeProbes } from './probes.ts';
import { viewOf } from './progress-view.ts';
import { type Effect, type Ground, initialShutdown, type Shutdown, type ShutdownEvent } from './state.ts';
import { targetOf } from './target.ts';
import { untilDeadMs } from './touch.ts';

/** Interval of the time events, ms; prompts are recognised after 300 ms of silence. */
const TICK_MS = 100;
/**
 * Limit for a write to the disk, ms; a slower disk is reported and delays neither the shutdown nor other nodes that
 * wait for the console.
 */
const DISK_MS = 20_000;
/** Assumed duration of a shutdown that was never observed here, ms; it only matters that all nodes get the same. */
const UNKNOWN_MS = 30_000;

const GROUNDS: Record<Ground, string> = {
  halted:
    'grade A: the kernel’s last line was read after the request, nothing followed it, and the machine does not respond to a keystroke',
  composite: 'grade B: its console is silent, its network gone, its current steady in its halt band',
  forced: 'an operator chose to cut and typed the name',
  deadline: 'the deadline passed; cutting then was confirmed beforehand',
};

/**
 * Requests a shutdown from the node's operating system, watches it halt, and cuts. Resolves with the result of the cut,
 * where the caller ends the node's record; with null where there was no cut and the record has ended.
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
  readonly #console: ConsoleAccess;
  readonly #signs: LifeProbes;
  /** Ends programs and ssh clients that still run. */
  readonly #over = new AbortController();
  readonly #stopTicking: () => void;
  readonly #onAbort: () => void;
  #resolve: (switched: Switched | null) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #state: Shutdown;
  #events: ShutdownEvent[] = [];
  #applying = false;
  #credentials: Credentials | null = null;
  #cut: Switched | null = null;
  /** Withdraws the verb before it is sent. */
  #recall = new AbortController();
  /** Expected time of its last line, epoch ms, or null. */
  #dueAt: number | null = null;
  /** Time at which this shutdown last got the console, epoch ms. */
  #acquiredAt = 0;

  constructor(job: Job) {
    const { ports, signal } = job;
    this.#job = job;
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#console = new ConsoleAccess(job, 'keeps', {
      acquired: () => {
        this.#acquiredAt = ports.now();
        this.#send({ kind: 'turn', at: this.#acquiredAt });
      },
      none: (why) => this.#send({ kind: 'no-console', at: ports.now(), why }),
      condition: (condition) => this.#send({ kind: 'console', at: ports.now(), condition }),
      recognized: (recognition, at) => this.#send({ kind: 'recognized', at, recognition }),
      output: (text, at) => this.#state.stage.is === 'settle' && this.#send({ kind: 'output', at, text }),
    });
    this.#signs = new LifeProbes(job, (event) => this.#send(event));
    this.#state = initialShutdown(targetOf(job), ports.now());
    this.#stopTicking = everyTick(ports, TICK_MS, {
      stalled: (at, ms) => this.#send({ kind: 'stalled', at, ms }),
      tick: (at) => this.#tick(at),
    });
    this.#onAbort = () => this.#send({ kind: 'abort', at: ports.now() });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    job.onAnswer = (choice, by) => this.#send({ kind: 'answer', at: ports.now(), choice, by: nameOf(by) });
    this.#send({ kind: 'start', at: ports.now() });
    if (signal.aborted) this.#onAbort();
    // Its running current, for the halt band.
    else void this.#signs.sample();
  }

  async dispose(): Promise<void> {
    this.#over.abort();
    this.#stopTicking();
    this.#job.signal.removeEventListener('abort', this.#onAbort);
    this.#job.onAnswer = null;
    this.#credentials = null;
    await this.#console.answered();
    await this.#console.letGo();
  }

  #tick(at: number): void {
    this.#console.tick(at);
    const { wanted, urgent } = this.#job.console;
    const { patienceMs = Infinity } = this.#job.plan ?? {};
    const pressed = wanted && this.#console.held && at - this.#acquiredAt >= patienceMs;
    this.#send({ kind: 'tick', at, wanted, urgent, pressed });
    this.#signs.probe(this.#state.stage.is, at, this.#console);
  }

  /** Handles events one after another: an effect may send the next one before this one is done. */
  #send(event: ShutdownEvent): void {
    if (this.#over.signal.aborted) return;
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
    // Evidence first: it is published with the change of phase.
    for (const effect of effects) if (effect.do === 'prove') node.prove(effect.kind, effect.text);
    for (const effect of effects)
      if (effect.do === 'observe') this.#observe(effect.running, effect.halted);
      else if (effect.do === 'took') this.#job.ports.durations.recordDuration(node.addr, 'off', effect.ms);
    const { stage } = state;
    if (stage.is !== 'ended') {
      const { phase, detail, until, question } = viewOf(state);
      node.show(phase, detail, until, question);
    }
    for (const effect of effects) this.#perform(effect);
    if (stage.is !== 'ended') return;
    if (this.#cut === null) node.end(stage.outcome, stage.detail, stage.again);
    this.#resolve(this.#cut);
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'prove':
      case 'observe':
      case 'took':
        return;
      case 'acquire':
        return void this.#console.acquire(effect.use, this.#dueAt);
      case 'let-go':
        return void this.#console.letGo();
      case 'look':
        return void this.#readScreen();
      case 'type':
        this.#type(effect.text);
        return;
      case 'journal':
        return void this.#journal();
      case 'request':
        return void this.#request(effect.text);
      case 'asked':
        this.#asked(effect.how);
        return;
      case 'listen':
        this.#asked('is being shut down by hand on its console');
        this.#console.lend();
        this.#console.reader.requested();
        return;
      case 'up-for':
        this.#console.reader.upFor(effect.seconds);
        return;
      case 'run-hooks':
        return void this.#runHooks();
      case 'space':
        return void this.#space();
      case 'ask-ssh':
        return void this.#askBySsh();
      case 'sample':
        return void this.#signs.sample();
      case 'ask-credentials':
        return void this.#askCredentials();
      case 'type-user':
        this.#type(`${this.#credentials?.user ?? ''}\r`);
        return;
      case 'type-password':
        this.#typePassword(this.#credentials?.password ?? '');
        return;
      case 'cut':
        return void this.#cutPower(effect.ground);
      case 'recall':
        this.#recall.abort();
        return;
    }
  }

  /** Writes the state to the disk. The operation's record reports a disk that fails; a slow one is reported here. */
  async #journal(): Promise<void> {
    const { ports, node, operation } = this.#job;
    const written = new AbortController();
    const end = (): void => written.abort();
    operation.journalled().then(end, end);
    const late = await pause(ports, DISK_MS, AbortSignal.any([written.signal, this.#over.signal]));
    if (late) {
      const text = `the journal has not been written for ${DISK_MS / 1000} s: ${node.name} is asked to shut down nevertheless`;
      ports.event('alarm', node.addr, text);
    }
    this.#send({ kind: 'journalled', at: ports.now() });
  }

  async #request(text: string): Promise<void> {
    this.#console.reader.requested();
    const why = this.#console.type(text);
    if (why !== '') {
      this.#send({ kind: 'refused', at: this.#job.ports.now(), why });
      return;
    }
    const leftAt = await this.#console.left();
    // It halts now, also where the operation has ended meanwhile.
    if (leftAt !== null && this.#over.signal.aborted) this.#asked('was asked to shut down on its console');
    const at = this.#job.ports.now();
    this.#send(leftAt === null ? { kind: 'unsent', at } : { kind: 'requested', at, leftAt });
  }

  /** Marks the system as going down: from here the machine may halt, even if this operation ends. */
  #asked(how: string): void {
    const { ports, node } = this.#job;
    ports.systems.sign(node.addr, 'asked', how);
  }

  async #readScreen(): Promise<void> {
    const seen = await this.#console.readScreen();
    if (seen) this.#send({ kind: 'screen', at: this.#job.ports.now(), ...seen });
  }

  async #space(): Promise<void> {
    const { ports, node, haltWindows } = this.#job;
    const usual = ports.durations.usual(node.addr, 'off');
    const settleMs = ports.limits.settle * 1000;
    const waits = haltWindows.reserve(ports.now(), usual ?? UNKNOWN_MS, untilDeadMs(settleMs));
    await pause(ports, waits, this.#over.signal);
    // Without a known duration its last line has no expected time.
    this.#dueAt = usual === null ? null : ports.now() + usual;
    this.#send({ kind: 'spaced', at: ports.now() });
  }

  async #askBySsh(): Promise<void> {
    const { ports, node, request } = this.#job;
    if (ports.network === null || this.#over.signal.aborted) return;
    this.#console.reader.requested();
    const ran = (): void => this.#send({ kind: 'ssh-ran', at: ports.now() });
    const boots = request.verb === 'cycle' ? (id: string): void => void (this.#job.bootId = id) : null;
    const end = await ports.network.shutDown(node.addr, this.#over.signal, ran, boots);
    this.#send({ kind: 'ssh-done', at: ports.now(), end });
  }

  async #runHooks(): Promise<void> {
    const { why, required } = await runHooks(this.#job, 'before-off', this.#over.signal);
    this.#send({ kind: 'hooks-done', at: this.#job.ports.now(), why, required });
  }

  async #askCredentials(): Promise<void> {
    const { ports, node } = this.#job;
    let why = 'none are configured';
    try {
      this.#credentials = await ports.credentials(node.addr);
    } catch {
      // The reason may quote the output of a password program.
      why = 'not readable';
    }
    if (this.#credentials) this.#console.reader.conceal(this.#credentials.password);
    this.#send({ kind: 'credentials', at: ports.now(), user: this.#credentials?.user ?? null, why });
  }

  #typePassword(password: string): void {
    this.#type(`${password}\r`, password);
  }

  #type(text: string, secret = ''): void {
    const why = this.#console.type(text, secret);
    if (why !== '') this.#send({ kind: 'refused', at: this.#job.ports.now(), why });
  }

  #observe(running: number, halted: number): void {
    const { ports, node } = this.#job;
    ports.haltBands.observed(node.addr, running, [halted]);
    const band = ports.haltBands.get(node.addr);
    const known = band ? `${band.low} to ${band.high}` : 'too close to its running current';
    const from = band ? ` (from ${count(band.shutdowns, 'shutdown')})` : '';
    node.prove('halt-band', `halted it drew ${halted} counts, running ${running}; its halt band is ${known}${from}`);
  }

  #groundOf(ground: Ground): string {
    return ground === 'deadline' && this.#state.requestedAt === null
      ? `${GROUNDS.deadline}; it was never asked to shut down`
      : GROUNDS[ground];
  }

  async #cutPower(ground: Ground): Promise<void> {
    const at = (): number => this.#job.ports.now();
    this.#recall = new AbortController();
    const signal = AbortSignal.any([this.#job.signal, this.#recall.signal]);
    try {
      const cut = await cutPower(this.#job, this.#groundOf(ground), {
        sample: 'new',
        signal,
        listened: ground !== 'forced',
        unproven: ground === 'deadline',
      });
      if (cut.ok || cut.sent) this.#cut = cut;
      if (cut.ok) {
        const { current } = cut;
        const result = { ok: true, sent: true, outcome: cut.outcome, detail: 'is off', rule: null, current };
        this.#send({ kind: 'cut-done', at: at(), ...result });
        return;
      }
      const { sent, outcome, detail, rule } = cut;
      this.#send({ kind: 'cut-done', at: at(), ok: false, sent, outcome, detail, rule, current: null });
    } catch (error) {
      this.#reject(error);
    }
  }
}
