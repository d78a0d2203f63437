/** The machine as files tell it: this one's, or a prepared directory's (`--root`), in which nothing is real. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ownUserId, userName } from '../../lib/users.ts';

export interface Login {
  user: string;
  uid: number;
  /** Groups of this session, which may be older than /etc/group. */
  gids: readonly number[];
}

export interface Process {
  pid: number;
  program: string;
  /** Its words, a space between them. */
  command: string;
  user: string;
}

/** The kernel follows no more links than this, and neither do we. */
const LINKS = 40;
/** A program that reads a setting answers at once. */
const PROGRAM_MS = 2_000;

export class Machine {
  readonly root: string;
  readonly login: Login;

  constructor(root = '/', login: Login = thisLogin()) {
    this.root = resolve(root);
    this.login = login;
  }

  /** A directory that stands for a machine: there are no devices in it. */
  get prepared(): boolean {
    return this.root !== '/';
  }

  /** Text of a file, or null where there is none that can be read. */
  text(path: string): string | null {
    try {
      return readFileSync(this.real(path), 'utf8');
    } catch {
      return null;
    }
  }

  /** Standard output of a program of this machine, or null where it fails or does not exist. A prepared machine runs none. */
  output(program: string, args: readonly string[]): string | null {
    if (this.prepared) return null;
    const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: PROGRAM_MS });
    return status === 0 ? stdout : null;
  }

  stat(path: string): Stats | null {
    try {
      return statSync(this.real(path));
    } catch {
      return null;
    }
  }

  /** Whether this user may not see if the path is there. */
  hides(path: string): boolean {
    try {
      statSync(this.real(path));
      return false;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EACCES';
    }
  }

  list(path: string): string[] {
    try {
      return readdirSync(this.real(path));
    } catch {
      return [];
    }
  }

  /** Where a link points, as it says; null: it is none. */
  link(path: string): string | null {
    try {
      return readlinkSync(join(this.root, path));
    } catch {
      return null;
    }
  }

  exists(path: string): boolean {
    try {
      lstatSync(join(this.root, path));
      return true;
    } catch {
      return false;
    }
  }

  /** The path behind all links, each of them followed inside the root. */
  resolve(path: string): string {
    let at = resolve('/', path);
    for (let i = 0; i < LINKS; i++) {
      const target = this.link(at);
      if (target === null) return at;
      at = resolve(dirname(at), target);
    }
    return at;
  }

  /** Processes that have the device open, as far as this user may see them. */
  holders(device: string): Process[] {
    return this.processes().filter(({ pid }) => {
      const files = this.list(`/proc/${pid}/fd`).map((fd) => this.link(`/proc/${pid}/fd/${fd}`));
      // Who also holds the other side of a pseudo-terminal is the device itself: a simulator.
      const isDevice = device.startsWith('/dev/pts/') && files.some((file) => file?.endsWith('ptmx') === true);
      return files.includes(device) && !isDevice;
    });
  }

  processes(): Process[] {
    return this.list('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        const uid = /^Uid:\s+(\d+)/m.exec(this.text(`/proc/${name}/status`) ?? '')?.[1];
        return {
          pid: Number(name),
          program: this.text(`/proc/${name}/comm`)?.trim() ?? '',
          command: (this.text(`/proc/${name}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
          user: uid === undefined ? '?' : this.userName(Number(uid)),
        };
      });
  }

  userName(uid: number): string {
    return this.names('/etc/passwd').find(({ id }) => id === uid)?.name ?? `user id ${uid}`;
  }

  groupName(gid: number): string {
    return this.names('/etc/group').find(({ id }) => id === gid)?.name ?? `group id ${gid}`;
  }

  /** Whether /etc/group lists this user there, whatever this session knows of it. */
  isListedIn(gid: number): boolean {
    const group = this.names('/etc/group').find(({ id }) => id === gid);
    return group?.members.includes(this.login.user) ?? false;
  }

  private names(path: string): { name: string; id: number; members: string[] }[] {
    return (this.text(path) ?? '').split('\n').map((line) => {
      const [name = '', , id = '', members = ''] = line.split(':');
      return { name, id: id === '' ? -1 : Number(id), members: members.split(',') };
    });
  }

  private real(path: string): string {
    return join(this.root, this.prepared ? this.resolve(path) : path);
  }
}

/** Not every user of a container has an entry in the system's list. */
function thisLogin(): Login {
  const uid = ownUserId();
  let user = userName(uid);
  try {
    user = userInfo().username;
  } catch {
    // It stays a number.
  }
  return { user, uid, gids: [...(process.getgroups?.() ?? []), process.getgid?.() ?? -1] };
}
