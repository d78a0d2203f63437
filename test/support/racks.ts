/** Several simulated racks and one server process for them: each rack's own file, and the file that lists them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portSlug } from '../../src/config/paths.ts';
import { startCommand } from './command.ts';
import { startRack, type TestRack } from './rack.ts';
import { PROGRAM } from './stand.ts';
import { openTerminal, type TerminalOptions, type TestTerminal } from './terminal.ts';

export interface Racks extends AsyncDisposable {
  readonly racks: ReadonlyMap<string, TestRack>;
  readonly folder: string;
  /** The file that lists the racks. */
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  socketOf(name: string): string;
  /** Writes that file anew, with this beside the list of racks. */
  say(more: string): void;
  /** Runs a command line to its end, in this process. */
  run(...args: string[]): Promise<{ code: number | null; out: string; err: string }>;
  /** The full-screen interface. */
  open(options?: TerminalOptions & { args?: string[] }): TestTerminal;
  /** One server process for all of them; without it clients start one. */
  serve(): Promise<{ pid: number; said: () => string; exited: Promise<number | null>; end(): void }>;
}

/** `nodes` of each rack by name; `sim`: options of each simulated rack. */
export async function racks(
  nodes: Readonly<Record<string, number>>,
  sim: readonly string[] = ['--time-scale', '20'],
): Promise<Racks> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-racks-'));
  const started = new Map<string, TestRack>();
  await Promise.all(
    Object.entries(nodes).map(async ([name, count]) => {
      const rack = await startRack({ args: ['--nodes', String(count), ...sim] });
      started.set(name, rack);
      writeFileSync(join(folder, `${name}.yaml`), `name: ${name}\nport: ${rack.link}\nserver: { linger: 2 }\n`);
    }),
  );
  const config = join(folder, 'racks.yaml');
  const files = Object.keys(nodes).map((name) => `${name}.yaml`);
  const say = (more: string): void => writeFileSync(config, `racks: [${files.join(', ')}]\n${more}`);
  say('');
  const runtime = join(folder, 'run');
  mkdirSync(runtime, { mode: 0o700 });
  const env = { RUNTIME_DIRECTORY: runtime, XDG_STATE_HOME: join(folder, 'state'), RACKUI_CONFIG: config };
  const all = { ...process.env, ...env, RACKUI_SOCKET: undefined };
  const ends: (() => Promise<unknown>)[] = [];
  return {
    racks: started,
    folder,
    config,
    env,
    socketOf: (name) => join(runtime, `${portSlug(started.get(name)?.link ?? '')}.sock`),
    say,
    async run(...args) {
      const { code, stdout, stderr } = await startCommand(args, { env: { ...env, RACKUI_SOCKET: undefined } }).ended;
      return { code, out: stdout, err: stderr };
    },
    open: ({ args = [], ...options } = {}) =>
      openTerminal(process.execPath, [PROGRAM, ...args], { ...options, env: { ...env, ...options.env } }),
    async serve() {
      const child = spawn(process.execPath, [PROGRAM, 'serve', '--exit-with-stdin'], {
        env: all,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let said = '';
      const exited = once(child, 'close').then(([code]) => code as number | null);
      ends.push(async () => {
        child.stdin.end();
        await exited;
      });
      await new Promise<void>((resolve, reject) => {
        const heard = (chunk: Buffer): void => {
          said += chunk.toString();
          // Every one of them is served, or it was said that it is not.
          if ((said.match(/^ready|is not served/gm) ?? []).length === started.size) resolve();
        };
        child.stdout.on('data', heard);
        child.stderr.on('data', heard);
        child.once('exit', () => reject(new Error(`the server ended at once:\n${said}`)));
      });
      return { pid: child.pid ?? 0, said: () => said, exited, end: () => child.stdin.end() };
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) await end();
      for (const rack of started.values()) await rack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
