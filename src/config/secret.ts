/** Secrets come from a file or from a program's output; neither they nor that output appear in any error. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { SecretSource } from './schema-values.ts';

/** A secret that could not be read: where it should have come from and why not, never what it is. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** A password manager may ask its agent; it may not hang a server's start. */
const COMMAND_TIMEOUT_MS = 10_000;
const MAX_SECRET_BYTES = 4096;

/**
 * The secret without its final line end. A file that everybody can read is refused, as ssh refuses such a key;
 * a command runs as an argument vector, never through a shell, with nothing on its stdin.
 * @throws SecretError
 */
export async function readSecret(source: SecretSource): Promise<string> {
  const secret = ('file' in source ? await fromFile(source.file) : await fromCommand(source.command)).replace(
    /\r?\n$/,
    '',
  );
  const where = 'file' in source ? source.file : (source.command[0] ?? '');
  if (secret === '') throw new SecretError(`the secret from ${where} is empty`);
  if (/[\r\n\0]/.test(secret)) throw new SecretError(`the secret from ${where} has more than one line`);
  return secret;
}

async function fromFile(path: string): Promise<string> {
  try {
    // One descriptor: what is judged is what is read. A pipe without a writer must not block the server's start.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readJudged(file, path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SecretError) throw error;
    throw new SecretError(`cannot read the secret in ${path}: ${codeOf(error)}`);
  }
}

async function readJudged(file: FileHandle, path: string): Promise<string> {
  const info = await file.stat();
  if (!info.isFile()) throw new SecretError(`${path} is not a regular file`);
  if ((info.mode & 0o004) !== 0) throw new SecretError(`everybody can read the secret in ${path}: chmod 600 ${path}`);
  if (info.size > MAX_SECRET_BYTES) throw new SecretError(`${path} is too long for a secret (${info.size} bytes)`);
  return file.readFile('utf8');
}

async function fromCommand(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command;
  try {
    const running = promisify(execFile)(program, args, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_SECRET_BYTES });
    running.child.stdin?.end();
    return (await running).stdout;
  } catch (error) {
    // The error's own message holds the arguments and stderr: both may hold the secret.
    throw new SecretError(`the command ${program} gave no secret: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('killed' in error && error.killed === true)
    return `no answer within ${COMMAND_TIMEOUT_MS / 1000} s, or too long an answer`;
  if ('code' in error && typeof error.code === 'number') return `exit code ${error.code}`;
  return 'code' in error && typeof error.code === 'string' ? error.code : 'it failed';
}
