/** Fresh Debian systems in a directory, and programs run in them. Needs root, mmdebstrap and the machine's Debian mirror. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IS_ROOT } from '../support/other-user.ts';

const exec = promisify(execFile);
/** The release with the Node.js that rackui needs. */
const RELEASE = 'trixie';
/** Mounts in a namespace of its own, which ends with the program: devices of this machine, and its processes. */
const ENTER = 'mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$@"';

/** Returns the first of `programs` that is missing, or the right to use them; null: a system can be made. */
export function missingFor(...programs: string[]): string | null {
  if (!IS_ROOT) return 'the rights of root';
  return ['mmdebstrap', 'dpkg-deb', ...programs].find((name) => !existsSync(`/usr/bin/${name}`)) ?? null;
}

/** Systems that earlier runs made, of this checkout and of others. */
const KEPT = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'rackui-tests/debian');
/** Time after which a system is made again, with what Debian has corrected since, ms. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Returns the directory of a system with the named packages, as mmdebstrap's `options` make it. It is shared by tests and
 * runs, so nothing may write in it: {@link freshRoot} copies it. Making one takes as long as the rest of a test.
 */
export async function sharedRoot(packages: readonly string[], ...options: string[]): Promise<string> {
  const root = join(KEPT, [RELEASE, ...options, ...packages].join(' ').replaceAll(/[^\w.]+/g, '-'));
  if (ageOf(root) < KEPT_MS) return root;
  mkdirSync(KEPT, { recursive: true });
  removeOld();
  const folder = mkdtempSync(join(KEPT, 'making-'));
  try {
    const making = join(folder, 'root');
    await makeRoot(making, packages, options);
    utimesSync(making, new Date(), new Date());
    // Unless a run beside this one has made it meanwhile, and uses it.
    if (ageOf(root) >= KEPT_MS) {
      rmSync(root, { recursive: true, force: true });
      renameSync(making, root);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return root;
}

/** Returns the time since a system was made, ms. */
function ageOf(root: string): number {
  return Date.now() - (statSync(root, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

/** Removes what has not been used for a week, also what a run left that was killed. */
function removeOld(): void {
  for (const path of readdirSync(KEPT).map((name) => join(KEPT, name)))
    if (ageOf(path) > 2 * KEPT_MS) rmSync(path, { recursive: true, force: true });
}

/** Copies a system of {@link sharedRoot} to `root`, for one test. */
export async function freshRoot(root: string, packages: readonly string[], ...options: string[]): Promise<void> {
  await exec('cp', ['--archive', '--no-target-directory', await sharedRoot(packages, ...options), root]);
}

/** The list of all packages takes a third of the time to unpack that its smaller form does. */
const QUICK_INDEX = 'Acquire::CompressionTypes::Order { "gz"; }';

/** Makes a system from the mirror that this machine's apt uses. */
async function makeRoot(root: string, packages: readonly string[], options: readonly string[]): Promise<void> {
  const { stdout } = await exec('apt-get', ['update', '--print-uris']);
  const mirror = /^'([^']+\/)dists\//m.exec(stdout)?.[1] ?? '';
  const args = [`--include=${packages.join(',')}`, `--aptopt=${QUICK_INDEX}`, ...options];
  await exec('mmdebstrap', ['--quiet', ...args, RELEASE, root, mirror]);
  // What a system has of its base files, where packages were only extracted.
  for (const name of ['dev', 'proc']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    if (!existsSync(join(root, name))) symlinkSync(`usr/${name}`, join(root, name));
}

/** A user of the system, as chroot's option names it. */
type User = `${string}:${string}` | undefined;

/** Returns the arguments of unshare for a program in the system. */
export function entered(root: string, command: readonly string[], user: User): string[] {
  const as = user === undefined ? [] : [`--userspec=${user}`];
  return ['--mount', 'sh', '-c', ENTER, root, ...as, root, ...command];
}

/** Nothing of this machine's environment holds there. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/', DEBIAN_FRONTEND: 'noninteractive' };

export interface Outcome {
  code: number;
  /** Both streams. */
  said: string;
}

/** Runs a program in the system to its end. */
export async function runIn(root: string, command: readonly string[], user?: User): Promise<Outcome> {
  try {
    const { stdout, stderr } = await exec('unshare', entered(root, command, user), { env: ENVIRONMENT });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, said: stdout + stderr };
  }
}

/** Starts a server in the system and resolves when it is ready; the process itself is the server. */
export function serveIn(
  root: string,
  command: readonly string[],
  user: User,
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  return started(spawn('unshare', entered(root, command, user), { env: { ...ENVIRONMENT, ...env } }));
}

/** Resolves when a server has printed that it is ready. */
export function started(server: ChildProcess): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      if (/^ready/m.test((said += chunk.toString()))) resolve(server);
    };
    server.stdout?.on('data', hear);
    server.stderr?.on('data', hear);
    server.once('exit', () => reject(new Error(`the server ended at once:\n${said}`)));
  });
}

/** Ends a server and resolves when it has ended. */
export async function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill();
  await ended;
}
