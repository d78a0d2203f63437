/** Watches one node come up: asks its BMC, its ssh port, and listens on its console as long as nobody else wants that. */
import { PRIORITY } from '../../bmc/types.ts';
import { everyTick } from '../clock.ts';
import { RunConsole } from '../graceful/run-console.ts';
import type { Job } from '../job.ts';
import { detailOf, initialBoot, LISTEN_MS, update, type Boot, type BootEvent, type BootTarget } from './boot.ts';

const TICK_MS = 100;
/** How often its BMC and its ssh port are asked, ms. */
const LOOK_MS = 2_000;

export interface Booted {
  up: boolean;
  /** How it came up, or why not; null: nothing more than its BMC's word is wanted. */
  detail: string | null;
}

/** Resolves when it came up, did not in time, or `signal` aborted: then it is not known, and not watched any longer. */
export function watchBoot(job: Job, signal: AbortSignal): Promise<Booted> {
  const target = bootTargetOf(job);
  if (target === null) return Promise.resolve({ up: true, detail: null });
  return new Promise((resolve) => new BootRun(job, target, signal, resolve));
}

/** Null: the configuration wants no more than the BMC's word, or leaves nothing else to look at. */
function bootTargetOf({ ports, node }: Job): BootTarget | null {
  const { proof, limit } = ports.boot;
  const ssh = proof !== 'console' && proof !== 'status' && (ports.network?.target(node.addr) ?? null) !== null;
  const console = proof === 'any' || proof === 'console';
  if (!ssh && !console) return null;
  return {
    name: node.name,
    host: ports.inventory().configured ? node.name : null,
    console,
    ssh,
    limitMs: limit * 1000,
  };
}

class BootRun {
  readonly #job: Job;
  readonly #console: RunConsole;
  readonly #stop: () => void;
  readonly #end: (booted: Booted) => void;
  #state: Boot;
  #over = false;
  #lookedAt = -Infinity;
  #wantsConsole = false;
  #listeningSince = 0;

  constructor(job: Job, target: BootTarget, signal: AbortSignal, resolve: (booted: Booted) => void) {
    const { ports, node } = job;
    this.#job = job;
    this.#state = initialBoot(target, ports.now());
    this.#console = new RunConsole(job, 'yields', {
      turn: () => (this.#listeningSince = ports.now()),
      none: (why) => this.#lost(why),
      condition: ({ open, why }) => {
        if (open) this.#send({ kind: 'console', at: ports.now() });
        else if (why !== '') this.#send({ kind: 'no-console', at: ports.now(), why });
      },
      heard: (recognition, at) => this.#send({ kind: 'heard', at, recognition }),
      sound: () => undefined,
    });
    this.#end = (booted) => {
      if (this.#over) return;
      this.#over = true;
      this.#stop();
      signal.removeEventListener('abort', aborted);
      void this.#console.letGo().then(() => resolve(booted));
    };
    const aborted = (): void => this.#end({ up: true, detail: 'it was not watched to its login' });
    this.#stop = everyTick(ports, TICK_MS, {
      stalled: (at, ms) => this.#send({ kind: 'stalled', at, ms }),
      tick: (at) => this.#tick(at),
    });
    signal.addEventListener('abort', aborted, { once: true });
    node.show('verify', detailOf(this.#state), this.#state.since + target.limitMs);
    if (signal.aborted) aborted();
  }

  #tick(at: number): void {
    const { console } = this.#job;
    this.#console.tick(at);
    this.#send({ kind: 'tick', at });
    if (this.#over) return;
    if (this.#console.held) this.#yield(at, console.wanted);
    else this.#wantConsole(at);
    if (at - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = at;
    void this.#look();
  }

  /** A person's console goes before: what boots can be seen later, or by ssh. */
  #wantConsole(at: number): void {
    const { ports } = this.#job;
    if (!this.#state.target.console || this.#wantsConsole) return;
    const holder = ports.console.holder();
    if (holder !== null) {
      this.#send({ kind: 'no-console', at, why: `${holder.name} uses the console` });
      return;
    }
    this.#wantsConsole = true;
    void this.#console.acquire('watch').finally(() => (this.#wantsConsole = false));
  }

  #yield(at: number, wanted: boolean): void {
    // One console for all that boot.
    if (!wanted || at - this.#listeningSince < LISTEN_MS) return;
    this.#send({ kind: 'handed-on', at });
    void this.#console.letGo();
  }

  /** Enter where nothing stands that it would answer; a console that does not take it is asked again later. */
  async #wake(): Promise<void> {
    const seen = await this.#console.look();
    if (!this.#over && seen && ['nothing', 'rest', 'prompt'].includes(seen.standing.is)) this.#console.type('\r');
  }

  #lost(why: string): void {
    this.#send({ kind: 'no-console', at: this.#job.ports.now(), why });
  }

  async #look(): Promise<void> {
    const { ports, node, console } = this.#job;
    if (this.#state.target.ssh && (await ports.network?.greets(node.addr)) === true)
      this.#send({ kind: 'greeting', at: ports.now() });
    // What somebody waits to read on his console is not interrupted for a number.
    const listens = console.holder !== null || ports.console.holder() !== null;
    if (this.#over || (listens && this.#state.current !== null)) return;
    const status = await ports.bus.status(node.addr, PRIORITY.operator);
    if (status.ok) this.#send({ kind: 'sample', at: ports.now(), current: status.sample.current });
  }

  #send(event: BootEvent): void {
    if (this.#over) return;
    const { node, ports } = this.#job;
    if (event.kind === 'greeting') ports.systems.sign(node.addr, 'alive', 'answers by ssh');
    const { state, effects } = update(this.#state, event);
    this.#state = state;
    for (const effect of effects)
      if (effect.do === 'prove') node.prove(effect.kind, effect.text);
      else void this.#wake();
    if (state.end === null) {
      node.show('verify', detailOf(state), state.since + state.target.limitMs);
      return;
    }
    if (state.end.seen) this.#job.ports.durations.took(node.addr, 'on', event.at - state.since);
    this.#end(state.end);
  }
}
