/**
 * Time of this process that passes only while nothing else is left to do: timers and clocks replaced, so that seconds of
 * waiting cost microseconds. Unlike {@link VirtualTime} it lets real input and output happen: sockets, files and short
 * programs take no time, and time stands until they are done.
 *
 * What runs in a {@link Life} can be killed, or stopped.
 */
import { AsyncResource } from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';
import os from 'node:os';
import { performance as nodePerformance } from 'node:perf_hooks';
import timersPromises from 'node:timers/promises';
import workers from 'node:worker_threads';
import { lives, type Life } from './life.ts';

/** Turns of the event loop without any event after which everything that was under way is done. */
const QUIET_TURNS = 2;
/** Interval of looking whether that which is under way is done, real ms. */
const BUSY_MS = 1;
const PROGRAM = 'ProcessWrap';
/** Time after which a connection on loopback that is not made yet is one that nobody answers, real ms. */
const UNANSWERED_MS = 10;
/** What stays open without anything under way, of `process.getActiveResourcesInfo`. */
const AT_REST = new Set([
  ...['Timeout', 'Immediate', 'PipeWrap', 'PipeServerWrap', 'TCPSocketWrap', 'TCPServerWrap', 'TTYWrap', 'MessagePort'],
  ...['FSEventWrap', 'StatWatcher', 'SignalWrap', 'ConnectWrap'],
]);

const loop = nodePerformance.nodeTiming as unknown as { uvMetricsInfo: { events: number } };

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  performanceNow: performance.now.bind(performance),
  dateNow: Date.now,
  uptime: os.uptime.bind(os),
  delay: timersPromises.setTimeout,
};

/** The clock that goes on through suspends, by which a suspend is noticed, and the timer that is a promise. */
function setBuiltIn(uptime: () => number, delay: typeof timersPromises.setTimeout): void {
  os.uptime = uptime;
  timersPromises.setTimeout = delay;
  syncBuiltinESMExports();
}

/** `setTimeout` of `node:timers/promises`, by the timers of this process. */
const delayByTimers: typeof timersPromises.setTimeout = (ms, value, { signal } = {}) =>
  new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(new DOMException('The operation was aborted', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve(value as never);
    }, ms);
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });

// oxlint-disable-next-line typescript/unbound-method -- called with its server
const realListen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;
// oxlint-disable-next-line typescript/unbound-method -- called with its socket
const realConnect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;
// oxlint-disable-next-line typescript/unbound-method -- called with its socket
const realEmit = Socket.prototype.emit as (this: Socket, ...args: unknown[]) => boolean;
/** Sockets that are being connected, and since when, real ms. */
const connecting = new Map<Socket, number>();

/** Threads that were started or told something, and have not answered. */
const threads = new Set<workers.Worker>();

/** Notes what threads are asked: time stands until they answer. */
function watchThreads(): void {
  workers.Worker = class extends workers.Worker {
    constructor(...args: ConstructorParameters<typeof workers.Worker>) {
      super(...args);
      threads.add(this);
      for (const event of ['message', 'exit']) this.prependListener(event, () => threads.delete(this));
    }

    override postMessage(...args: Parameters<workers.Worker['postMessage']>): void {
      threads.add(this);
      super.postMessage(...args);
    }

    override terminate(): Promise<number> {
      threads.add(this);
      return super.terminate();
    }
  };
  syncBuiltinESMExports();
}
watchThreads();

/** Lives of the sockets that clients of a server opened: what arrives on them has no context of its own. */
const accepted = new WeakMap<Socket, Life>();

/** Interval and limit of a wait for an assertion, ms. */
const LOOK_MS = 100;
const LIMIT_MS = 30_000;

