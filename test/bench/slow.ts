/**
 * Holds programs to a share of a core, as a slower machine would: `--slow 5` gives each a fifth. Each program has a
 * control group of its own with a quota every few milliseconds; what it starts shares the quota. The simulated rack is
 * hardware, and is not held.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The kernel's shortest quota, µs: a longer one would let a program run at full speed for that long. */
const QUOTA_US = 1_000;
const PREFIX = 'rackui-bench-';

let factor = 1;
let root = '';
let settings = '';

/** Holds every program started from now on to `1 / times` of a core. @throws where control groups cannot be used */
export function slowDown(times: number): void {
  const period = QUOTA_US * times;
  const v1 = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'].find(
    (path) => existsSync(join(path, 'cpu.cfs_quota_us')) || existsSync(join(path, 'cpu.cfs_period_us')),
  );
  if (v1 !== undefined) {
    root = v1;
    settings = `echo ${period} > "$g/cpu.cfs_period_us" && echo ${QUOTA_US} > "$g/cpu.cfs_quota_us"`;
  } else {
    root = '/sys/fs/cgroup';
    writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu');
    if (!/\bcpu\b/.test(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8')))
      throw new Error('--slow needs the cpu controller of control groups');
    settings = `echo "${QUOTA_US} ${period}" > "$g/cpu.max"`;
  }
  factor = times;
}

/** True after {@link slowDown}. */
export function isSlow(): boolean {
  return factor > 1;
}

/** Returns the command that starts a program held to its share; unchanged at full speed. */
export function held(program: string, args: readonly string[] = []): [program: string, args: string[]] {
  return isSlow() ? ['sh', ['-c', script(), 'sh', program, ...args]] : [program, [...args]];
}

/** Returns the words that start a program held to its share when they precede its command. */
export function holding(): string[] {
  return isSlow() ? ['sh', '-c', script(), 'sh'] : [];
}

/** Removes the groups whose programs have ended. */
export function removeGroups(): void {
  if (!isSlow()) return;
  for (const name of readdirSync(root).filter((one) => one.startsWith(PREFIX))) {
    try {
      rmdirSync(join(root, name));
    } catch {
      // A program that is ending is still in it.
    }
  }
}

function script(): string {
  return `g=${root}/${PREFIX}$$; mkdir "$g" && ${settings} && echo $$ > "$g/cgroup.procs" && exec "$@"`;
}
