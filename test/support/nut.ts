/** NUT's own upsd with dummy UPSes on loopback, for tests; and upsmon where a test wants who ends the machine. */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAMS = ['/lib/nut/upsmon', '/lib/nut/upsd', '/lib/nut/dummy-ups', '/bin/upsrw', '/bin/upsc'];
/** Returns what a UPS says at first. `more`: other variables; an empty one does not exist. */
export const upsVariables = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...{ 'ups.status': 'OL', 'battery.charge': '100', 'battery.runtime': '3600', 'ups.load': '40' },
  ...more,
});

/** Programs that are not installed here; empty: all are there. */
export const missingNut = PROGRAMS.filter((program) => !existsSync(program));

export interface NutServer extends AsyncDisposable {
  readonly port: number;
  /** Sets a variable of a dummy UPS: `ups.status`, `battery.runtime`. */
  set(ups: string, variable: string, value: string): Promise<void>;
  get(ups: string, variable: string): Promise<string>;
  /** Ends upsd; {@link startUpsd} starts it with what each UPS said last. */
  stopUpsd(): Promise<void>;
  /** `changes`: variables of every UPS that changed meanwhile. */
  startUpsd(changes?: Readonly<Record<string, string>>): Promise<void>;
  /** Starts upsmon, which watches all UPSes and runs `shutdown` when they end; resolves once it watches them. */
  startUpsmon(shutdown: string): Promise<void>;
}

export interface NutOptions {
  /** Variables of each dummy UPS; an empty one does not exist. */
  variables?: Readonly<Record<string, string>>;
  /** More lines of `upsd.conf`. */
  upsd?: string;
}

/**
 * The PID file of upsmon is in `/run/nut` whatever its environment is, and it refuses to start beside the process whose number
 * is there: another test's upsmon, or whatever has the number of one that has ended. It gets a /run of its own where that is allowed.
 */
function ownRun(): readonly string[] {
  const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
  return mayMount ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'] : [];
}

export async function startNut(
  folder: string,
  upses: readonly string[],
  { variables = {}, upsd: upsdLines = '' }: NutOptions = {},
): Promise<NutServer> {
  const conf = join(folder, 'nut');
  mkdirSync(conf, { mode: 0o700 });
  const port = await freePort();
  const put = (name: string, text: string): void => writeFileSync(join(conf, name), text, { mode: 0o600 });
  const values = new Map(upses.map((ups) => [ups, upsVariables(variables)]));
  put(
    'ups.conf',
    upses
      .map((ups) => `[${ups}]\n driver = dummy-ups\n port = ${join(conf, `${ups}.dev`)}\n mode = dummy-once\n`)
      .join(''),
  );
  put('upsd.conf', `LISTEN 127.0.0.1 ${port}\nMAXAGE 5\n${upsdLines}`);
  put('upsd.users', '[admin]\n password = x\n actions = SET\n instcmds = ALL\n upsmon primary\n');
  const env = { ...process.env, NUT_CONFPATH: conf, NUT_STATEPATH: conf, NUT_ALTPIDPATH: conf };
  const daemons = new Set<ChildProcess>();
  const said: string[] = [];
  const start = (program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(program, args, { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    daemons.add(child);
    child.once('exit', () => daemons.delete(child));
    return child;
  };
  const end = async (child: ChildProcess | undefined): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  };
  let upsd: ChildProcess | undefined;
  const drivers = new Map<string, ChildProcess>();
  // A driver whose upsd was started anew breaks down at the next change (2.8.0): it begins where it stood.
  const startDriver = async (ups: string): Promise<void> => {
    await end(drivers.get(ups));
    const lines = Object.entries(values.get(ups) ?? {}).filter(([, value]) => value !== '');
    put(`${ups}.dev`, lines.map(([name, value]) => `${name}: ${value}\n`).join(''));
    drivers.set(ups, start('/lib/nut/dummy-ups', ['-a', ups, '-D', '-u', 'root']));
  };
  const get = async (ups: string, variable: string): Promise<string> =>
    (await run('/bin/upsc', [`${ups}@127.0.0.1:${port}`, variable], { env })).stdout.trim();
  const nut: NutServer = {
    port,
    get,
    async set(ups, variable, value) {
      await run('/bin/upsrw', ['-s', `${variable}=${value}`, '-u', 'admin', '-p', 'x', `${ups}@127.0.0.1:${port}`], {
        env,
      });
      values.set(ups, Object.assign(values.get(ups) ?? {}, { [variable]: value }));
    },
    async stopUpsd() {
      await end(upsd);
    },
    async startUpsd(changes = {}) {
      for (const one of values.values()) Object.assign(one, changes);
      for (const ups of upses) await startDriver(ups);
      upsd = start('/lib/nut/upsd', ['-D', '-u', 'root']);
      for (const ups of upses) await until(async () => !/^(WAIT)?$/.test(await get(ups, 'ups.status')), said);
    },
    async startUpsmon(shutdown) {
      put(
        'upsmon.conf',
        [
          ...upses.map((ups) => `MONITOR ${ups}@127.0.0.1:${port} 1 admin x primary`),
          'MINSUPPLIES 1\nPOLLFREQ 1\nPOLLFREQALERT 1\nHOSTSYNC 1\nFINALDELAY 0\nRUN_AS_USER root',
          `POWERDOWNFLAG ${join(conf, 'killpower')}`,
          `SHUTDOWNCMD "${shutdown}"`,
          '',
        ].join('\n'),
      );
      const [program, ...args] = [...ownRun(), '/lib/nut/upsmon', '-D', '-p'] as const;
      const upsmon = start(program, args);
      const from = said.length;
      await until(() => {
        const words = said.slice(from).join('');
        if (upsmon.exitCode !== null) throw new Error(`upsmon ended at once:\n${words}`);
        return Promise.resolve(words.split('Logged into UPS').length > upses.length);
      }, said);
    },
    async [Symbol.asyncDispose]() {
      for (const child of [...daemons].reverse()) await end(child);
    },
  };
  await nut.startUpsd();
  return nut;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Generous: two cores may be busy. */
export async function until(holds: () => Promise<boolean>, said: readonly string[] = []): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`it did not come to that:\n${said.join('').slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
