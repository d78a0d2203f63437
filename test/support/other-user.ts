/** Programs run as another user of this machine; needs root. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from './program.ts';

export const IS_ROOT = process.getuid?.() === 0;
export const NOBODY = 65_534;
/** A third user; it needs no account. */
export const STRANGER = 54_321;

export interface OtherProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything it printed, both streams. */
  said(): string;
  /** Resolves when it has printed this. */
  until(words: RegExp): Promise<void>;
  readonly exited: Promise<number | null>;
}

/** Runs a program as `uid`, with an environment of its own. */
export function runAs(
  uid: number,
  command: readonly [string, ...string[]],
  env: Record<string, string> = {},
): OtherProcess {
  const child = spawn('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', ...command], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  let text = '';
  let over = false;
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const one of [...waiting]) one();
  };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      look();
    });
  const exited = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      over = true;
      look();
      resolve(code);
    }),
  );
  return {
    child,
    pid: child.pid ?? 0,
    said: () => text,
    until: (words) =>
      new Promise((resolve, reject) => {
        const one = (): void => {
          if (words.test(text)) resolve();
          else if (over) reject(new Error(`it ended without ${String(words)}:\n${text}`));
          else return;
          waiting.delete(one);
        };
        waiting.add(one);
        one();
      }),
    exited,
    async [Symbol.asyncDispose]() {
      if (!over) child.kill('SIGTERM');
      const stubborn = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(stubborn);
    },
  };
}

/** Runs rackui as `uid`, with home, runtime and state directories below `dir` that belong to that user. */
export function rackuiAs(
  uid: number,
  dir: string,
  args: readonly string[],
  env: Record<string, string> = {},
): OtherProcess {
  const home = join(dir, `home-${uid}`);
  for (const folder of [home, join(home, 'run')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, uid, uid);
  }
  return runAs(uid, [process.execPath, PROGRAM, ...args], {
    HOME: home,
    // Root's state is the machine's otherwise.
    ...(uid === 0
      ? { XDG_STATE_HOME: join(home, '.local/state'), XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? '' }
      : {}),
    XDG_RUNTIME_DIR: join(home, 'run'),
    ...env,
  });
}
