/** The rack of the pictures: `rackui demo` without its interface, so that five minutes of history are there at once. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/client/client.ts';
import { SimControl } from '../../src/sim/control/socket.ts';
import { PROGRAM } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';

export interface Stage extends AsyncDisposable {
  /** Any verb of the simulator's control socket. */
  ctl: (verb: string, params?: Record<string, unknown>) => Promise<unknown>;
  /** The interface in a pseudo-terminal. */
  open: (options: { theme: string; cols: number; rows: number }) => TestTerminal;
  /** Acknowledges all alarms. */
  acknowledge: () => Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-pictures-'));
  // No settings of this machine's user, and paths that are the same everywhere.
  const env = {
    ...process.env,
    TMPDIR: '/tmp',
    RACKUI_CONFIG: undefined,
    XDG_CONFIG_HOME: folder,
    XDG_STATE_HOME: folder,
  };
  const demo = spawn(process.execPath, [PROGRAM, 'demo', '--headless', '--seed', '7'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const exited = new Promise<void>((resolve) => demo.once('exit', () => resolve()));
  let text = '';
  await new Promise<void>((resolve, reject) => {
    demo.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/^ready$/m.test(text)) resolve();
    });
    void exited.then(() => reject(new Error('the demo ended at once')));
  });
  const pathOf = (word: string): string => new RegExp(`^${word} (.*)$`, 'm').exec(text)?.[1] ?? '';
  const socket = pathOf('socket');
  const control = await SimControl.connect(pathOf('control'));
  return {
    ctl: (verb, params) => control.request(verb, params),
    open: ({ theme, cols, rows }) =>
      openTerminal(process.execPath, [PROGRAM, '--socket', socket, '--theme', theme], {
        ...{ cols, rows },
        // A view and a layout of its own for each picture.
        env: { ...env, XDG_STATE_HOME: mkdtempSync(join(folder, 'state-')), USER: 'ada', LOGNAME: 'ada', TZ: 'UTC' },
      }),
    acknowledge: async () => {
      const who = { user: 'ada', from: null, tty: null, program: 'pictures', pid: process.pid };
      const client = await connect(socket, who);
      await client.request('alarms.ack', { ids: null });
      client.close();
    },
    async [Symbol.asyncDispose]() {
      control.close();
      demo.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
