/** The nodes' console logs as the configuration bounds them, read for clients. */
import type { LogPiece, LogRequest } from '../api/protocol.ts';
import type { Config } from '../config/schema.ts';
import type { LogLimits } from '../console/log-file.ts';
import { readLog, tailLog, type TailLine } from '../console/log-reader.ts';
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
  try {
    const { data, ...rest } = await readLog({ path, kind, kept: limits.kept, cursor, since, search });
    return { data: data.toString(kind === 'raw' ? 'base64' : 'utf8'), ...rest };
  } catch (error) {
    throw rpcError('unavailable', `the console log ${path} cannot be read: ${String(error)}`);
  }
}

/** The latest lines of the log of the node of this name; none where nothing was logged. @throws {ResponseError} as above */
export async function tailConsoleLog(dir: string, name: string, count: number): Promise<TailLine[]> {
  const path = logPath(dir, name, 'lines');
  try {
    return await tailLog(path, count);
  } catch (error) {
    throw rpcError('unavailable', `the console log ${path} cannot be read: ${String(error)}`);
  }
}
