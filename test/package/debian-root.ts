/** Fresh Debian systems in a directory, and programs run in them. Needs root, mmdebstrap and the machine's Debian mirror. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
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

/** Makes a system in `root` with the named packages, from the mirror that this machine's apt uses. */
export async function makeRoot(root: string, packages: readonly string[], ...options: string[]): Promise<void> {
  const { stdout } = await exec('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = stdout.split('\n')[0] ?? '';
  await exec('mmdebstrap', ['--quiet', `--include=${packages.join(',')}`, ...options, RELEASE, root, mirror]);
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
