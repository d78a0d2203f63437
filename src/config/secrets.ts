/** Reads secrets, keys and certificates from files or a program's output; neither they nor that output appear in any error. */
import { execFile } from 'node:child_process';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../lib/errors.ts';
import type { Config } from './schema.ts';
import type { SecretSource } from './value-types.ts';

/** A secret that could not be read; the message has its source and the reason, never its text. */
class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** Time limit of a command, ms: a password manager may ask its agent, but must not block a server's start. */
const COMMAND_TIMEOUT_MS = 10_000;
const MAX_SECRET_BYTES = 4096;
const MAX_PEM_BYTES = 1024 * 1024;

/**
 * Reads a secret, without its final line end. A file that every user can read is refused, as ssh refuses such a key;
 * a command runs as an argument vector, never through a shell, with nothing on its stdin. @throws SecretError
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

/** Mode bits of a file that all users can read, and of one that any other user can use at all. */
const READ_BY_ALL = 0o004;
const USED_BY_OTHERS = 0o077;

/**
 * Reads a token, which is the whole authority of a program: its file belongs to this user or root, and no other user can
 * read or write it. @throws SecretError
 */
export async function readToken(path: string): Promise<string> {
  const token = (await fromFile(path, USED_BY_OTHERS)).replace(/\r?\n$/, '');
  if (!/^[\x21-\x7e]{16,256}$/.test(token))
    throw new SecretError(`${path} holds no token: 16 to 256 characters without spaces, as of openssl rand -hex 32`);
  return token;
}

/** Reads certificates in PEM, of a server or an authority. @throws SecretError */
export async function readCertificate(path: string): Promise<string> {
  const pem = await fromFile(path, 0, { what: 'certificate', limit: MAX_PEM_BYTES });
  try {
    new X509Certificate(pem);
  } catch {
    throw new SecretError(`${path} holds no certificate in PEM`);
  }
  return pem;
}

/**
 * Reads the private key of a server in PEM, which is not readable by all, without a passphrase. `certificate`: the one
 * that it belongs to; null: not known. @throws SecretError
 */
export async function readKey(path: string, certificate: string | null): Promise<string> {
  const pem = await fromFile(path, READ_BY_ALL, { what: 'key', limit: MAX_PEM_BYTES });
  const key = keyIn(pem, path);
  if (certificate !== null && !new X509Certificate(certificate).checkPrivateKey(key))
    throw new SecretError(`the key in ${path} is not that of the certificate`);
  return pem;
}

function keyIn(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new SecretError(
      pem.includes('ENCRYPTED')
        ? `the key in ${path} has a passphrase: write it without one, by openssl pkey`
        : `${path} holds no private key in PEM`,
    );
  }
}

/** Kind of a file's contents, for messages, and its most bytes. */
interface PrivateFile {
  what: 'secret' | 'key' | 'certificate';
  limit: number;
}

async function fromFile(
  path: string,
  forbidden = READ_BY_ALL,
  kind: PrivateFile = { what: 'secret', limit: MAX_SECRET_BYTES },
): Promise<string> {
  try {
    // One descriptor, so that the checked file is the one that is read. A pipe without a writer must not block the
    // server's start.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readChecked(file, path, forbidden, kind);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SecretError) throw error;
    throw new SecretError(`cannot read the ${kind.what} in ${path}: ${codeOf(error)}`);
  }
}