/** Waits for an assertion in the time of this process, which may be virtual; the failure is the last assertion's. */
export async function eventually(assertion: () => void | Promise<void>, limitMs = LIMIT_MS): Promise<void> {
  for (const end = performance.now() + limitMs; ;)
    try {
      await assertion();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
}

/** Modules that this worker of the tests has asked its parent process for: an `import()` in virtual time waits for it. */
const { resolvingModules: modules } = (
  globalThis as unknown as Record<'__vitest_worker__', { resolvingModules: Set<string> }>
).__vitest_worker__;

/** True while a connection may still be made at once. */
function isConnecting(): boolean {
  if (connecting.size === 0) return false;
  const since = real.performanceNow() - UNANSWERED_MS;
  return [...connecting.values()].some((at) => at > since);
}

class Timer {
  readonly life = lives.getStore();
  over = false;
  at: number;
  readonly #run: () => void;
  readonly #context = new AsyncResource('VirtualTimer');
  /** Of an interval; null: it fires once. */
  readonly everyMs: number | null;

  constructor(at: number, run: () => void, everyMs: number | null) {
    this.at = at;
    this.#run = run;
    this.everyMs = everyMs;
  }

  /** As a part of what set it. */
  run(): void {
    this.#context.runInAsyncScope(this.#run);
  }

  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

/** Counts by name what of this process is under way. */
function underWay(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo())
    if (!AT_REST.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

export class VirtualClock implements Disposable {
  static #running: VirtualClock | null = null;
  /** Whether time passes while programs run: for one that waits for its test. */
  passesPrograms = false;
  /** From a whole millisecond on, so that each run rounds its times alike. */
  #now = Math.ceil(real.performanceNow());
  #ahead = real.dateNow() - this.#now;
  #timers: Timer[] = [];
  /** Of what is stopped. */
  readonly #late: Timer[] = [];
  #immediates = 0;
  #events = -1;
  #quiet = 0;
  #over = false;
  /** What was under way before and still is: what a test that failed has left behind does not stop this time. */
  readonly #former = underWay();

  /** Ends the time that a test which failed has left behind: there is one at a time. */
  constructor() {
    VirtualClock.#running?.[Symbol.dispose]();
    VirtualClock.#running = this;
    const at = <A extends unknown[]>(run: (...args: A) => void, ms: number, args: A, everyMs: number | null): Timer =>
      this.#add(new Timer(this.#now + Math.max(0, ms), () => run(...args), everyMs));
    const cancel = (timer: unknown): void => {
      if (timer instanceof Timer) this.#cancel(timer);
      else real.clearTimeout(timer as NodeJS.Timeout);
    };
    const set = (changes: object): void => void Object.assign(globalThis, changes);
    set({
      setTimeout: <A extends unknown[]>(run: (...args: A) => void, ms = 0, ...args: A) => at(run, ms, args, null),
      setInterval: <A extends unknown[]>(run: (...args: A) => void, ms = 1, ...args: A) =>
        at(run, ms, args, Math.max(1, ms)),
      ...{ clearTimeout: cancel, clearInterval: cancel },
      setImmediate: <A extends unknown[]>(run: (...args: A) => void, ...args: A) => this.#immediate(() => run(...args)),
      clearImmediate: (immediate?: NodeJS.Immediate) => {
        if (immediate && this.#pending.delete(immediate)) this.#immediates--;
        real.clearImmediate(immediate);
      },
    });
    performance.now = () => this.#now;
    Date.now = () => Math.floor(this.#now + this.#ahead);
    const up = real.uptime() * 1000 - this.#now;
    setBuiltIn(() => (this.#now + up) / 1000, delayByTimers);
    Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
      const life = lives.getStore();
      if (life?.isKilled()) return this;
      life?.servers.add(this);
      if (life)
        this.prependListener('connection', (socket: Socket) => {
          life.sockets.add(socket);
          accepted.set(socket, life);
        });
      return realListen.apply(this, args);
    };
    Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
      lives.getStore()?.sockets.add(this);
      connecting.set(this, real.performanceNow());
      const over = (): void => void connecting.delete(this);
      for (const event of ['connect', 'close']) this.prependOnceListener(event, over);
      return realConnect.apply(this, args);
    };
    Socket.prototype.emit = function (this: Socket, ...args: unknown[]): boolean {
      const life = accepted.get(this);
      return life ? lives.run(life, () => realEmit.apply(this, args)) : realEmit.apply(this, args);
    };
    real.setImmediate(() => this.#turn());
  }

  get now(): number {
    return this.#now;
  }

  /** Runs `fn` now, in a later turn of the event loop, after what is under way. */
  soon(fn: () => void): void {
    this.#add(new Timer(this.#now, fn, null));
  }

  /** Lets the one life that is stopped go on: with the timers that are late, each once, and then with what came meanwhile. */
  async goOn(life: Life): Promise<void> {
    for (const timer of this.#late.splice(0)) {
      if (timer.over) continue;
      this.#run(timer);
      await Promise.resolve();
    }
    life.goOn();
  }

  /** Sets the date by `ms`, forward or back; no timer notices. */
  setDate(ms: number): void {
    this.#ahead += ms;
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    if (VirtualClock.#running === this) VirtualClock.#running = null;
    threads.clear();
    const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = real;
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate });
    performance.now = real.performanceNow;
    Date.now = real.dateNow;
    setBuiltIn(real.uptime, real.delay);
    Server.prototype.listen = realListen as Server['listen'];
    Socket.prototype.connect = realConnect;
    Socket.prototype.emit = realEmit;
  }

  readonly #pending = new Set<NodeJS.Immediate>();

  #immediate(run: () => void): NodeJS.Immediate {
    const life = lives.getStore();
    this.#immediates++;
    const immediate = real.setImmediate(() => {
      this.#pending.delete(immediate);
      this.#immediates--;
      if (life?.alive !== false) run();
    });
    this.#pending.add(immediate);
    return immediate;
  }

  /** In order of time, then of asking. */
  #add(timer: Timer): Timer {
    if (timer.life?.alive === false) return timer;
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.at ?? 0) <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  #cancel(timer: Timer): void {
    timer.over = true;
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  /** One turn of the event loop: the next timer fires once nothing is under way. */
  #turn(): void {
    if (this.#over) return;
    const { events } = loop.uvMetricsInfo;
    const moved = events !== this.#events || this.#immediates > 0;
    this.#events = events;
    this.#quiet = moved ? 0 : this.#quiet + 1;
    const quiet = this.#quiet >= QUIET_TURNS;
    const busy = quiet && this.#isUnderWay();
    if (busy) this.#quiet = 0;
    else if (quiet) this.#fire();
    // Turns without a pause would keep a core from what is waited for.
    if (busy) real.setTimeout(() => this.#turn(), BUSY_MS);
    else real.setImmediate(() => this.#turn());
  }

  #isUnderWay(): boolean {
    if (threads.size > 0 || modules.size > 0 || isConnecting()) return true;
    const counts = underWay();
    for (const [name, former] of this.#former) this.#former.set(name, Math.min(former, counts.get(name) ?? 0));
    for (const [name, count] of counts)
      if (count > (this.#former.get(name) ?? 0) && !(name === PROGRAM && this.passesPrograms)) return true;
    return false;
  }

  #fire(): void {
    const timer = this.#timers.shift();
    if (timer === undefined) return;
    this.#quiet = 0;
    this.#now = Math.max(this.#now, timer.at);
    if (timer.life?.stopped) this.#late.push(timer);
    else this.#run(timer);
  }

  #run(timer: Timer): void {
    if (timer.life?.alive === false) return;
    if (timer.everyMs !== null) {
      timer.at = this.#now + timer.everyMs;
      this.#add(timer);
    }
    timer.run();
  }
}
