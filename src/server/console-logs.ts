/** The nodes' console logs as the configuration bounds them, read for clients. */
import type { LogPiece, LogRequest } from '../api/protocol.ts';
import type { Config } from '../config/schema.ts';
import type { LogLimits } from '../console/log-file.ts';
import { readLog, tailLog, type TailLine } from '../console/log-reader.ts';
import { loggedScreen, type LoggedScreen } from '../console/logged-screen.ts';
import { logPath } from '../console/transcript.ts';
import { rpcError } from './handlers/methods.ts';

const MB = 1024 * 1024;
const DAY_MS = 86_400_000;

export function logLimits({ console: { log } }: Config): LogLimits {
  return { size: log.size * MB, age: log.days * DAY_MS, kept: log.keep, total: log.total * MB, free: log.free * MB };
}

/** A piece of the log of the node of this name. @throws {ResponseError} where the disk does not give it */
export async function readConsoleLog(
  dir: string,
  name: string,
  limits: LogLimits,
  { kind, cursor, since, search }: LogRequest,
): Promise<LogPiece> {
  const path = logPath(dir, name, kind);
  const { data, ...rest } = await fromDisk(path, readLog({ path, kind, kept: limits.kept, cursor, since, search }));
  return { data: data.toString(kind === 'raw' ? 'base64' : 'utf8'), ...rest };
}

/** The latest lines of the log of the node of this name; none where nothing was logged. @throws {ResponseError} as above */
export function tailConsoleLog(dir: string, name: string, count: number): Promise<TailLine[]> {
  const path = logPath(dir, name, 'lines');
  return fromDisk(path, tailLog(path, count));
}

/** The node's last screen by its log; null where nothing was logged. @throws {ResponseError} as above */
export function screenOfConsoleLog(dir: string, name: string): Promise<LoggedScreen | null> {
  const path = logPath(dir, name, 'raw');
  return fromDisk(path, loggedScreen(path));
}

async function fromDisk<T>(path: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw rpcError('unavailable', `the console log ${path} cannot be read: ${String(error)}`);
  }
}
