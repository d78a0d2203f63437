/**
 * Finds the server that uses a port: at an abstract Unix socket named after the device, the server announces its pid
 * and socket. Every local user can take such a name, so an announcement counts only where the file system confirms
 * it: the named socket belongs to the user of the named process, no other user could have put it there, and that
 * process may open the port.
 */
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { isAbsolute } from 'node:path';
import { userName } from '../lib/users.ts';
import { findUntrusted } from './trust.ts';

/** Time limit of an announcement, ms. */
const ASK_MS = 1_000;
/**
 * Characters of the device's path in the name, from its end, which is the distinctive part; the kernel takes 107
 * bytes after the leading zero.
 */
const NAME_LIMIT = 80;
const MAX_ANSWER = 4_096;

/** A server's announcement. */
export interface Announcement {
  pid: number;
  socket: string;
  /** The server is ending: the port will be free in a moment. */
  leaving: boolean;
}

/** A server whose announcement the file system confirms. */
export interface AnnouncedServer extends Announcement {
  uid: number;
  /** Name in the system's own list of users. */
  user: string;
}

/** Returns the abstract name at which the server of a port announces itself. */
export function announcementName(port: string): string {
  let device = port;
  try {
    device = realpathSync(port);
    // Numbers of pseudo-terminals are used again: a server whose simulator is gone must not pass for the next one.
    if (device.startsWith('/dev/pts/')) device += `@${Math.round(statSync(device).ctimeMs)}`;
  } catch {
    // Not there yet, or a pattern: the name as given.
  }
  return `\0rackui-bus${device.slice(-NAME_LIMIT)}`;
}

/** Resolves the server that announces itself for `port`; null: there is none, or its announcement is not confirmed. */
export async function findAnnounced(port: string): Promise<AnnouncedServer | null> {
  const announcement = parseAnnouncement(await ask(announcementName(port)));
  return announcement === null ? null : confirm(announcement, port);
}

/** True where an announcement is made for `port`, confirmed or not: perhaps by a server that is still starting. */
export async function isAnnounced(port: string): Promise<boolean> {
  return parseAnnouncement(await ask(announcementName(port))) !== null;
}

/** Returns the name of {@link announcementName} in the system's list of sockets. */
export function listedName(port: string): string {
  return announcementName(port).replace('\0', '@');
}

/** Checks an announcement against the file system. Null: it is false, or this user cannot check it. */
function confirm(announcement: Announcement, port: string): AnnouncedServer | null {
  try {
    const { uid, groups } = credentials(announcement.pid);
    const stat = lstatSync(announcement.socket);
    if (!stat.isSocket() || stat.uid !== uid) return null;
    if (findUntrusted(announcement.socket, [uid]) !== null || !mayUse(port, uid, groups)) return null;
    return { ...announcement, uid, user: userName(uid) };
  } catch {
    return null;
  }
}

/** Returns the effective user and groups of a process. @throws where there is no such process */
function credentials(pid: number): { uid: number; groups: number[] } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const numbers = (field: string): number[] =>
    (new RegExp(`^${field}:(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).map(Number);
  const uid = numbers('Uid')[1];
  const gid = numbers('Gid')[1];
  if (uid === undefined || gid === undefined) throw new Error('no credentials');
  return { uid, groups: [gid, ...numbers('Groups')] };
}

/** True where a user with these groups can read and write the port; false while it does not exist, except for root. */
function mayUse(port: string, uid: number, groups: readonly number[]): boolean {
  if (uid === 0) return true;
  const stat = statSync(port, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const shift = stat.uid === uid ? 6 : groups.includes(stat.gid) ? 3 : 0;
  return ((stat.mode >> shift) & 0o6) === 0o6;
}

/** Reads the announcement at an abstract name; empty: none in time. */
function ask(name: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let text = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(done, ASK_MS);
    socket.once('error', done);
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.length > MAX_ANSWER) done();
    });
    socket.once('end', done);
  });
}

function parseAnnouncement(text: string): Announcement | null {
  try {
    const fields = JSON.parse(text) as Partial<Record<keyof Announcement, unknown>>;
    const { pid, socket, leaving } = fields;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || typeof leaving !== 'boolean') return null;
    // Printable characters only: the path is shown, and copied into command lines.
    if (typeof socket !== 'string' || !isAbsolute(socket) || !/^[\x21-\x7e]{1,256}$/.test(socket)) return null;
    return { pid, socket, leaving };
  } catch {
    return null;
  }
}