async function readChecked(
  file: FileHandle,
  path: string,
  forbidden: number,
  { what, limit }: PrivateFile,
): Promise<string> {
  const info = await file.stat();
  if (!info.isFile()) throw new SecretError(`${path} is not a regular file`);
  if ((info.mode & forbidden & READ_BY_ALL) !== 0)
    throw new SecretError(`the ${what} in ${path} is readable by everyone: chmod 600 ${path}`);
  if ((info.mode & forbidden) !== 0)
    throw new SecretError(`others than its owner can use the ${what} in ${path}: chmod 600 ${path}`);
  if (forbidden === USED_BY_OTHERS && info.uid !== 0 && info.uid !== process.getuid?.())
    throw new SecretError(`${path} belongs to user id ${info.uid}: make it yours or root's`);
  if (info.size > limit) throw new SecretError(`${path} is too long for a ${what} (${info.size} bytes)`);
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
    throw new SecretError(`the command ${program} returned no secret: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('killed' in error && error.killed === true)
    return `no answer within ${COMMAND_TIMEOUT_MS / 1000} s, or its output is too long`;
  if ('code' in error && typeof error.code === 'number') return `exit code ${error.code}`;
  return 'code' in error && typeof error.code === 'string' ? error.code : 'it failed';
}

/** A secret, or a file of credentials, that cannot be read. */
export interface UnreadableSecret {
  /** Its place in the configuration. */
  path: (string | number)[];
  message: string;
  /** True where it comes from a command. */
  command: boolean;
}

/**
 * Lists the secrets of a configuration, and the files of credentials, that this user cannot read. `look` runs no
 * command and only checks that its program exists; `run` runs them, and discards the output.
 */
export async function unreadableSecrets(config: Config, how: 'look' | 'run'): Promise<UnreadableSecret[]> {
  const secrets = secretsOf(config).map(async ({ path, source }): Promise<UnreadableSecret | null> => {
    const command = 'command' in source;
    try {
      if (command && how === 'look') await expectProgram(source.command[0] ?? '');
      else await readSecret(source);
      return null;
    } catch (error) {
      return { path, command, message: messageOf(error) };
    }
  });
  const files = credentialFiles(config).map(async ({ path, file }): Promise<UnreadableSecret | null> => {
    try {
      await access(file.replace(/^~(?=\/)/, homedir()), constants.R_OK);
      return null;
    } catch (error) {
      return { path, command: false, message: `cannot read ${file}: ${codeOf(error)}` };
    }
  });
  const own = judgedFiles(config).map(async ({ path, read }): Promise<UnreadableSecret | null> => {
    const message = await read().then(() => null, messageOf);
    return message === null ? null : { path, command: false, message };
  });
  return (await Promise.all([...secrets, ...files, ...own])).filter((one) => one !== null);
}

/** Lists the secrets that a configuration names. */
export function secretsOf({ unlock, login, ups, mqtt }: Config): { path: (string | number)[]; source: SecretSource }[] {
  return [
    ...(unlock === undefined ? [] : [{ path: ['unlock'], source: unlock }]),
    ...(login === undefined ? [] : [{ path: ['login', 'password'], source: login.password }]),
    ...ups.flatMap(({ password }, i) =>
      password === undefined ? [] : [{ path: ['ups', i, 'password'], source: password }],
    ),
    ...(mqtt?.password === undefined ? [] : [{ path: ['mqtt', 'password'], source: mqtt.password }]),
  ];
}

/** Lists files of credentials. Keys given by patterns (`%d`, `~user`) are left out: only ssh can resolve them. */
function credentialFiles({ ssh }: Config): { path: (string | number)[]; file: string }[] {
  const key = ssh?.identity;
  return [...(key === undefined || /%|^~[^/]/.test(key) ? [] : [{ path: ['ssh', 'identity'], file: key }])];
}

/** Returns the certificate; null where it cannot be read, which is a fault of its own. */
function pemOf(certificate: string): Promise<string | null> {
  return readCertificate(certificate).catch(() => null);
}

/** Lists certificates, keys and tokens, each with a judgement of its own. */
function judgedFiles({ ups, mqtt, http }: Config): { path: (string | number)[]; read: () => Promise<string> }[] {
  const certificates = [
    ...ups.map(({ ca }, i) => ({ path: ['ups', i, 'ca'], file: ca })),
    { path: ['mqtt', 'ca'], file: mqtt?.ca },
    { path: ['http', 'tls', 'certificate'], file: http?.tls?.certificate },
  ];
  const { certificate, key } = http?.tls ?? {};
  return [
    ...certificates.flatMap(({ path, file }) =>
      file === undefined ? [] : [{ path, read: () => readCertificate(file) }],
    ),
    ...(certificate === undefined || key === undefined
      ? []
      : [{ path: ['http', 'tls', 'key'], read: async () => readKey(key, await pemOf(certificate)) }]),
    ...(http?.tokens ?? []).map(({ file }, i) => ({
      path: ['http', 'tokens', i, 'file'],
      read: () => readToken(file),
    })),
  ];
}

/** Checks that a program exists. @throws SecretError where there is none that may be run */
async function expectProgram(program: string): Promise<void> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = program.includes('/') ? [program] : folders.map((folder) => join(folder, program));
  const found = await Promise.all(
    candidates.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!found.includes(true)) throw new SecretError(`${program} is not an executable program`);
}
