/**
 * Connects to the server of a rack on another machine: the system's ssh client runs `rackui proxy` there, whose
 * standard input and output are the server's own protocol. Nothing else listens or runs on that machine for it.
 */
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientIdentity } from '../api/methods.ts';
import { EXIT } from '../api/power.ts';
import { removeHidden } from '../lib/control-chars.ts';
import { SSH_OPTIONS } from '../lib/ssh-options.ts';
import { ServerUnavailable } from './autostart.ts';
import { connect, type RackClient } from './client.ts';

/** A rack that is reached by ssh. */
export interface RemoteRack {
  /** The name in the list of racks. */
  name: string;
  /** Destination as ssh takes it: `pi@mcp-north`, or a host of its own configuration. */
  ssh: string;
  port?: number | undefined;
  /** Private key file; undefined: the one that ssh finds. */
  identity?: string | undefined;
  /** Options as KEY=VALUE, from the allowed ones. */
  options: readonly string[];
  viewOnly: boolean;
}

/** Time limit for the connection unless the options set it, s. */
const CONNECT_S = 10;
/** Kept characters of what ssh and the far program print as errors. */
const ERROR_LIMIT = 4_096;
/** Time for the end of ssh after its output ended, ms: its exit code is the reason. */
const EXIT_MS = 1_000;
/** ssh's own exit code where it could not connect or lost the connection, and a shell's for an unknown command. */
const SSH_FAILED = 255;
const NO_COMMAND = 127;

/**
 * Connects through ssh; `signal` ends the try. @throws {ServerUnavailable} with the reason in words; {RpcFailure} the
 * server's refusal
 */
export async function connectBySsh(rack: RemoteRack, who: ClientIdentity, signal?: AbortSignal): Promise<RackClient> {
  signal?.throwIfAborted();
  const [program, ...args] = sshCommand(rack);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString('utf8')).slice(-ERROR_LIMIT)));
  // With all that it printed read; null: a signal ended it.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  stream.once('close', () => child.kill());
  const why = async (): Promise<string | null> =>
    describeEnd(rack, await Promise.race([ended, delay(EXIT_MS, null, { ref: false })]), errors);
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const end = (): unknown => stream.destroy();
  signal?.addEventListener('abort', end);
  try {
    const client = await Promise.race([connect(stream, who), failed]);
    return {
      ...client,
      onClose: (listener) =>
        client.onClose((text) => void why().then((words) => listener(words ?? `${rack.ssh}: ${text}`))),
    };
  } catch (error) {
    stream.destroy();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new ServerUnavailable(`${rack.name} is reached by ssh, and there is no ssh on this machine: install it`);
    const words = await why();
    throw words === null ? error : new ServerUnavailable(words);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/** Returns the command line: no word of it comes from anywhere but the configuration, which allows few. */
function sshCommand({ ssh, port, identity, options, viewOnly }: RemoteRack): [string, ...string[]] {
  const given = [...SSH_OPTIONS, ...options, `ConnectTimeout=${CONNECT_S}`].flatMap((option) => ['-o', option]);
  const key = identity === undefined ? [] : ['-o', 'IdentitiesOnly=yes', '-i', identity];
  const far = ['rackui', ...(viewOnly ? ['--view-only'] : []), 'proxy'];
  return ['ssh', '-T', ...given, ...(port === undefined ? [] : ['-p', String(port)]), ...key, '--', ssh, ...far];
}

/** Describes the end of ssh in a sentence with what to do next; null: its exit code gives no reason. */
function describeEnd({ ssh, name }: RemoteRack, code: number | null, errors: string): string | null {
  if (code === null || code === 0) return null;
  const lines = errors
    .split(/\r?\n/)
    .map((line) => removeHidden(line).trim())
    .filter((line) => line !== '');
  const last = (lines.at(-1) ?? '').replace(/^rackui: /, '');
  const matches = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  if (code === SSH_FAILED) {
    if (matches(/REMOTE HOST IDENTIFICATION HAS CHANGED/))
      return `${ssh}: its host key is not the one that is known: find out why before you trust it (${last})`;
    if (matches(/Host key verification failed/))
      return `${ssh}: its host key is not known here: log in once with 'ssh ${ssh}' and compare it`;
    if (matches(/Permission denied/))
      return `${ssh}: it refused the key: 'ssh-copy-id ${ssh}' installs one, and 'ssh -o BatchMode=yes ${ssh} true' must work`;
    return `${ssh}: ${last === '' ? 'ssh could not connect' : last}`;
  }
  if (code === NO_COMMAND)
    return `${ssh}: there is no rackui in the PATH of its ssh commands: install it there ('ssh ${ssh} rackui --version' must work)`;
  if (code === EXIT.usage && matches(/'?proxy'?/))
    return `${ssh}: its rackui is older and cannot be reached by ssh: install this version there`;
  return `${ssh}: ${last === '' ? `rackui ended there (exit code ${code})` : last}; see 'rackui status' on ${name}`;
}
