/**
 * A part of this process that behaves as a program of its own, in {@link VirtualClock}'s time: what runs in a {@link Life} can
 * be killed: none of its timers fires any more, and its sockets close. It can be stopped, as SIGSTOP stops a program, and go on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { Server, Socket } from 'node:net';

export const lives = new AsyncLocalStorage<Life>();

/** What a program of its own would be: it can be killed. */
export class Life {
  alive = true;
  /** Its files cannot become longer. */
  diskIsFull = false;
  readonly servers = new Set<Server>();
  readonly sockets = new Set<Socket>();
  readonly files = new Set<FileHandle>();
  #waiting: (() => void)[] | null = null;

  get stopped(): boolean {
    return this.#waiting !== null;
  }

  /** Runs `fn`, which something outside brings about; of what is stopped, when it goes on. */
  run(fn: () => void): void {
    if (this.#waiting) this.#waiting.push(fn);
    else if (this.alive) lives.run(this, fn);
  }

  /** Stops it as SIGSTOP would: its timers, its line and its clients wait; {@link VirtualClock.goOn} ends that. */
  stop(): void {
    this.#waiting = [];
    for (const socket of this.sockets) socket.pause();
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const fn of waiting) this.run(fn);
    for (const socket of this.sockets) socket.resume();
  }

  /** Ends it as SIGKILL would: nothing of it runs any more. */
  kill(): void {
    this.alive = false;
    for (const socket of this.sockets) {
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
    }
    for (const server of this.servers) server.removeAllListeners().close();
    for (const file of this.files) file.close().catch(() => undefined);
  }

  isKilled(): boolean {
    return !this.alive;
  }

  /** Resolves as `work` does while it lives; never afterwards. */
  async whileAlive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.alive ? await work() : null;
    return this.isKilled() ? new Promise<never>(() => undefined) : (result as T);
  }
}

type Handles = Record<string, (this: FileHandle, ...args: unknown[]) => Promise<unknown>>;
type Operation = (...args: unknown[]) => unknown;

/**
 * Operations on an open file that are done at once, by its descriptor: the answer of another thread would take longer than
 * most of what happens meanwhile. What is written outlives a program that is killed, on the disk or not.
 */
const AT_ONCE: Readonly<Record<string, Operation>> = {
  appendFile: fs.appendFileSync as Operation,
  stat: fs.fstatSync as Operation,
  truncate: fs.ftruncateSync as Operation,
  read: (fd, buffer, ...where) => ({
    bytesRead: fs.readSync(fd as number, buffer as Buffer, ...(where as [number, number, number])),
    buffer,
  }),
  ...{ sync: () => undefined, datasync: () => undefined },
};

/** The same of operations on a path. */
const PATHS_AT_ONCE = ['stat', 'statfs', 'access', 'mkdir', 'readdir', 'rename', 'unlink'] as const;

/** Operations that make a file longer. */
const GROWTH: ReadonlySet<string> = new Set(['appendFile', 'writeFile', 'write']);

/** Notes which files a life has open: its end closes them, and what is killed writes no more. */
async function watchFiles(): Promise<void> {
  const sample = await promises.open('/dev/null');
  const handles = Object.getPrototypeOf(sample) as Handles;
  await sample.close();
  for (const name of [...Object.keys(AT_ONCE), 'writeFile', 'write', 'readFile']) {
    const used = handles[name];
    if (used === undefined) throw new Error(`a file handle has no ${name}`);
    const atOnce = AT_ONCE[name];
    handles[name] = function (...args) {
      const life = lives.getStore();
      if (life?.isKilled()) {
        this.close().catch(() => undefined);
        return new Promise(() => undefined);
      }
      life?.files.add(this);
      if (life?.diskIsFull && GROWTH.has(name))
        return Promise.reject(Object.assign(new Error('EFBIG: file too large, write'), { code: 'EFBIG' }));
      return life && atOnce ? new Promise((resolve) => resolve(atOnce(this.fd, ...args))) : used.apply(this, args);
    };
  }
  for (const name of PATHS_AT_ONCE) {
    const used = promises[name] as (...args: unknown[]) => Promise<unknown>;
    const atOnce = fs[`${name}Sync`] as Operation;
    const inTurn = (...args: unknown[]): Promise<unknown> =>
      lives.getStore() ? new Promise((resolve) => resolve(atOnce(...args))) : used(...args);
    Object.assign(promises, { [name]: inTurn });
  }
  syncBuiltinESMExports();
}
await watchFiles();

/** The descriptors of what was killed are closed by the garbage collection, as the kernel closes a program's. */
function ignoreClosedFiles(): void {
  const others = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (!/on garbage collection/.test(warning.message)) for (const report of others) report.call(process, warning);
  });
}
ignoreClosedFiles();

/** What a life's programs print, and their ends, reach it as it goes on. */
function watchPrograms(): void {
  const parents = new WeakMap<ChildProcess, Life>();
  const programs = ChildProcess.prototype as unknown as Record<'spawn' | 'emit', (...args: unknown[]) => unknown>;
  const { spawn, emit } = programs;
  programs.spawn = function (this: ChildProcess, ...args) {
    const life = lives.getStore();
    if (life) parents.set(this, life);
    const result = spawn.apply(this, args);
    for (const stream of this.stdio) if (stream) life?.sockets.add(stream as Socket);
    return result;
  };
  programs.emit = function (this: ChildProcess, ...args) {
    const life = parents.get(this);
    if (!life) return emit.apply(this, args);
    life.run(() => void emit.apply(this, args));
    return true;
  };
}
watchPrograms();

/** Runs `fn` as a part of `life`, with all that comes of it. */
export const inLife = <T>(life: Life, fn: () => T): T => lives.run(life, fn);
