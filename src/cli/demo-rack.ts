/**
 * A simulated rack and a server on it, for a demo. Everything is in one temporary directory, and nothing outlives
 * this process, however it ends: the children end with their standard input, and a caretaker removes the directory
 * when the last of the three has ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { BusStatus } from '../api/bus.ts';
import { EXIT } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { loadConfig } from '../config/load.ts';
import { keepTime, steadyNow } from '../lib/clock.ts';
import { formatAddress } from '../rack/address.ts';
import { openClient, selfCommand } from './server-connection.ts';
import { Failure } from './terminal-output.ts';

/** Factor by which guests run and the battery drains faster from the first mains failure on. */
const OUTAGE_PACE = 10;
/** Capacity of the battery, Wh: at the load of the reference rack, and that pace, three minutes with every node on. */
const BATTERY_WH = 40;
/** Durations of a node at that pace, ms, as a server would have learned them in earlier outages. */
const SEEN_MS = { off: 1_500, on: 3_000 };
/** Outage policy for a demo: the same order as on a real rack, in a fraction of its time. */
const OUTAGE = `outage:
  onBattery: [{ after: 3, run: shed-dev }, { after: 60, run: shed-all }]
  last: shed-all
  margin: 5
  restore: { after: 5, charge: 20 }
shutdown: { settle: 1 }
`;

/** Longest wait for the bus, ms. */
const BUS_UP_MS = 5_000;

/** Values of a node up to now, in steps of `stepMs`. */
interface Past {
  stepMs: number;
  values: [current: number, fan: number][];
}

type Starter = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

export class DemoRack {
  readonly port: string;
  readonly socket: string;
  readonly control: string;
  /** Resolves when both children are up; rejects with the message of the one that failed. */
  readonly ready: Promise<void>;
  readonly #caretaker: ChildProcess;
  readonly #sim: Starter;
  readonly #server: Starter;

  static async start(options: { rack?: string; seed?: string; config?: string }): Promise<DemoRack> {
    const { pastOf } = await import('../sim/past.ts');
    return new DemoRack(options, await freePort(), pastOf);
  }

  /** `upsd`: a free port on loopback, for the UPS; `past`: the history of a simulated node. */
  private constructor(
    { rack, seed, config }: { rack?: string; seed?: string; config?: string },
    upsd: number,
    past: (rack: number, addr: number) => Past,
  ) {
    const directory = mkdtempSync(join(tmpdir(), 'rackui-demo-'));
    this.port = join(directory, 'port');
    this.socket = join(directory, 'rack.sock');
    this.control = join(directory, 'sim.sock');
    const file = rack === undefined ? undefined : resolve(rack);
    const state = join(directory, 'state');
    const described = config === undefined ? demoConfig(file ?? referenceRack(), directory, upsd) : resolve(config);
    this.#caretaker = startCaretaker(directory);
    const start = (args: string[]): Starter => startChild(args, this.#caretaker);
    if (config === undefined) rememberPast(described, state, (addr) => past(Number(seed ?? 1), addr));
    // Starts both at once: the server finds its port when the simulator has made it.
    this.#sim = start([
      'sim',
      '--exit-with-stdin',
      '--link',
      this.port,
      '--control',
      this.control,
      '--rack',
      file ?? described,
      '--upsd',
      String(upsd),
      '--battery',
      String(BATTERY_WH),
      ...(seed === undefined ? [] : ['--seed', seed]),
    ]);
    this.#server = start([
      'serve',
      '--exit-with-stdin',
      '--port',
      this.port,
      '--socket',
      this.socket,
      '--state',
      state,
      '--config',
      described,
    ]);
    this.ready = this.#bothUp();
    this.ready.catch(() => undefined);
  }

  /** Switches the mains of the simulated rack. An outage is played faster than in reality: see {@link OUTAGE_PACE}. */
  async mains(on: boolean): Promise<void> {
    if (!on) await this.#request({ do: 'time-scale', factor: OUTAGE_PACE });
    await this.#request({ do: 'mains', on });
  }

  /** Sends one request to the simulator's control socket. */
  async #request(request: Record<string, unknown>): Promise<void> {
    const socket = connect(this.control);
    try {
      await once(socket, 'connect');
      socket.write(`${JSON.stringify({ id: 1, ...request })}\n`);
      const [line] = (await once(createInterface({ input: socket }), 'line')) as [string];
      const { ok, error } = JSON.parse(line) as { ok: boolean; error?: string };
      if (!ok) throw new Error(error);
    } finally {
      socket.destroy();
    }
  }

  /** Resolves at a signal, or at the end of either child. */
  untilAskedToLeave(): Promise<number> {
    return new Promise((resolve, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(EXIT.done));
      for (const [name, child] of [
        ['simulator', this.#sim],
        ['server', this.#server],
      ] as const)
        child.once('exit', () => reject(new Failure(EXIT.unavailable, `the demo's ${name} ended`)));
    });
  }

  /** Ends the server first, which closes the pipe while the bus is still there; then everything else. */
  async end(): Promise<void> {
    for (const child of [this.#server, this.#sim, this.#caretaker]) {
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }

  async #bothUp(): Promise<void> {
    await Promise.all([waitUntilReady(this.#sim, 'simulator'), waitUntilReady(this.#server, 'server')]);
    const client = await openClient({ socket: this.socket }, 'demo', { autostart: false });
    await untilBusUp(client);
    client.close();
  }
}

/** Resolves when the bus answers, or is locked, or {@link BUS_UP_MS} have passed: whoever looks sees its state. */
async function untilBusUp(client: RackClient): Promise<void> {
  const isUp = ({ state }: BusStatus): boolean => state !== 'starting' && state !== 'down';
  const { bus } = client.welcome.snapshot;
  if (isUp(bus)) return;
  const up = new Promise<void>((resolve) => {
    client.on('update', (note) => {
      if (note.bus !== undefined && isUp(note.bus)) resolve();
    });
  });
  // The server may have looked for the port a moment before the simulator made it: this spares it its back-off.
  if (bus.state === 'down') await client.request('bus.retry', {});
  await Promise.race([up, delay(BUS_UP_MS, undefined, { ref: false })]);
}

/** Returns a port on loopback that is not in use. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * Completes the rack's file with the login of its simulated nodes, so that a graceful off works, the UPS, and an
 * outage policy for its plans. A file that cannot be read, or has a login, is left as it is.
 */
function demoConfig(file: string, directory: string, upsd: number): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return file;
  }
  if (/^login:/m.test(text)) return file;
  const password = join(directory, 'password');
  const described = join(directory, 'rack.yaml');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  const login = `login: { user: pi, password: { file: ${JSON.stringify(password)} } }\n`;
  const sheds = ['shed-dev', 'shed-all'].every((plan) => new RegExp(`^ +${plan}:`, 'm').test(text));
  const supply = `ups: [{ name: rack, port: ${upsd}, poll: 0.5 }]\n${sheds ? OUTAGE : ''}`;
  writeFileSync(described, `${text}\n${login}${/^(ups|outage|shutdown):/m.test(text) ? '' : supply}`);
  return described;
}

/**
 * Writes what a server would know that had run for a while: durations of its nodes, and their last five minutes. An
 * invalid file is left for the server to report.
 */
function rememberPast(described: string, state: string, past: (addr: number) => Past): void {
  let nodes: readonly { addr: number; name: string }[];
  try {
    ({ nodes } = loadConfig(described).inventory);
  } catch {
    return;
  }
  const seen = nodes.map(({ addr, name }) => [formatAddress(addr), { name, off: [SEEN_MS.off], on: [SEEN_MS.on] }]);
  const values = Object.fromEntries(nodes.map(({ addr }) => [formatAddress(addr), past(addr).values] as const));
  const stepMs = past(0).stepMs;
  const history = { until: keepTime(steadyNow()), stepMs, nodes: values };
  mkdirSync(state, { mode: 0o700 });
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(state, name), JSON.stringify(value), { mode: 0o600 });
  write('durations.json', Object.fromEntries(seen));
  write('history.json', history);
}

/** Returns the rack of the documentation, which is part of the package. */
function referenceRack(): string {
  return resolve(
    import.meta.dirname,
    import.meta.dirname.endsWith('dist') ? '..' : '../..',
    'src/config/racks/er24a.yaml',
  );
}

/**
 * Starts the process that removes the directory when the other end of its standard input is closed in this process
 * and both children. In a session of its own, because closing a terminal's window ends everything in the
 * terminal's.
 */
function startCaretaker(directory: string): ChildProcess {
  const script = 'cat >/dev/null; rm -rf -- "$1"';
  return spawn('/bin/sh', ['-c', script, 'sh', directory], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** Starts a child away from this terminal's signals: {@link DemoRack.end} decides about the order of the ends. */
function startChild(args: string[], caretaker: ChildProcess): Starter {
  const [program, ...self] = selfCommand();
  return spawn(program, [...self, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', caretaker.stdin],
  }) as Starter;
}

async function waitUntilReady(child: Starter, name: string): Promise<void> {
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  await new Promise<void>((resolve, reject) => {
    const failed = (why: string, code: number | null = null): void => {
      // A child's error in the command line or the configuration is one of this command.
      const exitCode = code === EXIT.usage || code === EXIT.config ? code : EXIT.unavailable;
      reject(new Failure(exitCode, `the demo's ${name} did not start: ${words.trim() || why}`));
    };
    child.once('error', (error) => failed(error.message));
    child.once('close', (code, signal) => failed(`it ended with ${signal ?? `exit code ${code ?? '?'}`}`, code));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^ready\b/.test(line)) resolve();
    });
  });
}
